import type avsc from 'avsc';
import { AppError, schemas, subjectOf, type Records } from '@orgstream/core';
import { Encoder, headerBytes, isRecordName, parseType, typeOf } from './avro.ts';
import type { Codec, Decoded, RecordName } from './codec-port.ts';
import { RegistryLookup, type RegistryOptions } from './registry.ts';

/** How records of one schema id are read; or why they never can be. */
type Reader =
  { readonly name: RecordName; readonly type: avsc.Type; readonly resolver: avsc.Type | undefined } | AppError;

/** A codec that looks schemas up in the registry, once each. */
export function createCodec(options: RegistryOptions): Codec {
  return new RegistryCodec(new RegistryLookup(options));
}

class RegistryCodec implements Codec {
  readonly #registry: RegistryLookup;
  readonly #encoder = new Encoder();
  /** subject → id of our schema. */
  readonly #ids = new Map<string, number>();
  /** An id never changes its schema: kept for ever, poison included. */
  readonly #readers = new Map<number, Reader>();
  readonly #loading = new Map<number, Promise<Reader>>();

  constructor(registry: RegistryLookup) {
    this.#registry = registry;
  }

  async prepare(topic: string, names: readonly RecordName[]): Promise<void> {
    const look = async (name: RecordName) => {
      const subject = subjectOf(topic, name);
      if (this.#ids.has(subject)) return;
      this.#ids.set(subject, await this.#registry.idOf(subject, schemas[name] as unknown as avsc.Schema));
    };
    await Promise.all(names.map(look));
  }

  encode<N extends RecordName>(topic: string, name: N, value: Records[N]): Buffer {
    const id = this.#ids.get(subjectOf(topic, name));
    if (id === undefined) throw new TypeError(`codec: prepare('${topic}', ['${name}']) first`);
    return this.#encoder.encode(name, id, value);
  }

  decode(value: Buffer): Decoded | Promise<Decoded> {
    if (value.length < headerBytes || value[0] !== 0) {
      throw new AppError('RECORD_UNREADABLE', 'decoding: not the Confluent wire format');
    }
    const id = value.readInt32BE(1);
    const reader = this.#readers.get(id);
    return reader ? read(reader, value) : this.#load(id).then((loaded) => read(loaded, value));
  }

  /** One request per id, however many records wait for it; a failed look-up is asked again by the next record. */
  #load(id: number): Promise<Reader> {
    const underWay = this.#loading.get(id);
    if (underWay) return underWay;
    const loading = this.#reader(id)
      .then((reader) => {
        this.#readers.set(id, reader);
        return reader;
      })
      .finally(() => this.#loading.delete(id));
    this.#loading.set(id, loading);
    return loading;
  }

  async #reader(id: number): Promise<Reader> {
    let schema: avsc.Schema;
    try {
      schema = await this.#registry.schemaOf(id);
    } catch (error) {
      if (error instanceof AppError && error.code === 'SCHEMA_UNRESOLVABLE') return error;
      throw error;
    }
    return resolveReader(id, schema);
  }
}

/** The resolver is built once: building it for each message costs a factor of 40 to 400. */
function resolveReader(id: number, schema: avsc.Schema): Reader {
  try {
    const writer = parseType(schema);
    const name = writer.name;
    if (!isRecordName(name)) {
      return new AppError('SCHEMA_UNRESOLVABLE', `schema ${id} is of no record type of ours`, { schemaId: id });
    }
    const type = typeOf(name);
    return { name, type, resolver: writer.equals(type) ? undefined : (type.createResolver(writer) as avsc.Type) };
  } catch (cause) {
    return new AppError('SCHEMA_UNRESOLVABLE', `schema ${id} cannot be read with ours`, { schemaId: id, cause });
  }
}

function read(reader: Reader, value: Buffer): Decoded {
  if (reader instanceof AppError) throw reader;
  try {
    // Checked to the last byte: trailing garbage is as unreadable as a cut record.
    const decoded: unknown = reader.type.fromBuffer(value.subarray(headerBytes), reader.resolver, false);
    return { name: reader.name, value: decoded } as Decoded;
  } catch {
    // avsc's message may quote bytes of the record.
    throw new AppError('RECORD_UNREADABLE', `decoding ${reader.name}`, { record: reader.name });
  }
}
