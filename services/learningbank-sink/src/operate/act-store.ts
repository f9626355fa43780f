import type { ErrorCode, Operation } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { query } from '../ingest/query.ts';
import { lanes, type ObjectKey, type ObjectKind, type TargetId } from '../model.ts';

/** Codes of what is held until an operator decides about it. */
export const undecided: readonly ErrorCode[] = ['BRAKE_TRIPPED', 'MORE_DESTRUCTIVE', 'DELETION_UNCONFIRMED'];

/** One object as an operator finds it. */
export interface Standing extends ObjectKey {
  /** The source, or we, ever heard of it. */
  readonly known: boolean;
  /** Of its outstanding work; null = there is none. */
  readonly state: 'ready' | 'waiting' | 'held' | 'parked' | 'conflict' | null;
  readonly lane: number | null;
  readonly code: ErrorCode | null;
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly hash: string | null;
  readonly holdCode: ErrorCode | null;
  readonly approvedHash: string | null;
  readonly link: { readonly targetId: TargetId; readonly isTop: boolean; readonly active: boolean } | null;
  readonly resolution: 'adopt' | 'create_new' | 'ignore' | null;
}

interface Row {
  readonly kind: ObjectKind;
  readonly id: string;
  readonly known: boolean;
  readonly state: Standing['state'];
  readonly lane: number | null;
  readonly code: ErrorCode | null;
  readonly detail: Standing['detail'];
  readonly hash: string | null;
  readonly hold_code: ErrorCode | null;
  readonly approved_hash: string | null;
  readonly target_id: string | null;
  readonly is_top: boolean | null;
  readonly active: boolean | null;
  readonly resolution: Standing['resolution'];
}

/** These objects, in the order asked for; their work stays as it is until the transaction ends. */
export async function readStanding(
  tx: Knex,
  whose: { readonly id: string; readonly tenant: string },
  objects: readonly ObjectKey[],
): Promise<readonly Standing[]> {
  const keys = [objects.map(({ kind }) => kind), objects.map(({ id }) => id)];
  await query(tx, `select from sink.work where ${these} order by kind, id for update`, [whose.id, ...keys]);
  const rows = await query<Row>(
    tx,
    `select o.kind, o.id, w.state, w.lane, w.code, w.detail, w.hash, w.hold_code, w.approved_hash, l.target_id, l.is_top,
            coalesce((l.applied ->> 'active')::boolean, true) as active, r.action as resolution,
            w.id is not null or l.id is not null or r.id is not null or case o.kind
              when 'unit' then exists (select from sink.unit f where f.tenant = i.tenant and f.id = o.id)
              when 'role' then exists (select from sink.role f where f.tenant = i.tenant and f.id = o.id)
              else exists (select from sink.person f where f.tenant = i.tenant and f.id = o.id) end as known
       from unnest(?::text[], ?::text[]) with ordinality as o (kind, id, no)
      cross join (select id, tenant from control.integration where id = ? offset 0) i
       left join lateral (select * from sink.work where integration_id = i.id and kind = o.kind and id = o.id limit 1) w on true
       left join lateral (select * from sink.link where integration_id = i.id and kind = o.kind and id = o.id limit 1) l on true
       left join lateral (select * from sink.resolution where integration_id = i.id and kind = o.kind and id = o.id limit 1) r on true
      order by o.no`,
    [...keys, whose.id],
  );
  return rows.map(({ hold_code, approved_hash, target_id, is_top, active, ...rest }) => ({
    ...rest,
    holdCode: hold_code,
    approvedHash: approved_hash,
    link: target_id === null ? null : { targetId: Number(target_id), isTop: is_top === true, active: active === true },
  }));
}

