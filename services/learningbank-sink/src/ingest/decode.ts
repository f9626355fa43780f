import { generationKey, isAppError } from '@orgstream/core';
import type { Codec, InRecord, Unreadable } from '@orgstream/kafka';
import { toItem, unreadableItem } from './to-item.ts';
import type { Item } from './fact.ts';

export interface DecodedBatch {
  readonly items: readonly Item[];
  readonly unreadable: readonly Unreadable[];
  /** Set when the generation record is among the records. */
  readonly generation: string | undefined;
}

/**
 * Records → items, in order. Tombstones are skipped (only erase writes them). A record that cannot be read parks the
 * object its key names, or is set aside; the rest goes on. Throws SCHEMA_UNKNOWN, REGISTRY_UNREACHABLE: the partition waits.
 */
export async function decodeBatch(codec: Codec, records: readonly InRecord[]): Promise<DecodedBatch> {
  const items: Item[] = [];
  const unreadable: Unreadable[] = [];
  let generation: string | undefined;
  for (const record of records) {
    if (record.key === generationKey) generation = generationIn(record) ?? generation;
    else if (record.value !== null) {
      const read = readItem(codec, record, record.value);
      const item = read instanceof Promise ? await read : read;
      if ('type' in item) items.push(item);
      else unreadable.push(item);
    }
  }
  return { items, unreadable, generation };
}

/** Synchronous where the codec is: a promise per record would cost more than the decoding. */
function readItem(codec: Codec, record: InRecord, value: Buffer): Item | Unreadable | Promise<Item | Unreadable> {
  try {
    const decoded = codec.decode(value);
    if (!(decoded instanceof Promise)) return toItem(decoded, record.offset) ?? setAside(record, undefined);
    return decoded.then(
      (late) => toItem(late, record.offset) ?? setAside(record, undefined),
      (error: unknown) => setAside(record, error),
    );
  } catch (error) {
    return setAside(record, error);
  }
}

function setAside(record: InRecord, error: unknown): Item | Unreadable {
  if (error !== undefined && !(isAppError(error) && error.disposition === 'park')) throw error;
  const code = isAppError(error) ? error.code : 'RECORD_UNREADABLE';
  const cause = isAppError(error) ? error.message : 'not a record of this topic';
  return unreadableItem(record, code) ?? { record, code, cause };
}

function generationIn(record: InRecord): string | undefined {
  try {
    return String((JSON.parse(record.value?.toString('utf8') ?? '') as { generation?: unknown }).generation);
  } catch {
    return undefined;
  }
}
