import avsc from 'avsc';
import { AppError, schemas, type Records } from '@orgstream/core';
import type { RecordName } from './codec-port.ts';

/** Avro type of each record, made when first asked for. */
const types = new Map<string, avsc.Type>();

/** Our reader's and writer's type of a record. */
export function typeOf(name: RecordName): avsc.Type {
  const known = types.get(name);
  if (known) return known;
  const type = parseType(schemas[name] as unknown as avsc.Schema);
  types.set(name, type);
  return type;
}

/** Schema → type. A registry of its own each time: named types of one schema must not meet those of another version. */
export function parseType(schema: avsc.Schema): avsc.Type {
  return avsc.Type.forSchema(schema, { registry: {}, omitRecordMethods: true } as Partial<avsc.ForSchemaOptions>);
}

/** True when we have a record type of that name. */
export function isRecordName(name: string | undefined): name is RecordName {
  return name !== undefined && Object.hasOwn(schemas, name);
}

/** Magic byte and schema id. */
export const headerBytes = 5;

/** Encodes into one growing buffer and copies each record out once. */
export class Encoder {
  #scratch = Buffer.allocUnsafe(16 * 1024);

  encode<N extends RecordName>(name: N, schemaId: number, value: Records[N]): Buffer {
    const type = typeOf(name);
    try {
      let end = type.encode(value, this.#scratch, headerBytes);
      if (end < 0) {
        // Negative = so many bytes were missing.
        this.#scratch = Buffer.allocUnsafe(2 * (this.#scratch.length - end));
        end = type.encode(value, this.#scratch, headerBytes);
      }
      this.#scratch[0] = 0;
      this.#scratch.writeInt32BE(schemaId, 1);
      return Buffer.from(this.#scratch.subarray(0, end));
    } catch {
      // avsc's message quotes the value, which may be personal data: only the field's path is told.
      throw new AppError('RECORD_INVALID', `encoding ${name}: ${invalidField(type, value)}`, { record: name });
    }
  }
}

function invalidField(type: avsc.Type, value: unknown): string {
  const paths: string[] = [];
  type.isValid(value, { errorHook: (path) => paths.push(path.join('.')) });
  return paths.length === 0 ? 'a value out of range' : `field ${paths[0] || '(the record itself)'}`;
}
