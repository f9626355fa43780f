import type { ObjectDetail } from '@orgstream/control-api';
import type { Knex } from '@orgstream/database';

type Kind = ObjectDetail['kind'];
type Fact = ObjectDetail['facts'][number];

interface FactRow {
  readonly kind: Fact['kind'];
  readonly id: string;
  readonly deleted: boolean;
  readonly epoch: string;
  readonly lsn: string;
  readonly seq: number;
  readonly log_offset: string;
  readonly committed_at: Date;
  readonly rejected_code: string | null;
  readonly fields: Record<string, unknown>;
}

const head = 'f.id, f.deleted, f.epoch, f.lsn, f.seq, f.log_offset, f.committed_at, f.rejected_code';

const own: Readonly<Record<Kind, string>> = {
  unit: `select 'unit' as kind, ${head}, jsonb_build_object('name', f.name, 'parentId', f.parent_id,
           'unitType', f.unit_type, 'reference', f.reference) as fields
           from sink.unit f where f.tenant = :tenant and f.id = :id`,
  role: `select 'role' as kind, ${head}, jsonb_build_object('name', f.name, 'reference', f.reference) as fields
           from sink.role f where f.tenant = :tenant and f.id = :id`,
  person: `select 'person' as kind, ${head}, jsonb_build_object('firstName', f.first_name, 'lastName', f.last_name,
             'email', f.email, 'language', f.language, 'active', f.active, 'admin', f.admin, 'reference', f.reference,
             'expiresAt', f.expires_at, 'anonymised', f.anonymised) as fields
             from sink.person f where f.tenant = :tenant and f.id = :id`,
};

const hanging = /* sql */ `
  select 'membership' as kind, ${head}, jsonb_build_object('unitId', f.unit_id, 'unitName', u.name,
           'departmentId', f.department_id, 'ordinal', f.ordinal) as fields
    from sink.membership f left join sink.unit u on u.tenant = f.tenant and u.id = f.unit_id
   where f.tenant = :tenant and f.person_id = :id
  union all
  select 'assignment', ${head}, jsonb_build_object('membershipId', f.membership_id, 'roleId', f.role_id,
           'roleName', r.name, 'ordinal', f.ordinal)
    from sink.membership m
    join sink.assignment f on f.tenant = m.tenant and f.membership_id = m.id
    left join sink.role r on r.tenant = f.tenant and r.id = f.role_id
   where m.tenant = :tenant and m.person_id = :id`;

/** The object's own fact first; of a person, memberships and assignments too. */
export async function readFacts(db: Knex, tenant: string, kind: Kind, id: string): Promise<Fact[]> {
  const { rows } = await db.raw<{ rows: FactRow[] }>(own[kind], { tenant, id });
  const more =
    kind === 'person' ? await db.raw<{ rows: FactRow[] }>(`${hanging} limit 500`, { tenant, id }) : undefined;
  return [...rows, ...(more?.rows ?? [])].map((row) => ({
    kind: row.kind,
    id: row.id,
    deleted: row.deleted,
    position: { epoch: row.epoch, lsn: row.lsn, seq: row.seq, offset: row.log_offset },
    committedAt: row.committed_at.toISOString(),
    rejected: row.rejected_code,
    fields: row.fields,
  }));
}

export interface WorkRow {
  readonly state: Exclude<ObjectDetail['state'], 'in_step'>;
  readonly lane: number;
  readonly code: string | null;
  readonly detail: unknown;
  readonly waits_kind: Kind | null;
  readonly waits_id: string | null;
  readonly operations: ObjectDetail['runs'][number]['operations'];
  readonly hash: string | null;
  readonly hold_code: string | null;
  readonly hold_hash: string | null;
  readonly for_run: string | null;
  readonly run_id: string | null;
  readonly cause_epoch: string;
  readonly cause_lsn: string;
  readonly attempts: number;
  readonly committed_at: Date;
  readonly marked_at: Date;
  readonly next_at: Date;
}

interface Key {
  readonly integration: string;
  readonly kind: Kind;
  readonly id: string;
}

export async function readWork(db: Knex, key: Key): Promise<WorkRow | undefined> {
  const { rows } = await db.raw<{ rows: WorkRow[] }>(
    `select state, lane, code, detail, waits_kind, waits_id, operations, hash, hold_code, hold_hash, for_run, run_id,
            cause_epoch, cause_lsn, attempts, committed_at, marked_at, next_at
       from sink.work where integration_id = :integration and kind = :kind and id = :id`,
    { ...key },
  );
  return rows[0];
}

export interface LinkRow {
  readonly target_id: string;
  readonly made_by_us: boolean;
  readonly is_top: boolean;
  readonly applied: Record<string, unknown>;
  readonly linked_at: Date;
  readonly updated_at: Date;
}

export async function readLink(db: Knex, key: Key): Promise<LinkRow | undefined> {
  const { rows } = await db.raw<{ rows: LinkRow[] }>(
    `select target_id, made_by_us, is_top, applied, linked_at, updated_at
       from sink.link where integration_id = :integration and kind = :kind and id = :id`,
    { ...key },
  );
  return rows[0];
}

export async function readResolution(db: Knex, key: Key): Promise<ObjectDetail['resolution']> {
  const { rows } = await db.raw<{
    rows: {
      readonly action: 'adopt' | 'create_new' | 'ignore';
      readonly target_id: string | null;
      readonly decided_by: string | null;
      readonly decided_at: Date;
    }[];
  }>(
    `select action, target_id, decided_by, decided_at
       from sink.resolution where integration_id = :integration and kind = :kind and id = :id`,
    { ...key },
  );
  const row = rows[0];
  if (!row) return null;
  const targetId = row.target_id === null ? null : Number(row.target_id);
  return { action: row.action, targetId, decidedBy: row.decided_by, decidedAt: row.decided_at.toISOString() };
}

/** The newest 20 runs it was part of. */
export async function readItemRuns(db: Knex, key: Key): Promise<ObjectDetail['runs']> {
  const { rows } = await db.raw<{
    rows: (Omit<ObjectDetail['runs'][number], 'createdAt'> & { readonly created_at: Date })[];
  }>(
    `select r.id as run, r.kind, x.state, x.operations, x.code, r.created_at
       from sink.run r join sink.run_item x on x.run_id = r.id
      where r.integration_id = :integration and x.kind = :kind and x.id = :id
      order by r.created_at desc limit 20`,
    { ...key },
  );
  return rows.map(({ created_at, ...row }) => ({ ...row, createdAt: created_at.toISOString() }));
}
