import type { Batch, Consumer, Kafka, PartitionProgress } from '@orgstream/kafka';
import { sleep } from '@orgstream/runtime';
import type { Redo } from './redo.ts';

export interface RoundsOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topic: string;
  readonly maxBatchRecords: number;
  readonly onBatch: (batch: Batch) => Promise<void>;
  /** Absent: no database, no commands. */
  readonly redo?: Redo | undefined;
  /** How often commands are looked for and progress is stored, default 1 s. */
  readonly lookMs?: number;
}

/** A consumer that begins anew where partitions have to go back: an assignment is where a start can be said. */
export class Rounds implements AsyncDisposable {
  readonly #options: RoundsOptions;
  #consumer: Consumer;

  private constructor(options: RoundsOptions, consumer: Consumer) {
    this.#options = options;
    this.#consumer = consumer;
  }

  static async open(options: RoundsOptions): Promise<Rounds> {
    return new Rounds(options, await connect(options));
  }

  get ready(): boolean {
    return this.#consumer.ready;
  }

  get lastActivityMs(): number {
    return this.#consumer.lastActivityMs;
  }

  progress(): readonly PartitionProgress[] {
    return this.#consumer.progress();
  }

  /** Until the signal aborts, or as a consumer's `run` rejects. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      const again = new AbortController();
      const ended = new AbortController();
      const looking = this.#look(again, AbortSignal.any([signal, ended.signal]));
      try {
        await this.#consumer.run(AbortSignal.any([signal, again.signal]));
      } finally {
        ended.abort();
        await looking;
      }
      if (signal.aborted || !again.signal.aborted) return;
      this.#consumer = await connect(this.#options);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer[Symbol.asyncDispose]();
  }

  async #look(again: AbortController, signal: AbortSignal): Promise<void> {
    const { redo, lookMs = 1_000 } = this.#options;
    if (!redo) return;
    for (await sleep(lookMs, signal); !signal.aborted; await sleep(lookMs, signal)) {
      if (this.#consumer.ready && (await redo.look(this.#consumer.progress()))) return again.abort();
    }
  }
}

function connect({ kafka, groupId, topic, maxBatchRecords, onBatch, redo }: RoundsOptions): Promise<Consumer> {
  return kafka.createConsumer({
    groupId,
    topics: [topic],
    maxBatchRecords,
    maxQueuedRecords: 4 * maxBatchRecords,
    onBatch,
    ...(redo ? { onAssigned: (assigned) => redo.starts(assigned) } : {}),
  });
}
