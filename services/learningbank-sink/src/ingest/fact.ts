import type { Kind, directory } from '@orgstream/core';

/** Value of one content column. Instants are Unix milliseconds. */
export type Cell = string | number | boolean | null;

/** A source position, as facts carry it. */
export interface At {
  readonly epoch: number;
  readonly lsn: number;
  readonly seq: number;
}

interface Met {
  readonly kind: Kind;
  readonly tenant: string;
  readonly id: string;
  /** Offset in `directory.changes`. */
  readonly offset: number;
  readonly committedAtMs: number;
  /** True on this tenant's last record of the transaction. */
  readonly last: boolean;
  /** The snapshot that read this row; null on streamed changes. */
  readonly snapshotId: string | null;
  readonly chunk: number | null;
}

/** A good fact, ready for its table: `content` in the order of `columnsOf[kind]`, all null (or false) on a deletion. */
export interface Fact extends Met {
  readonly at: At;
  readonly deleted: boolean;
  readonly content: readonly Cell[];
}

/** Stands for a fact that could not be mapped, read or stored. It parks its object; the next good fact heals it. */
export interface Rejection extends Met {
  /** Null when the record could not be read: then it stands at the position of the row it meets, by its offset. */
  readonly at: At | null;
  readonly code: string;
  /** Cause and origin, without personal data. */
  readonly detail: Readonly<Record<string, string | number>>;
}

/** What one record of `directory.changes` means to ingest. */
export type Item =
  | { readonly type: 'fact'; readonly fact: Fact }
  | { readonly type: 'rejection'; readonly rejection: Rejection }
  | { readonly type: 'marker'; readonly marker: directory.SnapshotMarker; readonly offset: number };

/** Tenant an item belongs to. */
export function tenantOf(item: Item): string {
  if (item.type === 'fact') return item.fact.tenant;
  return item.type === 'rejection' ? item.rejection.tenant : item.marker.tenant;
}

/** Where a snapshot met an object. */
export interface Seen {
  readonly tenant: string;
  readonly id: string;
  readonly snapshotId: string;
  readonly chunk: number;
}

/** One kind's part of a batch: at most one fact and one rejection per object. */
export interface Collated {
  readonly facts: readonly Fact[];
  readonly rejections: readonly Rejection[];
  readonly seen: readonly Seen[];
}
