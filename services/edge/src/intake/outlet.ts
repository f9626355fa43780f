import {
  AppError,
  isAppError,
  type learningbank,
  notificationKey,
  partitionOf,
  recordsOf,
  topics,
} from '@orgstream/core';
import type { Codec, Kafka, OutRecord, Producer } from '@orgstream/kafka';
import { backoffMs, type Logger, sleep } from '@orgstream/runtime';

export interface OutletOptions {
  readonly kafka: Pick<Kafka, 'createProducer'>;
  readonly codec: Codec;
  readonly log: Logger;
  /** Default `learningbank.notifications`. */
  readonly topic?: string;
  /** How long an acknowledgement is waited for, default 5 s. */
  readonly timeoutMs?: number;
  /** Bytes that may wait for Kafka, default 8 MiB. */
  readonly maxPendingBytes?: number;
}

/** Calls that may wait for Kafka: each holds a connection of somebody. */
const maxWaiting = 2_000;

/**
 * The way to Kafka. The edge does without it as long as it must: logins need none. So it is opened while the service runs,
 * and anew when it is dead.
 *
 * closed → (run) → open ⇄ dead → closed. What is not acknowledged in time is refused with KAFKA_UNREACHABLE: it may be
 * stored later all the same, and whoever delivers it again does no harm, for the ledger knows it. What waits is bounded:
 * beyond it everything is refused at once, so that a Kafka that is away costs no memory.
 */
export class Outlet {
  readonly #options: OutletOptions;
  readonly #topic: string;
  #waiting = 0;
  #open: { readonly producer: Producer; readonly partitions: number; readonly dead: () => void } | undefined;

  constructor(options: OutletOptions) {
    this.#options = options;
    this.#topic = options.topic ?? topics.learningbankNotifications;
  }

  /** Kafka takes what is put. */
  get ready(): boolean {
    return this.#open !== undefined;
  }

  get pendingBytes(): number {
    return this.#open?.producer.pendingBytes ?? 0;
  }

  /** Resolves once all in-sync replicas hold every one. Throws KAFKA_UNREACHABLE, or RECORD_INVALID: it never will. */
  async put(notifications: readonly learningbank.Notification[]): Promise<void> {
    const { timeoutMs = 5_000, maxPendingBytes = 8 * 1024 * 1024 } = this.#options;
    const open = this.#open;
    if (open === undefined) throw away('not connected');
    if (open.producer.pendingBytes > maxPendingBytes || this.#waiting >= maxWaiting) {
      throw away('too much waits for it');
    }
    this.#waiting += 1;
    const stored = this.#append(open, notifications);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(away('no acknowledgement in time')), timeoutMs);
    });
    try {
      await Promise.race([stored, late]);
    } catch (error) {
      stored.catch(() => undefined);
      if (isAppError(error, 'RECORD_INVALID', 'KAFKA_UNREACHABLE')) throw error;
      open.dead();
      throw away('its client is dead', error);
    } finally {
      this.#waiting -= 1;
      clearTimeout(timer);
    }
  }

  async #append(
    { producer, partitions }: { readonly producer: Producer; readonly partitions: number },
    notifications: readonly learningbank.Notification[],
  ): Promise<void> {
    const byPartition = new Map<number, OutRecord[]>();
    for (const notification of notifications) {
      const partition = partitionOf(notification.tenant, partitions);
      const record = {
        key: notificationKey(notification.tenant, notification.receiver),
        value: this.#options.codec.encode(topics.learningbankNotifications, 'learningbank.Notification', notification),
      };
      const records = byPartition.get(partition);
      if (records) records.push(record);
      else byPartition.set(partition, [record]);
    }
    await Promise.all(
      [...byPartition].map(([partition, records]) => producer.writer(this.#topic, partition).append(records)),
    );
  }

  /** Keeps it open until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#hold(signal, () => (failures = 0));
      } catch (error) {
        const waitMs = backoffMs(failures + 1, { baseMs: 200, capMs: 5_000 });
        const facts = { code: isAppError(error) ? error.code : 'UNEXPECTED', waitMs, err: error };
        log[failures < 3 ? 'info' : 'warn'](facts, 'notifications wait for Kafka');
        await sleep(waitMs, signal);
      }
    }
  }

  async #hold(signal: AbortSignal, onOpen: () => void): Promise<void> {
    const { kafka, codec } = this.#options;
    await codec.prepare(topics.learningbankNotifications, recordsOf[topics.learningbankNotifications]);
    await using producer = await kafka.createProducer();
    const partitions = await producer.partitions(this.#topic);
    const over = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => over.resolve(), { once: true });
    if (signal.aborted) return;
    this.#open = { producer, partitions, dead: () => over.resolve() };
    onOpen();
    await over.promise;
    this.#open = undefined;
  }
}

function away(why: string, cause?: unknown): AppError {
  return new AppError('KAFKA_UNREACHABLE', `handing a notification to Kafka: ${why}`, { cause });
}
