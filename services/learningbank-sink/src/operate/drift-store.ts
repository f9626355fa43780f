import type { Knex } from '@orgstream/database';
import { query } from '../ingest/query.ts';
import type { ObjectKey, ObjectKind, TargetId } from '../model.ts';
import type { RunItem } from '../runs/run-store.ts';
import type { Applied } from './terms.ts';

/** A link to be compared with the target. */
export interface LinkSeen {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly targetId: TargetId;
  readonly madeByUs: boolean;
  readonly applied: Applied;
  /** We wrote it, or may have, since the target was looked at: the look says nothing. */
  readonly busy: boolean;
}

/** Undone, rejected and ignored objects are as an operator wants them; the top department is never touched. */
const compared = `not l.is_top
  and not exists (select from sink.work w where (w.integration_id, w.kind, w.id) = (l.integration_id, l.kind, l.id)
                     and w.hold_code in ('UNDONE', 'REJECTED', 'IGNORED'))
  and not exists (select from sink.resolution r where (r.integration_id, r.kind, r.id) = (l.integration_id, l.kind, l.id)
                     and r.action = 'ignore')`;

/** Time of the database, which link and attempt rows carry. */
export async function readClock(db: Knex): Promise<Date> {
  return (await query<{ now: Date }>(db, `select now() as now`, []))[0]!.now;
}

interface LinkRow {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly target_id: string;
  readonly made_by_us: boolean;
  readonly applied: Applied;
  readonly busy: boolean;
}

/**
 * The links to these objects of the target, which was looked at no earlier than `lookedAt`. Found by what they are at the
 * target alone: by the integration, each page would read all of its links.
 */
export async function readLinksTo(
  db: Knex,
  { integrationId, platform }: { readonly integrationId: string; readonly platform: string },
  look: { readonly kind: ObjectKind; readonly targetIds: readonly TargetId[]; readonly lookedAt: Date },
): Promise<readonly LinkSeen[]> {
  const rows = await query<LinkRow>(
    db,
    `select l.kind, l.id, l.target_id, l.made_by_us, l.applied,
            l.updated_at >= ? or exists (
              select from sink.attempt a
               where a.integration_id = l.integration_id and a.kind = l.kind and a.object_id = l.id
                 and (a.state in ('sent', 'unknown') or a.finished_at >= ?)) as busy
       from sink.link l
      where l.platform = (select ?::text) and l.kind = ? and l.target_id = any(?::bigint[]) and l.integration_id::text = ? and ${compared}`,
    [look.lookedAt, look.lookedAt, platform, look.kind, look.targetIds, integrationId],
  );
  return rows.map(({ target_id, made_by_us, ...rest }) => ({
    ...rest,
    targetId: Number(target_id),
    madeByUs: made_by_us,
  }));
}

/** Target ids of everything linked, to find what a listing did not show. */
export async function readLinkedIds(
  db: Knex,
  integrationId: string,
): Promise<readonly { readonly kind: ObjectKind; readonly targetId: TargetId }[]> {
  const rows = await query<{ kind: ObjectKind; target_id: string }>(
    db,
    `select kind, target_id from sink.link l where integration_id = ? and ${compared} order by kind, target_id`,
    [integrationId],
  );
  return rows.map(({ kind, target_id }) => ({ kind, targetId: Number(target_id) }));
}

/** The same of some objects alone. */
export async function readLinkedAmong(
  db: Knex,
  integrationId: string,
  objects: readonly ObjectKey[],
): Promise<readonly { readonly kind: ObjectKind; readonly targetId: TargetId }[]> {
  const rows = await query<{ kind: ObjectKind; target_id: string }>(
    db,
    `select l.kind, l.target_id
       from unnest(?::text[], ?::text[]) with ordinality as o (kind, id, no)
      cross join lateral (
        select * from sink.link k where k.integration_id = ? and k.kind = o.kind and k.id = o.id limit 1) l
      where ${compared} order by o.no`,
    [objects.map(({ kind }) => kind), objects.map(({ id }) => id), integrationId],
  );
  return rows.map(({ kind, target_id }) => ({ kind, targetId: Number(target_id) }));
}

/** Stores what a proof found. */
export async function writeProof(
  db: Knex,
  proof: {
    readonly integrationId: string;
    readonly provedAt: Date;
    readonly known: number;
    readonly differing: number;
  },
): Promise<void> {
  await query(
    db,
    `update sink.integration_state set drift_proved_at = ?, drift_known = ?, drift_differing = ?, updated_at = now()
      where integration_id = ?`,
    [proof.provedAt, proof.known, proof.differing, proof.integrationId],
  );
}

/**
 * Takes what was observed for what is applied, where that still is what was compared: the planner does the rest. Returns
 * these objects; what refers to a unit or role that is `gone` gets another id.
 */
export async function believeObserved(
  tx: Knex,
  integrationId: string,
  items: readonly Pick<RunItem, 'kind' | 'id' | 'detail'>[],
): Promise<readonly { readonly kind: ObjectKind; readonly id: string; readonly gone: boolean }[]> {
  const asked = JSON.stringify(items.map(({ kind, id, detail }) => ({ kind, id, ...detail })));
  return query<{ kind: ObjectKind; id: string; gone: boolean }>(
    tx,
    `with asked as materialized (
       select r.*, cast(? as uuid) as integration_id
         from jsonb_to_recordset(cast(? as jsonb)) as r (kind text, id text, applied jsonb, observed jsonb)),
     put as (
       update sink.link l set applied = a.observed, updated_at = now() from asked a
        where l.integration_id = a.integration_id and l.kind = a.kind and l.id = a.id and l.applied = a.applied and a.observed is not null
        returning l.kind, l.id),
     gone as (
       delete from sink.link l using asked a
        where l.integration_id = a.integration_id and l.kind = a.kind and l.id = a.id and l.applied = a.applied and a.observed is null
        returning l.kind, l.id)
     select kind, id, false as gone from put union all select kind, id, true from gone`,
    [integrationId, asked],
  );
}

/** So many of those that the last proof found to differ are being put right. */
export async function noteRepaired(tx: Knex, integrationId: string, objects: number): Promise<void> {
  await query(
    tx,
    `update sink.integration_state set drift_differing = greatest(0, drift_differing - ?) where integration_id = ?`,
    [objects, integrationId],
  );
}

/** Of all integrations that are on: when the oldest of their last proofs was, and what they found. */
export interface Proof {
  /** Unix ms; 0 = one was never proved. */
  readonly oldestMs: number;
  readonly differing: number;
}

export async function readProof(db: Knex): Promise<Proof> {
  const [row] = await query<{ oldest: string | null; differing: string }>(
    db,
    `select min(coalesce(extract(epoch from s.drift_proved_at), 0)) * 1000 as oldest, coalesce(sum(s.drift_differing), 0) as differing
       from sink.integration_state s join control.integration i on i.id = s.integration_id where i.enabled`,
    [],
  );
  // Without integrations nothing is unproved.
  return { oldestMs: Number(row!.oldest ?? Date.now()), differing: Number(row!.differing) };
}
