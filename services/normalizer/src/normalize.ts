import {
  AppError,
  factKey,
  isAppError,
  markerKey,
  parseTenantKey,
  rejectedKey,
  topics,
  type Kind,
} from '@orgstream/core';
import type { Batch, Codec, Decoded, InRecord, OutRecord, Unreadable } from '@orgstream/kafka';
import { kindOfTable, map, rejected, type Change, type Fact, type Origin } from './map.ts';

/** A record for `directory.changes`, and the tenant that decides its partition. */
export interface OutFact {
  readonly tenant: string;
  readonly record: OutRecord;
}

/** What a batch becomes. Every record read ends in exactly one of the two. */
export interface Normalized {
  readonly facts: readonly OutFact[];
  /** Records whose tenant cannot be read. */
  readonly unreadable: readonly Unreadable[];
  readonly rejected: number;
}

interface ChangeKey {
  readonly tenant: string;
  readonly kind: Kind | undefined;
  readonly id: string;
}

/**
 * Decodes and maps a batch, in order. Throws the codec's `retry` errors (unknown schema, registry down): the partition
 * waits. A record that never will decode parks its own object, by the ids of its key; without a readable tenant it goes
 * to `orgstream.unreadable`.
 */
export async function normalizeBatch(codec: Codec, batch: Batch): Promise<Normalized> {
  const facts: OutFact[] = [];
  const unreadable: Unreadable[] = [];
  let rejectedCount = 0;
  for (const record of batch.records) {
    const origin: Origin = { topic: batch.topic, partition: batch.partition, offset: record.offset };
    const key = parseChangeKey(record.key);
    if (!key) {
      unreadable.push({ record, code: 'RECORD_UNREADABLE', cause: 'the key does not begin with a tenant' });
      continue;
    }
    if (record.value === null) continue;
    const decoded = await decode(codec, record.value);
    if (isAppError(decoded)) {
      if (!key.kind) {
        unreadable.push({ record, code: decoded.code, cause: decoded.message });
        continue;
      }
      rejectedCount += 1;
      facts.push(encode(codec, undecodable(key, key.kind, record, decoded, origin)));
      continue;
    }
    for (const fact of map(key.tenant, decoded, origin)) {
      if (fact.name === 'directory.Rejected') rejectedCount += 1;
      facts.push(encode(codec, fact));
    }
  }
  return { facts, unreadable, rejected: rejectedCount };
}

async function decode(codec: Codec, value: Buffer): Promise<Change | AppError> {
  try {
    const result = codec.decode(value);
    const decoded = result instanceof Promise ? await result : result;
    return isChange(decoded)
      ? decoded
      : new AppError('RECORD_UNREADABLE', `reading a change: ${decoded.name} does not belong on ${topics.ziikChanges}`);
  } catch (error) {
    if (isAppError(error) && error.disposition === 'park') return error;
    throw error;
  }
}

function isChange(decoded: Decoded): decoded is Extract<Decoded, { name: Change['name'] }> {
  return decoded.name.startsWith('ziik.');
}

/** `tenant/table/id`; a marker's key has more parts and no kind. */
function parseChangeKey(key: string | null): ChangeKey | undefined {
  const [tenant, table, id, more] = key?.split('/') ?? [];
  if (tenant === undefined || !parseTenantKey(tenant)) return undefined;
  const known = table !== undefined && id !== undefined && id !== '' && more === undefined;
  return { tenant, kind: known ? kindOfTable.get(table) : undefined, id: id ?? '' };
}

/** A position that nobody could read: ingest compares such a record by its log offset alone. */
const unknownPosition = { epoch: 0, lsn: 0, seq: 0, last: true } as const;

function undecodable(key: ChangeKey, kind: Kind, record: InRecord, error: AppError, origin: Origin): Fact {
  return rejected({
    position: unknownPosition,
    committedAtMs: record.timestampMs,
    snapshotId: null,
    chunk: null,
    tenant: key.tenant,
    kind,
    id: key.id,
    code: error.code,
    cause: error.message,
    origin,
  });
}

function encode(codec: Codec, fact: Fact): OutFact {
  return {
    tenant: fact.value.tenant,
    record: { key: keyOf(fact), value: codec.encode(topics.directoryChanges, fact.name, fact.value) },
  };
}

const kindOfFact = {
  'directory.Tenant': 'tenant',
  'directory.Unit': 'unit',
  'directory.Role': 'role',
  'directory.Person': 'person',
  'directory.Membership': 'membership',
  'directory.Assignment': 'assignment',
} as const satisfies Partial<Record<Fact['name'], Kind>>;

function keyOf(fact: Fact): string {
  switch (fact.name) {
    case 'directory.SnapshotMarker':
      return markerKey(fact.value.tenant, fact.value.snapshotId, fact.value.phase);
    case 'directory.Rejected':
      return rejectedKey(fact.value.tenant, fact.value.kind as Kind, fact.value.id);
    default:
      return factKey(fact.value.tenant, kindOfFact[fact.name], fact.value.id);
  }
}
