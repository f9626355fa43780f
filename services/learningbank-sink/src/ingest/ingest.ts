import type { Kind } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import type { Change } from './change.ts';
import { collate, passedBy } from './collate.ts';
import { withoutErased } from './erased.ts';
import { storeFacts, storeRejections, storeSeen } from './fact-store.ts';
import { tenantOf, type Item } from './fact.ts';
import { markChanges } from './mark-changes.ts';
import { moveOffset, type History, type OffsetMove } from './offset-store.ts';
import { readScope } from './progress-store.ts';
import { applyMarker, proveHistory, type MarkerOutcome } from './snapshots.ts';
import { notifyWork, ripen } from './work-store.ts';
import { query } from './query.ts';

/** Decoded records of one partition, in the order of the log. */
export interface IngestBatch extends OffsetMove {
  readonly items: readonly Item[];
}

/** A snapshot that ended in a batch. */
export interface SnapshotEnd extends Required<Pick<MarkerOutcome, 'state' | 'detail'>> {
  readonly tenant: string;
  readonly snapshotId: string;
}

export interface IngestResult {
  /** Facts of tenants with an integration, by kind. */
  readonly facts: Readonly<Partial<Record<Kind, number>>>;
  /** Items of tenants nobody asked for. */
  readonly dropped: number;
  /** Rows that really changed. */
  readonly changed: number;
  readonly rejected: number;
  /** Objects marked. */
  readonly marked: number;
  readonly snapshots: readonly SnapshotEnd[];
}

/**
 * One batch of one partition, one transaction: moves the offset (the fence), stores what is newer, marks what really
 * changed, judges snapshots, ripens work, wakes the reconciler. Nothing of it happens, or all of it. Throws LEASE_LOST
 * and Postgres' own errors.
 */
export async function ingest(db: Knex, batch: IngestBatch): Promise<IngestResult> {
  return db.transaction(async (tx) => {
    const history = await moveOffset(tx, batch);
    const scope = await readScope(tx, new Set(batch.items.map(tenantOf)));
    const kept = batch.items.filter((item) => scope.has(tenantOf(item)));
    const items = await withoutErased(tx, scope.keys(), kept);
    const stored = await storeSegments(tx, items, { partition: batch.partition, history });
    const passed = passedBy(items);
    const ripened = await ripen(tx, passed);
    const marked = await markChanges(tx, stored.changes, { scope, passed, run: false });
    const proved = history === 'passed' ? await proveHistory(tx, batch.partition) : [];
    await wake(tx, [...ripened, ...marked.integrations], [...proved, ...stored.proved]);
    return {
      facts: countFacts(items),
      dropped: batch.items.length - kept.length,
      changed: stored.changes.length,
      rejected: stored.changes.filter((change) => change.rejectedCode !== null).length,
      marked: marked.objects,
      snapshots: stored.snapshots,
    };
  });
}

/**
 * Facts of a replay: the same statements into the same replica, but no offset, no markers, no sightings; what changes
 * waits for the run that applies it.
 */
export async function ingestAgain(
  db: Knex,
  batch: Pick<IngestBatch, 'topic' | 'partition' | 'items'>,
): Promise<Pick<IngestResult, 'changed' | 'marked'>> {
  return db.transaction(async (tx) => {
    // The lock that live ingest takes by moving the offset: without it the two could pass each other's row versions.
    const [live] = await query<{ next_offset: string }>(
      tx,
      `select next_offset from sink.ingest_offset where topic = ? and partition = ? for update`,
      [batch.topic, batch.partition],
    );
    // What live ingest has not read yet is news: taken in here, it would wait for a run.
    const reached = Number(live?.next_offset ?? 0);
    const scope = await readScope(tx, new Set(batch.items.map(tenantOf)));
    const kept = batch.items.filter(
      (item) => scope.has(tenantOf(item)) && item.type !== 'marker' && offsetOf(item) < reached,
    );
    const items = await withoutErased(tx, scope.keys(), kept);
    const changes = await storeItems(tx, items.map(unseen));
    const marked = await markChanges(tx, changes, { scope, passed: new Map(), run: true });
    await wake(tx, marked.integrations, []);
    return { changed: changes.length, marked: marked.objects };
  });
}

