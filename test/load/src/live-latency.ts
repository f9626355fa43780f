import { setTimeout as delay } from 'node:timers/promises';
import { generateOrganisation, insertPlainRows } from '@orgstream/simulator-ziik';
import { createCodec, createKafka } from '@orgstream/kafka';
import { join, listCalls, waitConverged } from '@orgstream/world';
import { uniqueName } from '@orgstream/testkit';
import { cpuSeconds, percentiles } from './measure.ts';
import { startRig, type Rig } from './rig.ts';

const SECONDS = Number(process.env['SECONDS'] ?? 30);
const TO_KAFKA_PER_SECOND = 300;
const TO_TARGET_PER_SECOND = 20;

/** Commit to Kafka at 300 commits/s, and commit to the answer of Learningbank at 20 changes/s. */
export async function liveLatency(): Promise<unknown> {
  await using rig = await startRig();
  return { toKafka: await toKafka(rig), toLearningbank: await toTarget(rig) };
}

/** Every row carries a number; a consumer of our own notes when it reads that number in `ziik.changes`. */
async function toKafka(rig: Rig): Promise<unknown> {
  const { siteId } = await insertPlainRows(rig.ziik, { people: 10_000 });
  const { rows } = await rig.ziik.query<{ id: string }>('select id from users where site_id = $1 order by id', [
    siteId,
  ]);
  const committed = new Map<string, number>();
  const seen = new Map<string, number>();
  const stop = new AbortController();
  const codec = createCodec({ registryUrl: rig.file.registryUrl });
  const kafka = createKafka({ brokers: rig.file.kafkaBrokers.split(','), clientId: 'orgstream-bench' });
  await using consumer = await kafka.createConsumer({
    groupId: uniqueName('bench'),
    topics: ['ziik.changes'],
    maxBatchRecords: 1_000,
    maxQueuedRecords: 10_000,
    onAssigned: async (partitions) =>
      partitions.map((p) => ({ topic: p.topic, partition: p.partition, offset: p.high })),
    onBatch: async ({ records }) => {
      for (const record of records) {
        const decoded = record.value ? await codec.decode(record.value) : undefined;
        const name = decoded?.name === 'ziik.User' ? decoded.value.firstName : null;
        if (name?.startsWith('L ')) seen.set(name, performance.now());
      }
    },
  });
  const running = consumer.run(stop.signal);
  while (!consumer.ready) await delay(50);
  const { pid } = rig.world.supervisor.handle('ziik-cdc')!;
  const cpu = cpuSeconds(pid);
  await paced(SECONDS * TO_KAFKA_PER_SECOND, TO_KAFKA_PER_SECOND, async (n) => {
    const name = `L ${n}`;
    await rig.ziik.query('update users set first_name = $2 where id = $1', [rows[n % rows.length]!.id, name]);
    committed.set(name, performance.now());
  });
  for (let i = 0; seen.size < committed.size && i < 100; i += 1) await delay(100);
  stop.abort();
  await running;
  const sample = [...committed].flatMap(([name, at]) => (seen.has(name) ? [Math.max(0, seen.get(name)! - at)] : []));
  return {
    commits: committed.size,
    seen: sample.length,
    ms: percentiles(sample),
    cdcCpuSeconds: cpuSeconds(pid) - cpu,
  };
}

async function toTarget(rig: Rig): Promise<unknown> {
  const organisation = await generateOrganisation(rig.ziik, {
    seed: 3,
    units: 40,
    people: 1_000,
    withoutEmail: 0,
    inactive: 0,
    expired: 0,
  });
  const joined = await join(rig.file, organisation.siteId, { name: 'Latency' });
  await waitConverged(rig.file, { deadlineMs: 120_000 });
  const committed = new Map<string, number>();
  // Of a thousand people 200 may be renamed within ten minutes before the brake trips.
  const people = organisation.personIds.slice(0, 150);
  await paced(SECONDS * TO_TARGET_PER_SECOND, TO_TARGET_PER_SECOND, async (n) => {
    const name = `T ${n}`;
    await rig.ziik.query('update users set first_name = $2 where id = $1', [people[n % people.length], name]);
    committed.set(name, Date.now());
  });
  await waitConverged(rig.file, { deadlineMs: 60_000 });
  const sample = (await listCalls(rig.file, joined.platform)).flatMap((call) => {
    const at = committed.get((call.body as { firstName?: string } | undefined)?.firstName ?? '');
    return at === undefined ? [] : [call.atMs + call.durationMs - at];
  });
  return { changes: committed.size, answered: sample.length, ms: percentiles(sample) };
}

/** Calls `work` at an even pace, without waiting for the last one to end: a slow answer must not lower the load. */
async function paced(count: number, perSecond: number, work: (n: number) => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  const pending: Promise<void>[] = [];
  for (let n = 0; n < count; n += 1) {
    const waitMs = startedMs + (n * 1_000) / perSecond - performance.now();
    if (waitMs > 0) await delay(waitMs);
    pending.push(work(n));
  }
  await Promise.all(pending);
}
