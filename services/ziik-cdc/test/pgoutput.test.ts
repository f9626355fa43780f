import { readFileSync } from 'node:fs';
import { isAppError, parseLsn } from '@orgstream/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PgOutputDecoder, type PgOutputMessage } from '../src/pgoutput.ts';
import type { Tuple } from '../src/tuple.ts';

interface Golden {
  readonly server: string;
  readonly steps: readonly {
    readonly sql: string;
    readonly messages: readonly { readonly lsn: string; readonly xid: string; readonly hex: string }[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../test-support/golden/pgoutput.json', import.meta.url), 'utf8'),
) as Golden;
const large = Array.from({ length: 3_000 }, (_, i) => String.fromCharCode(19_968 + (((i + 1) * 7919) % 20_000))).join(
  '',
);

const texts = (tuple: Tuple | undefined): unknown =>
  tuple && Array.from({ length: tuple.count }, (_, i) => (tuple.text(i) === large ? 'LARGE' : tuple.text(i)));

/** A message without what differs from recording to recording. */
function plain(message: PgOutputMessage): unknown {
  switch (message.tag) {
    case 'insert':
    case 'update':
    case 'delete':
      return { tag: message.tag, row: texts(message.row), old: texts(message.old), whole: message.oldIsWhole };
    case 'relation': {
      const key = message.columns.filter(({ identity }) => identity).map(({ name }) => name);
      return { tag: 'relation', table: `${message.schema}.${message.table}`, identity: message.replicaIdentity, key };
    }
    case 'truncate':
      return { tag: 'truncate', tables: message.relationIds.length };
    case 'message':
      return { tag: 'message', transactional: message.transactional, prefix: message.prefix, content: message.content };
    case 'begin':
    case 'commit':
    case 'ignored':
      return { tag: message.tag };
  }
}

const begin = { tag: 'begin' };
const commit = { tag: 'commit' };
const plainTable = { tag: 'relation', table: 'public.plain', identity: 'i', key: ['id', 'site_id'] };
const wholeTable = { tag: 'relation', table: 'public.whole', identity: 'f', key: ['id', 'site_id', 'name'] };
const change = (tag: string, row: unknown, old?: unknown, whole = false): unknown => ({ tag, row, old, whole });
const x = undefined;

const expected: readonly unknown[][] = [
  [begin, plainTable, change('insert', ['1', '5', 'Åse 👩‍🍳', 't', '2024-02-29 12:34:56.789+00', '-7']), commit],
  [begin, plainTable, change('insert', ['2', '5', null, 'f', null, null]), commit],
  [begin, plainTable, change('update', ['1', '5', 'Bo', 't', '2024-02-29 12:34:56.789+00', '-7']), commit],
  [
    begin,
    plainTable,
    change('update', ['1', '6', 'Bo', 't', '2024-02-29 12:34:56.789+00', '-7'], ['1', '5', null, null, null, null]),
    commit,
  ],
  [begin, plainTable, change('delete', x, ['1', '6', null, null, null, null]), commit],
  [begin, wholeTable, change('insert', ['1', '5', 'LARGE']), commit],
  [begin, wholeTable, change('update', ['1', '6', x], ['1', '5', 'LARGE'], true), commit],
  [begin, wholeTable, change('delete', x, ['1', '6', 'LARGE'], true), commit],
  [begin, plainTable, change('insert', ['3', '5', 'LARGE', 't', 'infinity', '0']), commit],
  [begin, plainTable, change('update', ['3', '5', x, 'f', 'infinity', '0']), commit],
  [
    begin,
    plainTable,
    change('insert', ['4', '7', 'x', null, null, null]),
    wholeTable,
    change('insert', ['4', '7', 'y']),
    commit,
  ],
  [begin, { tag: 'message', transactional: true, prefix: 'orgstream', content: 'low:æ' }, commit],
  [{ tag: 'message', transactional: false, prefix: 'orgstream', content: 'heartbeat' }],
  [begin, plainTable, wholeTable, { tag: 'truncate', tables: 2 }, commit],
  [begin, plainTable, change('insert', ['9', '5', 'z', 't', null, null, 'e']), commit],
];

test.each(golden.steps.map((step, i) => ({ ...step, wanted: expected[i] })))(
  `golden bytes of PostgreSQL ${golden.server}: $sql`,
  ({ messages, wanted }) => {
    const decoder = new PgOutputDecoder();
    expect(messages.map(({ hex }) => plain(decoder.decode(Buffer.from(hex, 'hex'))))).toEqual(wanted);
  },
);

test('LSNs, xid and commit time are what the server itself says', () => {
  const decoder = new PgOutputDecoder();
  for (const { messages } of golden.steps) {
    const first = messages[0]!;
    const last = messages.at(-1)!;
    const b = decoder.decode(Buffer.from(first.hex, 'hex'));
    const c = decoder.decode(Buffer.from(last.hex, 'hex'));
    if (b.tag !== 'begin' || c.tag !== 'commit') continue;
    expect(b.xid).toBe(Number(first.xid));
    expect(c.commitLsn).toBe(b.commitLsn);
    expect(c.endLsn).toBe(parseLsn(last.lsn));
    expect(b.commitLsn).toBeLessThan(c.endLsn);
    expect(Math.abs(b.committedAtMs - Date.UTC(2026, 0, 1))).toBeLessThan(10 * 365 * 86_400_000);
  }
});

/** The code a decode ended with; undefined when there was a message. */
function codeOf(bytes: Buffer): string | undefined {
  try {
    new PgOutputDecoder().decode(bytes);
    return undefined;
  } catch (error) {
    return isAppError(error) ? error.code : String(error);
  }
}

test('a message that ends too early, at any byte, is a protocol error and nothing else', () => {
  const messages = golden.steps.flatMap((step) => step.messages.map(({ hex }) => Buffer.from(hex, 'hex')));
  // A commit's tail (its time) is not read; a large value is cut at as many places as a small one.
  for (const bytes of messages.filter((one) => one[0] !== 0x43 && one.length <= 1_000)) {
    const codes = Array.from(bytes, (_, end) => codeOf(Buffer.from(bytes.subarray(0, end))));
    expect(new Set(codes)).toEqual(new Set(['REPLICATION_PROTOCOL']));
  }
});

test('any bytes decode or are a protocol error', () => {
  const kinds = fc.constantFrom(...Buffer.from('BCIUDRTMYOSEcAX'));
  fc.assert(
    fc.property(kinds, fc.uint8Array({ maxLength: 80 }), (kind, rest) => {
      expect([undefined, 'REPLICATION_PROTOCOL']).toContain(codeOf(Buffer.from([kind, ...rest])));
    }),
    { numRuns: 3_000 },
  );
});
