import type { ErrorCode } from '@orgstream/core';
import type { Knex } from '@orgstream/database';

/** A row of `cdc.source`. LSNs and epochs as numbers: they stay below 2^53. */
export interface SourceRow {
  readonly name: string;
  readonly urlSecretId: string;
  readonly mapping: unknown;
  readonly slot: string;
  readonly publication: string;
  /** Of the publication the slot has always been read with; null: it was not looked at since the slot was made. */
  readonly publicationOid: number | null;
  readonly systemId: string | null;
  readonly timeline: number | null;
  readonly epoch: number;
  readonly publishedLsn: number;
  readonly streamed: boolean;
  readonly state: 'new' | 'running' | 'halted';
  readonly code: ErrorCode | null;
  readonly message: string | null;
  readonly revision: number;
  readonly removed: boolean;
}

const columns = `name, url_secret_id, mapping, slot_name, publication_name, publication_oid, system_id, timeline, epoch, published_lsn,
  streamed_at is not null as streamed, state, code, message, revision, removed_at is not null as removed`;

type Renamed = 'urlSecretId' | 'slot' | 'publication' | 'publicationOid' | 'systemId' | 'epoch' | 'publishedLsn';

interface Raw extends Omit<SourceRow, Renamed> {
  readonly url_secret_id: string;
  readonly slot_name: string;
  readonly publication_name: string;
  readonly publication_oid: string | null;
  readonly system_id: string | null;
  readonly epoch: string;
  readonly published_lsn: string;
}

function toRow(raw: Raw): SourceRow {
  const { url_secret_id, slot_name, publication_name, publication_oid, system_id, epoch, published_lsn, ...rest } = raw;
  return {
    ...rest,
    urlSecretId: url_secret_id,
    slot: slot_name,
    publication: publication_name,
    publicationOid: publication_oid === null ? null : Number(publication_oid),
    systemId: system_id,
    epoch: Number(epoch),
    publishedLsn: Number(published_lsn),
  };
}

export async function listSources(db: Knex): Promise<readonly SourceRow[]> {
  const { rows } = await db.raw<{ rows: Raw[] }>(`select ${columns} from cdc.source order by name`);
  return rows.map(toRow);
}

export async function readSource(db: Knex, name: string): Promise<SourceRow | undefined> {
  const { rows } = await db.raw<{ rows: Raw[] }>(`select ${columns} from cdc.source where name = ?`, [name]);
  return rows[0] && toRow(rows[0]);
}

/** Inserts a source, or gives it a new URL and mapping; either way it starts anew (`revision`). */
export async function saveSource(
  db: Knex,
  source: {
    readonly name: string;
    readonly urlSecretId: string;
    readonly mapping: unknown;
    readonly slot: string;
    readonly publication: string;
  },
): Promise<void> {
  await db.raw(
    `insert into cdc.source (name, url_secret_id, mapping, slot_name, publication_name) values (?, ?, ?, ?, ?)
     on conflict (name) do update set url_secret_id = excluded.url_secret_id, mapping = excluded.mapping,
       revision = source.revision + 1, removed_at = null, updated_at = now()`,
    [
      source.name,
      source.urlSecretId,
      source.mapping == null ? null : JSON.stringify(source.mapping),
      source.slot,
      source.publication,
    ],
  );
}

/** A slot was made: LSNs count from `publishedLsn` on, under a new epoch. The first stream stores where it is (system, timeline). */
export async function saveSlot(
  db: Knex,
  name: string,
  slot: { readonly epoch: number; readonly publishedLsn: number },
): Promise<void> {
  await db.raw(
    `update cdc.source set epoch = ?, published_lsn = ?, publication_oid = null, system_id = null, timeline = null,
       streamed_at = null, state = 'new', code = null, message = null, revision = revision + 1, updated_at = now() where name = ?`,
    [slot.epoch, slot.publishedLsn, name],
  );
}

/** Marks a source for removal; ziik-cdc drops its slot and publication and deletes the row. False = no such source. */
export async function removeSource(db: Knex, name: string): Promise<boolean> {
  const { rows } = await db.raw<{ rows: unknown[] }>(
    `update cdc.source set removed_at = now(), revision = revision + 1, updated_at = now() where name = ? returning 1`,
    [name],
  );
  return rows.length > 0;
}
