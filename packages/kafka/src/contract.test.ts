import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemas, recordsOf, type Records } from '@orgstream/core';
import avsc from 'avsc';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../../schemas');
const typeOf = (schema: unknown): avsc.Type =>
  avsc.Type.forSchema(structuredClone(schema) as avsc.Schema, { wrapUnions: false });
const types = new Map(Object.entries(schemas).map(([name, schema]) => [name, typeOf(schema)]));

function fixtures(folder: 'valid' | 'invalid'): readonly (readonly [file: string, record: string, value: unknown])[] {
  return readdirSync(join(root, 'fixtures', folder)).map((file) => {
    const record = file.split('.').slice(0, 2).join('.');
    return [file, record, JSON.parse(readFileSync(join(root, 'fixtures', folder, file), 'utf8')) as unknown];
  });
}

interface Field {
  readonly name: string;
  readonly doc?: string;
  readonly type: unknown;
  readonly default?: unknown;
}

function fieldsOf(schema: { readonly fields: readonly Field[] }): readonly Field[] {
  return schema.fields.flatMap((field) => {
    const inner = field.type as { fields?: readonly Field[]; items?: { fields?: readonly Field[] } };
    return [field, ...(inner.fields ?? inner.items?.fields ?? [])];
  });
}

describe('the contract', () => {
  test.each(fixtures('valid'))('%s is a valid %s and survives a round trip', (_file, record, value) => {
    const type = types.get(record)!;
    expect(type.isValid(value, { noUndeclaredFields: true })).toBe(true);
    expect(type.fromBuffer(type.toBuffer(value))).toEqual(type.clone(value));
  });

  test.each(fixtures('invalid'))('%s is no valid %s', (_file, record, value) => {
    expect(types.get(record)!.isValid(value, { noUndeclaredFields: true })).toBe(false);
  });

  test('every record type has a valid fixture, and belongs on exactly one topic', () => {
    const seen = new Set(fixtures('valid').map(([, record]) => record));
    expect([...seen].toSorted()).toEqual(Object.keys(schemas).toSorted());
    expect(Object.values(recordsOf).flat().toSorted()).toEqual(Object.keys(schemas).toSorted());
  });

  test.each(Object.keys(schemas) as (keyof Records)[])(
    '%s: every field has a doc, an optional one defaults to null',
    (name) => {
      for (const field of fieldsOf(schemas[name] as unknown as { fields: readonly Field[] })) {
        expect(field.doc, `${name}.${field.name}`).toMatch(/\S/);
        if (!Array.isArray(field.type)) continue;
        expect(field.type[0], `${name}.${field.name}`).toBe('null');
        expect(field.default, `${name}.${field.name}`).toBeNull();
      }
    },
  );

  const fileOf = (name: string, version: string): string =>
    join(root, 'released', version, `${name.replace('.', '/')}.avsc`);
  // A record type is released with the first version that has it.
  const released = readdirSync(join(root, 'released')).flatMap((version) =>
    Object.keys(schemas).flatMap((name) => (existsSync(fileOf(name, version)) ? [[name, version] as const] : [])),
  );
  test.each(released)('%s reads version %s, and that version reads it', (name, version) => {
    const old = typeOf(JSON.parse(readFileSync(fileOf(name, version), 'utf8')));
    const now = types.get(name)!;
    expect(() => now.createResolver(old)).not.toThrow();
    expect(() => old.createResolver(now)).not.toThrow();
  });

  test('the compatibility check can fail: a field without default is refused', () => {
    const broken = structuredClone(schemas['ziik.Site']) as unknown as { fields: Field[] };
    broken.fields.push({ name: 'country', type: 'string', doc: 'x' });
    expect(() => typeOf(broken).createResolver(types.get('ziik.Site')!)).toThrow(/country/);
  });
});