/** Objects that an action without names is about. */
export async function readWhole(
  tx: Knex,
  integrationId: string,
  what: 'undecided' | 'kept' | 'parked',
  operation: Operation | undefined,
): Promise<readonly ObjectKey[]> {
  const where = {
    undecided: `state = 'held' and code = any(?::text[])`,
    kept: `hold_code is not null and ?::text[] is not null`,
    parked: `state in ('parked', 'conflict') and lane < ${lanes.gap} and ?::text[] is not null`,
  }[what];
  return query<ObjectKey>(
    tx,
    `select kind, id from sink.work
      where integration_id = ? and ${where} and (?::text is null or ? = any(operations)) order by kind, id`,
    [integrationId, undecided, operation ?? null, operation ?? null],
  );
}

/** The integration is no plain value: statistics from before it would say that it has one row, to be met with all of these. */
const these = `integration_id = (select ?::uuid) and (kind, id) in (select * from unnest(?::text[], ?::text[]))`;
const keysOf = (integrationId: string, objects: readonly ObjectKey[]): readonly unknown[] => [
  integrationId,
  objects.map(({ kind }) => kind),
  objects.map(({ id }) => id),
];

/** Made ready anew: who has them in hand finds another generation when the claim ends. */
const anew = `state = 'ready', code = null, detail = null, waits_kind = null, waits_id = null, attempts = 0,
  next_at = now(), generation = nextval('sink.work_generation')`;

/** Lets what is held pass the brake, as long as the same is desired. */
export async function approve(tx: Knex, integrationId: string, objects: readonly ObjectKey[]): Promise<void> {
  await query(
    tx,
    `update sink.work set ${anew}, approved_hash = hash where ${these} and state = 'held'`,
    keysOf(integrationId, objects),
  );
}

/** Holds it without a call, as long as the same is desired. */
export async function reject(tx: Knex, integrationId: string, objects: readonly ObjectKey[]): Promise<void> {
  await query(
    tx,
    `update sink.work set code = 'REJECTED', detail = null, hold_code = 'REJECTED', hold_hash = hash, approved_hash = null,
            approved_operations = null, generation = nextval('sink.work_generation')
      where ${these} and state = 'held'`,
    keysOf(integrationId, objects),
  );
}

/** Made ready at once. */
export async function retry(tx: Knex, integrationId: string, objects: readonly ObjectKey[]): Promise<void> {
  await query(tx, `update sink.work set ${anew} where ${these}`, keysOf(integrationId, objects));
}

/** Forgets what was decided: from now on it is synced again, under the brake as usual. */
export async function release(tx: Knex, integrationId: string, objects: readonly ObjectKey[]): Promise<void> {
  await query(tx, `delete from sink.resolution where ${these} and action = 'ignore'`, keysOf(integrationId, objects));
  await mark(tx, integrationId, objects);
}

/** Asks for these objects to be looked at; nothing decided before stands in the way. */
export async function mark(tx: Knex, integrationId: string, objects: readonly ObjectKey[]): Promise<void> {
  const [, kinds, ids] = keysOf(integrationId, objects);
  await query(
    tx,
    `insert into sink.work as w (integration_id, kind, id, lane, for_run, cause_epoch, cause_lsn, committed_at)
     select i.id, o.kind, o.id, case when i.enabled then ${lanes.live} else ${lanes.gap} end, case when not i.enabled then 'gap' end,
            coalesce(u.epoch, r.epoch, p.epoch, 0), coalesce(u.lsn, r.lsn, p.lsn, 0), now()
       from unnest(?::text[], ?::text[]) as o (kind, id)
      cross join (select id, tenant, enabled from control.integration where id = ? offset 0) i
       left join lateral (select epoch, lsn from sink.unit where o.kind = 'unit' and tenant = i.tenant and id = o.id limit 1) u on true
       left join lateral (select epoch, lsn from sink.role where o.kind = 'role' and tenant = i.tenant and id = o.id limit 1) r on true
       left join lateral (select epoch, lsn from sink.person where o.kind = 'person' and tenant = i.tenant and id = o.id limit 1) p on true
      order by o.kind, o.id
     on conflict (integration_id, kind, id) do update set
       lane = case when excluded.lane = ${lanes.gap} then w.lane else least(w.lane, excluded.lane) end,
       for_run = excluded.for_run,
       own_lane = case when w.run_id is not null and excluded.lane < ${lanes.gap} then least(w.own_lane, excluded.lane) else w.own_lane end, hold_code = null, hold_hash = null, undo = null, approved_hash = null,
       approved_operations = null, state = 'ready', code = null, detail = null, waits_kind = null, waits_id = null,
       attempts = 0, next_at = now(), generation = nextval('sink.work_generation')`,
    [kinds, ids, integrationId],
  );
}

