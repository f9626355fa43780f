import type { Records } from '@orgstream/core';

/** Full name of a record type, for example `directory.Person`. */
export type RecordName = keyof Records;

/** A decoded record: its full name and its value, resolved to our schema. */
export type Decoded = { [N in RecordName]: { readonly name: N; readonly value: Records[N] } }[RecordName];

/**
 * Avro in the Confluent wire format. Schema ids of writers are looked up in `prepare`; a reader's are fetched once each
 * and cached with their resolver, so a registry outage stops only records with an id never seen.
 */
export interface Codec {
  /** Looks up the ids of the record types this process writes. Throws SCHEMA_NOT_REGISTERED, REGISTRY_UNREACHABLE. */
  prepare(topic: string, names: readonly RecordName[]): Promise<void>;
  /** Throws RECORD_INVALID naming the field (never its value). Needs `prepare`. */
  encode<N extends RecordName>(topic: string, name: N, value: Records[N]): Buffer;
  /**
   * Throws (or rejects with) RECORD_UNREADABLE, SCHEMA_UNRESOLVABLE (park) or SCHEMA_UNKNOWN, REGISTRY_UNREACHABLE
   * (retry). Synchronous once the id is cached: callers `await` only when they get a promise.
   */
  decode(value: Buffer): Decoded | Promise<Decoded>;
}
