import { kinds, type directory, type ErrorCode, type Kind } from '@orgstream/core';
import type { Decoded } from '@orgstream/kafka';
import { columnsOf, emptyOf } from './columns.ts';
import type { Cell, Item } from './fact.ts';

/** Longest id and e-mail we index; a btree entry holds 2,704 bytes. Names may be of any length. */
const MAX_INDEXED_CHARS = 600;
/** Range of `timestamptz` that JavaScript can also name: years 1 to 9999. */
const [MIN_MS, MAX_MS] = [-62_135_596_800_000, 253_402_300_799_999];

type Row =
  directory.Tenant | directory.Unit | directory.Role | directory.Person | directory.Membership | directory.Assignment;

const isKind = (text: string): text is Kind => (kinds as readonly string[]).includes(text);

/** The item a decoded record stands for; undefined when it is no record of `directory.changes`. Pure. */
export function toItem(decoded: Decoded, offset: number): Item | undefined {
  switch (decoded.name) {
    case 'directory.Tenant': {
      const v = decoded.value;
      return factOf('tenant', v, offset, [v.identifier, v.name, v.defaultLanguage]);
    }
    case 'directory.Unit': {
      const v = decoded.value;
      return factOf('unit', v, offset, [v.parentId, v.name, v.unitType, v.reference]);
    }
    case 'directory.Role': {
      const v = decoded.value;
      return factOf('role', v, offset, [v.name, v.reference]);
    }
    case 'directory.Person':
      return personOf(decoded.value, offset);
    case 'directory.Membership': {
      const v = decoded.value;
      return factOf('membership', v, offset, [v.personId, v.unitId, v.departmentId, v.ordinal]);
    }
    case 'directory.Assignment': {
      const v = decoded.value;
      return factOf('assignment', v, offset, [v.membershipId, v.roleId, v.ordinal]);
    }
    case 'directory.Rejected':
      return rejectionOf(decoded.value, offset);
    case 'directory.SnapshotMarker':
      if (!isId(decoded.value.tenant) || !isId(decoded.value.snapshotId)) return undefined;
      return { type: 'marker', marker: decoded.value, offset };
    case 'learningbank.Notification':
    case 'ziik.Site':
    case 'ziik.Unit':
    case 'ziik.UserType':
    case 'ziik.User':
    case 'ziik.Membership':
    case 'ziik.MembershipUserType':
    case 'ziik.SnapshotMarker':
      return undefined;
  }
}

function personOf(v: directory.Person, offset: number): Item | undefined {
  const content = [v.firstName, v.lastName, v.email, v.language, v.active, v.admin, v.reference, v.expiresAtMs];
  const item = factOf('person', v, offset, [...content, v.anonymised]);
  if (item?.type !== 'fact' || v.deleted) return item;
  if ((v.email?.length ?? 0) > MAX_INDEXED_CHARS) return rejected(item, 'VALUE_TOO_LONG', 'email is too long');
  if (v.expiresAtMs !== null && !isInstant(v.expiresAtMs))
    return rejected(item, 'FACT_INVALID', 'expiresAtMs is no instant');
  return item;
}

const isInstant = (ms: number): boolean => ms >= MIN_MS && ms <= MAX_MS;

/** A deletion keeps no content, whatever the record carries: so the order of facts cannot matter. */
function factOf(kind: Kind, v: Row, offset: number, content: readonly Cell[]): Item | undefined {
  if (!isId(v.tenant) || !isId(v.id)) return undefined;
  const { epoch, lsn, seq, last } = v.position;
  const item = {
    type: 'fact' as const,
    fact: {
      kind,
      tenant: v.tenant,
      id: v.id,
      at: { epoch, lsn, seq },
      last,
      offset,
      committedAtMs: isInstant(v.committedAtMs) ? v.committedAtMs : 0,
      snapshotId: v.snapshotId,
      chunk: v.chunk,
      deleted: v.deleted,
      content: v.deleted ? emptyOf(kind) : content,
    },
  };
  return storable(kind, content) ? item : rejected(item, 'FACT_INVALID', 'a value that cannot be stored');
}

const clean = (text: string): string => text.replaceAll('\0', '');
/** What can be a key of our tables. */
const isId = (text: string): boolean => text.length > 0 && text.length <= MAX_INDEXED_CHARS && !text.includes('\0');

/** Postgres' text holds every character but NUL; ids are indexed. */
function storable(kind: Kind, content: readonly Cell[]): boolean {
  return columnsOf[kind].every(({ name }, index) => {
    const cell = content[index];
    return typeof cell !== 'string' || (name.endsWith('_id') ? isId(cell) : !cell.includes('\0'));
  });
}

/** A fact we cannot store parks its object; without this it would stop its whole partition. */
function rejected(item: Extract<Item, { type: 'fact' }>, code: ErrorCode, cause: string): Item {
  const { deleted: _, content: __, ...met } = item.fact;
  return { type: 'rejection', rejection: { ...met, code, detail: { cause, originOffset: met.offset } } };
}

function rejectionOf(v: directory.Rejected, offset: number): Item | undefined {
  if (!isKind(v.kind)) return undefined;
  const { epoch, lsn, seq, last } = v.position;
  const { cause, originTopic, originPartition, originOffset } = v;
  if (!isId(v.tenant) || !isId(v.id)) return undefined;
  return {
    type: 'rejection',
    rejection: {
      kind: v.kind,
      tenant: v.tenant,
      id: v.id,
      // LSN 0: the normalizer could not read the position either (schemas/README.md).
      at: lsn === 0 ? null : { epoch, lsn, seq },
      last: last && lsn !== 0,
      offset,
      committedAtMs: isInstant(v.committedAtMs) ? v.committedAtMs : 0,
      snapshotId: v.snapshotId,
      chunk: v.chunk,
      code: clean(v.code),
      detail: { cause: clean(cause), originTopic: clean(originTopic), originPartition, originOffset },
    },
  };
}

/** What an unreadable record stands for, by its key `tenant/kind/id[/rejected]`; undefined when the key names no object. */
export function unreadableItem(
  record: { readonly key: string | null; readonly offset: number; readonly timestampMs: number },
  code: string,
): Item | undefined {
  const [tenant, kind, id, suffix, ...rest] = (record.key ?? '').split('/');
  if (
    !tenant ||
    !kind ||
    !id ||
    !isId(tenant) ||
    !isId(id) ||
    !isKind(kind) ||
    rest.length > 0 ||
    (suffix !== undefined && suffix !== 'rejected')
  ) {
    return undefined;
  }
  return {
    type: 'rejection',
    rejection: {
      kind,
      tenant,
      id,
      at: null,
      last: false,
      offset: record.offset,
      committedAtMs: isInstant(record.timestampMs) ? record.timestampMs : 0,
      snapshotId: null,
      chunk: null,
      code,
      detail: { cause: 'record of directory.changes cannot be read', originOffset: record.offset },
    },
  };
}
