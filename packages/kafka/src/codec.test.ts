import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import avsc from 'avsc';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isAppError, recordsOf, schemas, topics, type Records } from '@orgstream/core';
import { parseType } from './avro.ts';
import type { Codec, RecordName } from './codec-port.ts';
import { createCodec } from './codec.ts';

type Answer = { readonly status: number; readonly body: string; readonly type?: string } | 'hang up';

/** A registry whose answers the test gives; counts requests by path. */
class Registry {
  readonly requests: string[] = [];
  answers = new Map<string, Answer>();
  readonly server: Server = createServer((request, response) => {
    const path = decodeURIComponent(request.url!);
    this.requests.push(path);
    const answer = this.answers.get(path) ?? { status: 404, body: '{"error_code":40403,"message":"not found"}' };
    if (answer === 'hang up') return request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': answer.type ?? 'application/json' });
    response.end(answer.body);
    return undefined;
  }).listen(0, '127.0.0.1');

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  schema(id: number, schema: unknown): void {
    this.answers.set(`/schemas/ids/${id}`, { status: 200, body: JSON.stringify({ schema: JSON.stringify(schema) }) });
  }

  subject(subject: string, id: number): void {
    this.answers.set(`/subjects/${subject}`, { status: 200, body: JSON.stringify({ id, subject, version: 1 }) });
  }
}

const names = Object.keys(schemas) as RecordName[];
const registry = new Registry();
let codec: Codec;

beforeAll(async () => {
  if (!registry.server.listening) await once(registry.server, 'listening');
});
afterAll(() => {
  registry.server.close();
  registry.server.closeAllConnections();
});
beforeEach(async () => {
  registry.answers = new Map();
  registry.requests.length = 0;
  names.forEach((name, index) => registry.schema(index + 1, schemas[name]));
  for (const [topic, records] of Object.entries(recordsOf)) {
    for (const name of records) registry.subject(`${topic}-${name}`, names.indexOf(name) + 1);
  }
  codec = createCodec({ registryUrl: registry.url });
  await codec.prepare(topics.directoryChanges, ['directory.Role']);
});

const role: Records['directory.Role'] = {
  position: { epoch: 1, lsn: 300, seq: 2, last: true },
  committedAtMs: 1_000,
  snapshotId: null,
  chunk: null,
  deleted: false,
  tenant: 'eu1.42',
  id: '7',
  name: 'Ø',
  reference: null,
};
const roleId = names.indexOf('directory.Role') + 1;
/** Worked out by hand from the Avro specification. */
const roleHex =
  '00' + roleId.toString(16).padStart(8, '0') + '02d8040401d00f000000' + '0c6575312e3432' + '0237' + '0204c398' + '00';

async function code(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return isAppError(error) ? `${error.code} ${error.disposition}` : String(error);
  }
  return 'none';
}

describe('encode and decode', () => {
  test('golden bytes', async () => {
    const bytes = codec.encode(topics.directoryChanges, 'directory.Role', role);
    expect(bytes.toString('hex')).toBe(roleHex);
    expect(await codec.decode(Buffer.from(roleHex, 'hex'))).toEqual({ name: 'directory.Role', value: role });
  });

  test('synchronous once the id is known; one request for many waiting records', async () => {
    const bytes = codec.encode(topics.directoryChanges, 'directory.Role', role);
    registry.requests.length = 0;
    await Promise.all([codec.decode(bytes), codec.decode(bytes), codec.decode(bytes)]);
    expect(registry.requests).toEqual([`/schemas/ids/${roleId}`]);
    expect(codec.decode(bytes)).not.toBeInstanceOf(Promise);
  });

  test.each(Object.entries(recordsOf).flatMap(([topic, records]) => records.map((name) => [topic, name] as const)))(
    'property: %s %s comes back as it was',
    async (topic, name: RecordName) => {
      await codec.prepare(topic, [name]);
      await fc.assert(
        fc.asyncProperty(arbitrary(parseType(schemas[name] as unknown as avsc.Schema)), async (value) => {
          const decoded = await codec.decode(codec.encode(topic, name, value as never));
          expect(decoded).toEqual({ name, value });
        }),
        { numRuns: 50 },
      );
    },
    30_000,
  );

  test('a value larger than the encoder expected', async () => {
    const value = { ...role, name: '名'.repeat(100_000) };
    const decoded = await codec.decode(codec.encode(topics.directoryChanges, 'directory.Role', value));
    expect(decoded.value).toEqual(value);
  });

  test('a record of another schema is read with ours: new fields get defaults, dropped ones are skipped', async () => {
    const { fields, ...rest } = schemas['directory.Role'] as unknown as { fields: { name: string }[] };
    const older = { ...rest, fields: fields.filter(({ name }) => name !== 'reference') };
    const other = { ...older, fields: [...older.fields, { name: 'colour', type: 'string' }] };
    registry.schema(99, other);
    const { reference: _, ...value } = role;
    const body = parseType(other as unknown as avsc.Schema).toBuffer({ ...value, colour: 'red' });
    const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 99]), body]);
    expect(await codec.decode(bytes)).toEqual({ name: 'directory.Role', value: role });
  });
});

describe('what cannot be encoded', () => {
  test('names the field, never the value', () => {
    const wrong = { ...role, position: { ...role.position, seq: 'secret' } } as never;
    try {
      codec.encode(topics.directoryChanges, 'directory.Role', wrong);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'RECORD_INVALID', message: expect.stringContaining('position.seq') });
      expect(JSON.stringify([error, (error as Error).message, (error as Error).cause])).not.toContain('secret');
    }
  });

  test('a long beyond 2^53, a missing field', async () => {
    const encode = (value: object) => () => codec.encode(topics.directoryChanges, 'directory.Role', value as never);
    expect(await code(encode({ ...role, committedAtMs: 2 ** 60 }))).toBe('RECORD_INVALID park');
    expect(await code(encode({ ...role, tenant: undefined }))).toBe('RECORD_INVALID park');
  });

  test('a record type that is not registered halts at start', async () => {
    registry.answers.delete(`/subjects/${topics.ziikChanges}-ziik.Site`);
    const fresh = createCodec({ registryUrl: registry.url });
    expect(await code(() => fresh.prepare(topics.ziikChanges, ['ziik.Site']))).toBe('SCHEMA_NOT_REGISTERED halt');
  });
});