/** Stores a decision that the planner is given from now on. */
export async function resolve(
  tx: Knex,
  integrationId: string,
  decision: {
    readonly objects: readonly ObjectKey[];
    readonly action: 'adopt' | 'create_new' | 'ignore';
    readonly targetId: TargetId | null;
    readonly by: string;
  },
): Promise<void> {
  const [, kinds, ids] = keysOf(integrationId, decision.objects);
  await query(
    tx,
    `insert into sink.resolution (integration_id, kind, id, action, target_id, decided_by)
     select ?, o.kind, o.id, ?, ?, ? from unnest(?::text[], ?::text[]) as o (kind, id)
     on conflict (integration_id, kind, id) do update set
       (action, target_id, decided_by, decided_at) = (excluded.action, excluded.target_id, excluded.decided_by, now())`,
    [integrationId, decision.action, decision.targetId, decision.by, kinds, ids],
  );
}

/** Whose a target object is: linked by any integration of the platform. */
export async function readLinker(
  tx: Knex,
  target: { readonly platform: string; readonly kind: ObjectKind; readonly targetId: TargetId },
): Promise<{ readonly integrationId: string; readonly id: string } | undefined> {
  const rows = await query<{ integration_id: string; id: string }>(
    tx,
    `select integration_id, id from sink.link where platform = ? and kind = ? and target_id = ?`,
    [target.platform, target.kind, target.targetId],
  );
  return rows[0] && { integrationId: rows[0].integration_id, id: rows[0].id };
}

/** Who matches the same user waits for the one that was chosen: then the user is taken, and that is what is said. */
export async function letRivalsWait(tx: Knex, integrationId: string, { kind, id }: ObjectKey): Promise<void> {
  await query(
    tx,
    `update sink.work set state = 'waiting', waits_kind = ?, waits_id = ?, next_at = now() + interval '30 s',
            generation = nextval('sink.work_generation')
      where integration_id = ? and kind = ? and state = 'conflict' and code = 'MATCHED_TWICE'
        and jsonb_exists(detail -> 'people', ?)`,
    [kind, id, integrationId, kind, id],
  );
}

/** The link of one person becomes another one's; it keeps what is applied. */
export async function moveLink(
  tx: Knex,
  integrationId: string,
  move: { readonly from: string; readonly to: string },
): Promise<void> {
  await query(
    tx,
    `update sink.link set id = ?, linked_at = now(), updated_at = now() where integration_id = ? and kind = 'person' and id = ?`,
    [move.to, integrationId, move.from],
  );
}

export async function removeLinks(tx: Knex, integrationId: string, objects: readonly ObjectKey[]): Promise<void> {
  await query(tx, `delete from sink.link where ${these}`, keysOf(integrationId, objects));
}

/** Calls of which nobody knows yet whether they happened. */
export async function countOpenCalls(tx: Knex, integrationId: string, { kind, id }: ObjectKey): Promise<number> {
  const rows = await query<{ n: string }>(
    tx,
    `select count(*) as n from sink.attempt
      where integration_id = ? and kind = ? and object_id = ? and state in ('sent', 'unknown')`,
    [integrationId, kind, id],
  );
  return Number(rows[0]!.n);
}
