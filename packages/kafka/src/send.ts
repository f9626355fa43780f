import type { RecordMetadata } from 'kafkajs';
import { AppError } from '@orgstream/core';
import { backoffMs, sleep } from '@orgstream/runtime';
import type { Log } from './client.ts';
import { protocolType, translate } from './errors.ts';
import type { PendingBatch } from './partition-writer.ts';
import type { ProducerClient, ProducerClients } from './producer-clients.ts';
import type { TopicPartition } from './port.ts';

/** A missing topic may be a broker that has just started and does not know it yet. */
const topicMissingAfterMs = 30_000;
/** kafkajs bounds a request to 30 s and a lock to 66 s; a send that outlives both will never settle. */
const hangAfterMs = 150_000;

/** How a failed send goes on. `stored`: the brokers have the batch already. */
export type Verdict = 'stored' | 'again' | 'new-producer' | 'topic-missing' | 'give-up';

const verdicts: Readonly<Record<string, Verdict>> = {
  DUPLICATE_SEQUENCE_NUMBER: 'stored',
  UNKNOWN_PRODUCER_ID: 'new-producer',
  INVALID_PRODUCER_EPOCH: 'new-producer',
  INVALID_PRODUCER_ID_MAPPING: 'new-producer',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'new-producer',
  UNKNOWN_TOPIC_OR_PARTITION: 'topic-missing',
  MESSAGE_TOO_LARGE: 'give-up',
  RECORD_LIST_TOO_LARGE: 'give-up',
  INVALID_RECORD: 'give-up',
  INVALID_TOPIC_EXCEPTION: 'give-up',
  UNSUPPORTED_VERSION: 'give-up',
};

/** Judges a rejected send. Everything that a broker or the network can heal is `again`. */
export function judge(error: unknown): Verdict {
  const type = protocolType(error);
  if (type && verdicts[type]) return verdicts[type];
  const { code } = translate(error, 'sending');
  if (code === 'KAFKA_AUTH_FAILED') return 'give-up';
  return code === 'KAFKA_UNREACHABLE' || type ? 'again' : 'give-up';
}

/**
 * Throws unless the answer acknowledges exactly this partition. Hazard: after a leader move kafkajs resolves although the
 * moved partition was never sent; only the entries of the answer tell.
 */
export function verifyAcknowledged(answer: readonly RecordMetadata[], { topic, partition }: TopicPartition): void {
  const entries = answer.filter((entry) => entry.topicName === topic && entry.partition === partition);
  if (entries.length === 1 && entries[0]!.errorCode === 0) return;
  throw new AppError('KAFKA_UNREACHABLE', 'sending: the answer does not acknowledge the partition', {
    topic,
    partition,
  });
}

export interface SendOptions extends TopicPartition {
  readonly clients: ProducerClients;
  readonly log: Log;
  /** Aborted when the producer closes. */
  readonly signal: AbortSignal;
}

/**
 * Sends one batch of one partition until it is stored. After a rejection exactly the same batch goes again on the same
 * producer: kafkajs has given its sequence back, and another batch under it would be dropped as a duplicate.
 */
export async function sendUntilStored(batch: PendingBatch, options: SendOptions): Promise<void> {
  const startedMs = Date.now();
  let client: ProducerClient | undefined;
  for (let attempt = 1; ; attempt += 1) {
    let verdict: Verdict;
    let failure: unknown;
    try {
      client ??= await options.clients.current();
      verifyAcknowledged(await withDeadline(client.send(options.topic, batch.messages), options), options);
      return;
    } catch (error) {
      failure = error;
      verdict = judge(error);
    }
    if (verdict === 'stored') return;
    if (options.signal.aborted) throw closed(options);
    if (verdict === 'give-up') throw giveUp(failure, options);
    if (verdict === 'topic-missing' && Date.now() - startedMs > topicMissingAfterMs) throw giveUp(failure, options);
    if (verdict === 'new-producer' && client) client = await replace(client, failure, options);
    await pause(attempt, failure, options);
  }
}

async function replace(
  broken: ProducerClient,
  failure: unknown,
  options: SendOptions,
): Promise<ProducerClient | undefined> {
  const { topic, partition, log } = options;
  log.warn({ topic, partition, cause: protocolType(failure) }, 'replacing the producer id');
  // Undefined when Kafka is away: the next attempt asks for the current client again.
  return options.clients.replace(broken).catch(() => undefined);
}

async function pause(attempt: number, failure: unknown, { topic, partition, log, signal }: SendOptions): Promise<void> {
  // Short and capped: an outage of 13 s after a killed broker must not grow to 28 s by back-off.
  const waitMs = backoffMs(attempt, { baseMs: 50, capMs: 1_000 });
  const fields = {
    topic,
    partition,
    attempt,
    waitMs,
    cause: protocolType(failure) ?? translate(failure, 'sending').message,
  };
  if (attempt === 20) log.error(fields, 'sending again');
  else if (attempt === 5) log.warn(fields, 'sending again');
  else log.debug(fields, 'sending again');
  await sleep(waitMs, signal);
}

async function withDeadline<T>(work: Promise<T>, { topic, partition }: TopicPartition): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    const dead = () =>
      reject(new AppError('KAFKA_CLIENT_DEAD', 'sending: no answer and no error', { topic, partition }));
    timer = setTimeout(dead, hangAfterMs);
  });
  try {
    return await Promise.race([work, hang]);
  } finally {
    clearTimeout(timer);
  }
}

function giveUp(failure: unknown, { topic, partition }: TopicPartition): AppError {
  const known = translate(failure, `appending to ${topic}/${partition}`);
  if (known.code === 'TOPIC_MISSING' || known.code === 'KAFKA_AUTH_FAILED' || known.code === 'KAFKA_CLIENT_DEAD')
    return known;
  return new AppError('KAFKA_CLIENT_DEAD', known.message, { cause: failure, topic, partition });
}

/** What waiting appends get when the producer closes. */
export function closed({ topic, partition }: TopicPartition): AppError {
  return new AppError('KAFKA_CLIENT_DEAD', 'appending: the producer is closed', { topic, partition });
}
