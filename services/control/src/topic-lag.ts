import { isAppError, topics } from '@orgstream/core';
import { readIngestOffsets, type Knex } from '@orgstream/database';
import type { Kafka } from '@orgstream/kafka';
import { sleep } from '@orgstream/runtime';

/** Records not yet finished by each hop; null when Kafka or the hop's offsets cannot be read. */
export interface TopicLag {
  readonly normalizerRecords: number | null;
  readonly ingestRecords: number | null;
}

/** Consumer group of the normalizer, as its configuration has it by default. */
const NORMALIZER_GROUP = 'orgstream-normalizer';
const unknown: TopicLag = { normalizerRecords: null, ingestRecords: null };

/** Brokers that do not answer are given up on after this long. */
const PATIENCE_MS = 3_000;

export async function readTopicLag(kafka: Kafka, db: Knex): Promise<TopicLag> {
  const patience = new AbortController();
  const late = sleep(PATIENCE_MS, patience.signal).then(() => unknown);
  const lag = read(kafka, db).finally(() => patience.abort());
  return Promise.race([lag, late.then((none) => (patience.signal.aborted ? lag : none))]);
}

async function read(kafka: Kafka, db: Knex): Promise<TopicLag> {
  try {
    await using admin = await kafka.createAdmin();
    // In the order the data flows: what the first has handed on is seen by the second question.
    const normalizer = await admin.groupLag(NORMALIZER_GROUP, topics.ziikChanges);
    const stored = await readIngestOffsets(db, topics.directoryChanges);
    const directory = await admin.offsets(topics.directoryChanges);
    return {
      normalizerRecords: normalizer.reduce((sum, p) => sum + p.lag, 0),
      ingestRecords: directory.reduce((sum, p) => sum + Math.max(0, p.high - (stored.get(p.partition) ?? p.low)), 0),
    };
  } catch (error) {
    if (isAppError(error)) return unknown;
    throw error;
  }
}