describe('what cannot be decoded', () => {
  const good = () => codec.encode(topics.directoryChanges, 'directory.Role', role);

  test.each([
    ['empty', () => Buffer.alloc(0)],
    ['no magic byte', () => Buffer.from('{"name":"x"}')],
    ['only a header', () => good().subarray(0, 5)],
    ['cut short', () => good().subarray(0, -3)],
    ['trailing bytes', () => Buffer.concat([good(), Buffer.from([1])])],
    ['a string of absurd length', () => Buffer.concat([good().subarray(0, 15), Buffer.from('fffffffff7', 'hex')])],
  ])('%s is RECORD_UNREADABLE', async (_, bytes) => {
    expect(await code(() => codec.decode(bytes()))).toBe('RECORD_UNREADABLE park');
  });

  test('property: random bytes never do anything else than fail with a code', async () => {
    await codec.decode(good());
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), async (tail) => {
        const bytes = Buffer.concat([good().subarray(0, 5), tail]);
        expect(['none', 'RECORD_UNREADABLE park']).toContain(await code(() => codec.decode(bytes)));
      }),
    );
  });

  const withId = (id: number) => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), Buffer.alloc(20)]);

  test('an id the registry does not know is asked for again: SCHEMA_UNKNOWN', async () => {
    expect(await code(() => codec.decode(withId(200)))).toBe('SCHEMA_UNKNOWN retry');
    registry.schema(200, schemas['directory.Role']);
    const bytes = good();
    bytes.writeInt32BE(200, 1);
    expect(await codec.decode(bytes)).toEqual({ name: 'directory.Role', value: role });
  });

  test.each<[string, Answer]>([
    ['a broken connection', 'hang up'],
    ['500', { status: 500, body: '{}' }],
    ['401', { status: 401, body: '{}' }],
    ['an HTML page with status 200', { status: 200, body: '<html>', type: 'text/html' }],
  ])('%s is an outage', async (_, answer) => {
    registry.answers.set('/schemas/ids/201', answer);
    expect(await code(() => codec.decode(withId(201)))).toBe('REGISTRY_UNREACHABLE retry');
    registry.answers.set(`/subjects/${topics.ziikChanges}-ziik.Unit`, answer);
    const fresh = createCodec({ registryUrl: registry.url });
    expect(await code(() => fresh.prepare(topics.ziikChanges, ['ziik.Unit']))).toBe('REGISTRY_UNREACHABLE retry');
  });

  test('a known id goes on while the registry is away', async () => {
    const bytes = good();
    await codec.decode(bytes);
    for (const path of registry.answers.keys()) registry.answers.set(path, 'hang up');
    expect(codec.decode(bytes)).toEqual({ name: 'directory.Role', value: role });
  });

  test.each([
    ['a record type we do not have', { type: 'record', name: 'Alien', namespace: 'directory', fields: [] }],
    ['our record with a field of another type', alien('name', 'int')],
    ['our record without a field we need', alien('tenant', undefined)],
    ['no Avro at all', { type: 'nonsense', name: 'x' }],
  ])('%s is SCHEMA_UNRESOLVABLE, asked once', async (_, schema) => {
    registry.schema(202, schema);
    registry.requests.length = 0;
    expect(await code(() => codec.decode(withId(202)))).toBe('SCHEMA_UNRESOLVABLE park');
    expect(await code(() => codec.decode(withId(202)))).toBe('SCHEMA_UNRESOLVABLE park');
    expect(registry.requests).toHaveLength(1);
  });
});

/** `directory.Role` with one field of another type, or without it. */
function alien(field: string, type: string | undefined): object {
  const { fields, ...rest } = schemas['directory.Role'] as unknown as { fields: { name: string }[] };
  const changed = fields.flatMap((one) => (one.name !== field ? [one] : type ? [{ name: field, type }] : []));
  return { ...rest, fields: changed };
}

/** Values of an Avro type, edges included. */
function arbitrary(type: avsc.Type): fc.Arbitrary<unknown> {
  const { typeName } = type;
  if (typeName === 'null') return fc.constant(null);
  if (typeName === 'boolean') return fc.boolean();
  if (typeName === 'int') return fc.integer();
  // avsc 5.7.9 garbles longs below -2^52 and refuses 2^53 - 1; ours are LSNs, ids and times.
  if (typeName === 'long') return fc.integer({ min: -(2 ** 52), max: 2 ** 53 - 2 });
  if (typeName === 'string') return fc.string({ unit: 'binary' });
  if (typeName.startsWith('enum')) return fc.constantFrom(...(type as avsc.types.EnumType).symbols);
  if (typeName.startsWith('union')) return fc.oneof(...(type as avsc.types.UnwrappedUnionType).types.map(arbitrary));
  if (typeName.startsWith('array'))
    return fc.array(arbitrary((type as avsc.types.ArrayType).itemsType), { maxLength: 5 });
  if (type.typeName === 'map') {
    return fc.dictionary(fc.string(), arbitrary((type as avsc.types.MapType).valuesType));
  }
  const { fields } = type as avsc.types.RecordType;
  return fc.record(Object.fromEntries(fields.map((field) => [field.name, arbitrary(field.type)])));
}
