import { partitionOf } from '@orgstream/core';
import { finishCommand, insertCommand, type Knex } from '@orgstream/database';
import type { LogState } from './log-state.ts';
import { query } from './query.ts';

/**
 * Honours a pending `topic.accept`: an operator says that the log was lost and this is the new one. Ingest begins at its
 * beginning; what was proved by the old log is proved no more, so the tenants of these partitions send nothing before a
 * fresh snapshot is; every source is asked for one, under a new epoch. All in one transaction, with the command's end.
 * False when nobody has said so.
 */
export async function acceptTopic(db: Knex, topic: string, log: LogState, lost: ReadonlySet<number>): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [command] = await query<{ id: string }>(
      tx,
      `select id from control.command
        where addressee = 'learningbank-sink' and kind = 'topic.accept' and state = 'new' order by id limit 1 for update`,
      [],
    );
    if (!command) return false;
    await beginAnew(tx, topic, log, lost);
    const tenants = await forgetProofs(tx, log.partitions.length, lost);
    const sources = await query<{ name: string }>(
      tx,
      `select name from cdc.source where removed_at is null order by 1`,
      [],
    );
    for (const { name } of sources) {
      const payload = { source: name, reason: 'topic_accepted', recreate: true, newEpoch: true };
      await insertCommand(tx, { addressee: 'ziik-cdc', kind: 'snapshot', payload });
    }
    const result = { partitions: [...lost], tenants: tenants.length, sources: sources.map(({ name }) => name) };
    await finishCommand(tx, Number(command.id), { result });
    return true;
  });
}

/** An ingest that is about to halt gets this long to come back and honour an accept. */
const REFUSED_AFTER_MS = 5_000;

/** An accept while ingest reads the log it knows has nothing to accept; left pending it would be honoured unasked one day. */
export async function refuseAccept(db: Knex): Promise<void> {
  await query(
    db,
    `update control.command
        set state = 'failed', code = 'ACTION_NOT_POSSIBLE', updated_at = now(),
            message = 'nothing to accept: the topic is the one that ingest knows'
      where addressee = 'learningbank-sink' and kind = 'topic.accept' and state = 'new'
        and created_at < now() - ? * interval '1 ms'`,
    [REFUSED_AFTER_MS],
  );
}

async function beginAnew(tx: Knex, topic: string, log: LogState, lost: ReadonlySet<number>): Promise<void> {
  const partitions = log.partitions.filter(({ partition }) => lost.has(partition));
  await query(
    tx,
    `update sink.ingest_offset o
        set next_offset = p.low, rebuild_until = p.high, catch_up_until = 0, cluster_id = ?, generation = null, updated_at = now()
       from unnest(?::int[], ?::bigint[], ?::bigint[]) as p(partition, low, high)
      where o.topic = ? and o.partition = p.partition`,
    [
      log.clusterId,
      partitions.map((p) => p.partition),
      partitions.map((p) => p.low),
      partitions.map((p) => p.high),
      topic,
    ],
  );
}

/** Snapshots name places in the log that is gone. Without a proved one an integration waits for the next. */
async function forgetProofs(tx: Knex, count: number, lost: ReadonlySet<number>): Promise<readonly string[]> {
  const known = await query<{ tenant: string }>(
    tx,
    `select tenant from control.integration union select tenant from sink.snapshot`,
    [],
  );
  const tenants = known.map(({ tenant }) => tenant).filter((tenant) => lost.has(partitionOf(tenant, count)));
  await query(tx, `delete from sink.snapshot where tenant = any(?::text[])`, [tenants]);
  await awaitSnapshots(tx);
  return tenants;
}

/**
 * Integrations that were past their snapshot, and whose tenant has none any more, send nothing before a fresh one is
 * proved: the replica is empty or of a log that is gone, and what the topic still holds is not enough.
 */
export async function awaitSnapshots(db: Knex): Promise<void> {
  await query(
    db,
    `update sink.integration_state s set state = 'waiting_for_snapshot', updated_at = now()
      where s.state in ('listing', 'planning', 'first_sync', 'live')
        and not exists (select from sink.snapshot p where p.tenant = s.tenant and p.state = 'proved')`,
    [],
  );
}
