import { defaultSettings, kinds, topics, type Kind, type directory } from '@orgstream/core';
import { createDatabase, createIntegration, migrate, type Knex } from '@orgstream/database';
import { freshDatabase } from '@orgstream/testkit';
import type { Decoded } from '@orgstream/kafka';
import { afterAll } from 'vitest';
import type { Item } from './fact.ts';
import { ingest, ingestAgain, type IngestResult } from './ingest.ts';
import { insertOffsets } from './offset-store.ts';
import { query } from './query.ts';
import { toItem } from './to-item.ts';

/** A tenant's fact as a test writes it; what is left out has a default. */
export interface Said {
  readonly epoch?: number;
  readonly lsn: number;
  readonly seq?: number;
  readonly last?: boolean;
  readonly snapshotId?: string;
  readonly chunk?: number;
  readonly deleted?: boolean;
  readonly tenant?: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

const names = {
  tenant: 'directory.Tenant',
  unit: 'directory.Unit',
  role: 'directory.Role',
  person: 'directory.Person',
  membership: 'directory.Membership',
  assignment: 'directory.Assignment',
} as const satisfies Record<Kind, string>;

const blank = {
  tenant: { identifier: null, name: 'Acme', defaultLanguage: null },
  unit: { parentId: null, name: 'Unit', unitType: 'unit', reference: null },
  role: { name: 'Role', reference: null },
  person: {
    firstName: 'Ada',
    lastName: 'Lovelace',
    email: 'ada@example.org',
    language: 'en',
    active: true,
    admin: false,
    reference: null,
    expiresAtMs: null,
    anonymised: false,
  },
  membership: { personId: null, unitId: null, departmentId: null, ordinal: 0 },
  assignment: { membershipId: null, roleId: null, ordinal: 0 },
} as const satisfies Record<Kind, object>;

/** What a fact record says, before it has an offset. */
export function fact(kind: Kind, said: Said): Decoded {
  const { epoch = 1, lsn, seq = 1, last = true, snapshotId = null, chunk = null, deleted = false, ...rest } = said;
  const position = { epoch, lsn, seq: snapshotId === null ? seq : 0, last };
  const content = deleted
    ? Object.fromEntries(Object.keys(blank[kind]).map((field) => [field, field === 'anonymised' ? false : null]))
    : blank[kind];
  const value = { tenant: TENANT, position, committedAtMs: lsn, snapshotId, chunk, deleted, ...content, ...rest };
  return { name: names[kind], value } as unknown as Decoded;
}

/** A `directory.Rejected`. */
export function rejected(kind: Kind, said: Said): Decoded {
  const { epoch = 1, lsn, seq = 1, last = true, snapshotId = null, chunk = null, id, tenant = TENANT } = said;
  const origin = { originTopic: 'ziik.changes', originPartition: 0, originOffset: 7 };
  const value = { position: { epoch, lsn, seq, last }, committedAtMs: lsn, snapshotId, chunk, tenant, kind, id };
  return { name: 'directory.Rejected', value: { ...value, code: 'FACT_INVALID', cause: 'a test', ...origin } };
}

export function marker(
  phase: 'start' | 'end',
  said: {
    readonly lsn: number;
    readonly snapshotId: string;
    readonly chunks?: directory.SnapshotMarker['chunks'];
    readonly tenant?: string;
  },
): Decoded {
  const { lsn, snapshotId, chunks = [], tenant = TENANT } = said;
  const position = { epoch: 1, lsn, seq: 0, last: true };
  return {
    name: 'directory.SnapshotMarker',
    value: { tenant, position, committedAtMs: lsn, snapshotId, phase, chunks },
  };
}

export const TENANT = 'eu1.42';

/** A row of work, as tests look at it. */
export interface WorkSeen {
  readonly kind: string;
  readonly id: string;
  readonly lane: number;
  readonly state: string;
  readonly code: string | null;
  readonly ripe: boolean;
  readonly generation: string;
  readonly for_run: string | null;
}

let shared: Promise<{ readonly db: Knex; readonly drop: () => Promise<void> }> | undefined;

/** One database per test file; each context begins with empty tables. */
async function openDatabase(): Promise<{ readonly db: Knex; readonly drop: () => Promise<void> }> {
  const database = await freshDatabase('ingest');
  const db = createDatabase(database.url, { max: 4 });
  await migrate(db);
  const drop = async (): Promise<void> => {
    await db.destroy();
    await database[Symbol.asyncDispose]();
  };
  return { db, drop };
}

afterAll(async () => (await shared)?.drop());

const kept = 'work link attempt integration_state platform snapshot run ingest_progress ingest_offset erased'.split(
  ' ',
);
const emptied = [...kept, ...kinds].map((table) => `sink.${table}`);
const controlled = ['command', 'settings', 'integration', 'secret', 'tenant'].map((table) => `control.${table}`);

/** A migrated database with one partition of `directory.changes`, and a log that tests append to. */
export class IngestContext implements AsyncDisposable {
  readonly db: Knex;
  /** Offset of the next record. */
  offset = 0;

