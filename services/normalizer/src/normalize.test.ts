import { AppError, topics, type Records } from '@orgstream/core';
import type { Batch, Codec, Decoded, InRecord } from '@orgstream/kafka';
import { describe, expect, test } from 'vitest';
import { normalizeBatch } from './normalize.ts';

/** JSON in place of Avro: what is tested here is where records go, not how they are encoded. */
const codec: Codec = {
  prepare: async () => {},
  encode: (_topic, name, value) => Buffer.from(JSON.stringify({ name, value })),
  decode(value) {
    const text = value.toString();
    if (text === 'garbage') throw new AppError('RECORD_UNREADABLE', 'decoding a record: no magic byte');
    if (text === 'later') throw new AppError('SCHEMA_UNKNOWN', 'decoding a record: schema 9 is unknown');
    return JSON.parse(text) as Decoded;
  },
};

const role = (id: number): Records['ziik.UserType'] => ({
  position: { epoch: 1, lsn: 2, seq: 1, last: true },
  committedAtMs: 1,
  snapshotId: null,
  chunk: null,
  deleted: false,
  id,
  siteId: 42,
  name: 'Chef',
  reference: null,
  deletedAtMs: null,
});

function record(key: string | null, value: unknown, offset = 0): InRecord {
  const bytes = value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return { offset, key, value: bytes, headers: {}, timestampMs: 5 };
}

function batch(...records: readonly InRecord[]): Batch {
  return { topic: topics.ziikChanges, partition: 1, records, signal: new AbortController().signal };
}

const keys = (facts: readonly { record: { key: string | null } }[]): readonly (string | null)[] =>
  facts.map((f) => f.record.key);

describe('normalizeBatch', () => {
  test('facts keep the order of the log and get the key tenant/kind/id', async () => {
    const read = batch(
      record('eu1.42/user_types/1', { name: 'ziik.UserType', value: role(1) }),
      record('eu1.42/user_types/2', { name: 'ziik.UserType', value: role(2) }),
    );
    expect(keys((await normalizeBatch(codec, read)).facts)).toEqual(['eu1.42/role/1', 'eu1.42/role/2']);
  });

  test('bytes that never will decode reject their own object, and the rest goes on', async () => {
    const read = batch(
      record('eu1.42/users/7', 'garbage', 30),
      record('eu1.42/user_types/2', { name: 'ziik.UserType', value: role(2) }, 31),
    );
    const { facts, unreadable, rejected } = await normalizeBatch(codec, read);
    expect(keys(facts)).toEqual(['eu1.42/person/7/rejected', 'eu1.42/role/2']);
    expect(JSON.parse(String(facts[0]!.record.value))).toMatchObject({
      value: { code: 'RECORD_UNREADABLE', kind: 'person', id: '7', originOffset: 30, position: { lsn: 0 } },
    });
    expect([unreadable.length, rejected]).toEqual([0, 1]);
  });

  test.each([[null], ['nonsense'], ['EU1.x/users/1']])(
    'a record under the key %s has no tenant: it is to be set aside with a code',
    async (key) => {
      const { facts, unreadable } = await normalizeBatch(codec, batch(record(key, 'garbage', 8)));
      expect(facts).toEqual([]);
      expect(unreadable).toMatchObject([
        { record: { offset: 8, value: Buffer.from('garbage') }, code: 'RECORD_UNREADABLE' },
      ]);
    },
  );

  test('an unknown schema id holds the batch back instead of losing it', async () => {
    await expect(normalizeBatch(codec, batch(record('eu1.42/users/7', 'later')))).rejects.toMatchObject({
      code: 'SCHEMA_UNKNOWN',
    });
  });

  test('tombstones are skipped', async () => {
    expect((await normalizeBatch(codec, batch(record('eu1.42/users/7', null)))).facts).toEqual([]);
  });
});