function offsetOf(item: Item): number {
  if (item.type === 'fact') return item.fact.offset;
  return item.type === 'rejection' ? item.rejection.offset : item.offset;
}

/** Old sightings would overwrite those of a snapshot that is under way. */
function unseen(item: Item): Item {
  if (item.type === 'fact') return { type: 'fact', fact: { ...item.fact, snapshotId: null, chunk: null } };
  if (item.type === 'marker') return item;
  return { type: 'rejection', rejection: { ...item.rejection, snapshotId: null, chunk: null } };
}

/** A marker is judged after everything before it in the log, and before everything after it. */
async function storeSegments(
  tx: Knex,
  items: readonly Item[],
  place: { readonly partition: number; readonly history: History },
): Promise<{
  readonly changes: readonly Change[];
  readonly snapshots: readonly SnapshotEnd[];
  readonly proved: readonly string[];
}> {
  const changes: Change[] = [];
  const snapshots: SnapshotEnd[] = [];
  let segment: Item[] = [];
  for (const item of items) {
    if (item.type !== 'marker') {
      segment.push(item);
      continue;
    }
    changes.push(...(await storeItems(tx, await counting(tx, segment))));
    segment = [];
    const outcome = await applyMarker(tx, { ...place, marker: item.marker, offset: item.offset });
    changes.push(...outcome.changes);
    const { tenant, snapshotId } = item.marker;
    if (outcome.state) snapshots.push({ tenant, snapshotId, state: outcome.state, detail: outcome.detail });
  }
  changes.push(...(await storeItems(tx, await counting(tx, segment))));
  const proved = snapshots.filter((snapshot) => snapshot.state === 'proved').map((snapshot) => snapshot.tenant);
  return { changes, snapshots, proved };
}

/**
 * Rows count for the snapshot that is under way only. Those of an older one may come again, when the normalizer goes back:
 * they must not overwrite where the new one met them.
 */
async function counting(tx: Knex, items: readonly Item[]): Promise<readonly Item[]> {
  const read = (item: Item): string | null =>
    item.type === 'marker' ? null : item.type === 'fact' ? item.fact.snapshotId : item.rejection.snapshotId;
  const tenants = new Set(items.filter((item) => read(item) !== null).map(tenantOf));
  if (tenants.size === 0) return items;
  const rows = await query<{ tenant: string; snapshot_id: string }>(
    tx,
    `select tenant, snapshot_id from sink.snapshot where tenant = any(?::text[]) and state = 'started'`,
    [[...tenants]],
  );
  const open = new Set(rows.map(({ tenant, snapshot_id }) => `${tenant}/${snapshot_id}`));
  return items.map((item): Item => {
    const snapshotId = read(item);
    if (item.type === 'marker' || snapshotId === null || open.has(`${tenantOf(item)}/${snapshotId}`)) return item;
    if (item.type === 'fact') return { type: 'fact', fact: { ...item.fact, chunk: null } };
    return { type: 'rejection', rejection: { ...item.rejection, chunk: null } };
  });
}

async function storeItems(tx: Knex, items: readonly Item[]): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const [kind, { facts, rejections, seen }] of collate(items)) {
    changes.push(...(await storeFacts(tx, kind, facts)));
    changes.push(...(await storeRejections(tx, kind, rejections)));
    await storeSeen(tx, kind, seen);
  }
  return changes;
}

/** Integrations with new or ripe work, and those of tenants whose snapshot was proved: a first sync may begin. */
async function wake(tx: Knex, integrations: readonly string[], tenants: readonly string[]): Promise<void> {
  if (tenants.length === 0) return notifyWork(tx, integrations);
  const rows = await query<{ id: string }>(tx, `select id from control.integration where tenant = any(?::text[])`, [
    tenants,
  ]);
  return notifyWork(tx, [...integrations, ...rows.map((row) => row.id)]);
}

function countFacts(items: readonly Item[]): Readonly<Partial<Record<Kind, number>>> {
  const counts: Partial<Record<Kind, number>> = {};
  for (const item of items) {
    if (item.type === 'fact') counts[item.fact.kind] = (counts[item.fact.kind] ?? 0) + 1;
  }
  return counts;
}