  private constructor(db: Knex) {
    this.db = db;
  }

  static async open(options: { readonly integration?: boolean } = {}): Promise<IngestContext> {
    const { db } = await (shared ??= openDatabase());
    for (const table of [...emptied, ...controlled]) await query(db, `delete from ${table}`, []);
    await insertOffsets(db, topics.directoryChanges, 'cluster', [{ partition: 0, low: 0, high: 0 }]);
    const context = new IngestContext(db);
    if (options.integration ?? true) await context.integrate(TENANT);
    return context;
  }

  async integrate(
    tenant: string,
    product: 'sync' | 'login' = 'sync',
    platformUrl = 'https://a.example',
  ): Promise<string> {
    return createIntegration(this.db, {
      tenant,
      name: 'Academy',
      product,
      platformUrl,
      credentials: { keyId: 'k', sealed: Buffer.from('x') },
      settings: defaultSettings,
    });
  }

  /** Appends the records and takes them in as one batch. */
  async take(...records: readonly Decoded[]): Promise<IngestResult> {
    const first = this.offset;
    const items = this.items(records);
    return ingest(this.db, {
      topic: topics.directoryChanges,
      partition: 0,
      items,
      expectedOffset: first,
      nextOffset: this.offset,
    });
  }

  /** Reads the records again, as a replay does: of a log that live ingest has read to its end. */
  async takeAgain(...records: readonly Decoded[]): ReturnType<typeof ingestAgain> {
    const items = this.items(records);
    await query(this.db, `update sink.ingest_offset set next_offset = greatest(next_offset, ?)`, [this.offset]);
    return ingestAgain(this.db, { topic: topics.directoryChanges, partition: 0, items });
  }

  /** The records with the next offsets. */
  items(records: readonly Decoded[]): readonly Item[] {
    return records.map((record) => toItem(record, this.offset++)!);
  }

  async work(): Promise<readonly WorkSeen[]> {
    return query<WorkSeen>(
      this.db,
      `select kind, id, lane, state, code, ripe, generation, for_run from sink.work order by kind, id`,
      [],
    );
  }

  /** What the reconciler does with work it has done. */
  async settle(): Promise<void> {
    await query(this.db, `delete from sink.work`, []);
  }

  async row(kind: Kind, id: string): Promise<Readonly<Record<string, unknown>> | undefined> {
    const rows = await query<Record<string, unknown>>(
      this.db,
      `select * from sink.${kind} where tenant = ? and id = ?`,
      [TENANT, id],
    );
    return rows[0];
  }

  /** Every fact row of every kind, without what the order of arrival may leave behind. */
  async replica(): Promise<unknown> {
    const all = kinds.map((kind) =>
      query<Record<string, unknown>>(this.db, `select * from sink.${kind} order by tenant, id`, []),
    );
    return Promise.all(all);
  }

  /** Nothing to close: the next context empties the tables, the end of the file drops the database. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}
