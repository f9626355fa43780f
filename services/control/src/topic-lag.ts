import { isAppError, topics } from '@orgstream/core';
import { readIngestOffsets, type Knex } from '@orgstream/database';
import type { Admin, Kafka } from '@orgstream/kafka';
import { sleep } from '@orgstream/runtime';

/** Records not yet finished by each hop; null when Kafka or the hop's offsets cannot be read. */
export interface TopicLag {
  readonly normalizerRecords: number | null;
  readonly ingestRecords: number | null;
}

/** Consumer group of the normalizer, as its configuration has it by default. */
const NORMALIZER_GROUP = 'orgstream-normalizer';
/** Brokers that do not answer are given up on after this long. */
const PATIENCE_MS = 3_000;
const unknown: TopicLag = { normalizerRecords: null, ingestRecords: null };

export interface TopicLagReader extends AsyncDisposable {
  read(): Promise<TopicLag>;
}

/** Reads with one connection that is kept from answer to answer, and made anew when it fails. */
export function createTopicLagReader(kafka: Kafka, db: Knex): TopicLagReader {
  let admin: Promise<Admin> | undefined;
  async function drop(): Promise<void> {
    const old = admin;
    admin = undefined;
    await old?.then((one) => one[Symbol.asyncDispose]()).catch(() => {});
  }
  async function ask(): Promise<TopicLag> {
    try {
      return await lagOf(await (admin ??= kafka.createAdmin()), db);
    } catch (error) {
      await drop();
      if (isAppError(error)) return unknown;
      throw error;
    }
  }
  return {
    async read() {
      const patience = new AbortController();
      const lag = ask().finally(() => patience.abort());
      const late = sleep(PATIENCE_MS, patience.signal).then(() => (patience.signal.aborted ? lag : unknown));
      return Promise.race([lag, late]);
    },
    [Symbol.asyncDispose]: drop,
  };
}

async function lagOf(admin: Admin, db: Knex): Promise<TopicLag> {
  // In the order the data flows: what the first has handed on is seen by the second question.
  const normalizer = await admin.groupLag(NORMALIZER_GROUP, topics.ziikChanges);
  const stored = await readIngestOffsets(db, topics.directoryChanges);
  const directory = await admin.offsets(topics.directoryChanges);
  return {
    normalizerRecords: normalizer.reduce((sum, p) => sum + p.lag, 0),
    ingestRecords: directory.reduce((sum, p) => sum + Math.max(0, p.high - (stored.get(p.partition) ?? p.low)), 0),
  };
}
