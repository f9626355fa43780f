import { codes, type ErrorCode } from '@orgstream/core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LedgerRow, Payload } from '../ledger/row.ts';
import type { Settlement } from '../ledger/send-store.ts';
import { afterwards, type Facts, type Failure, maxAttempts, nextStep, type Outcome, type Step } from './decide.ts';

const payload: Payload = { email: 'a@example.dk', fields: { moduleName: 'Fire' }, link: 'http://p/1' };
const queued: LedgerRow = {
  id: 1,
  integrationId: 'i',
  notificationId: 'n',
  receiver: '7',
  type: 'module.assigned',
  occurredAtMs: 0,
  state: 'queued',
  code: null,
  attempts: 0,
  payload,
  personId: null,
  ziikUserId: null,
  conversationId: null,
  senderId: null,
  afterMessageId: null,
  partsSent: 0,
  language: null,
  isTest: false,
};
const patience = { settleMs: 12_000, backoffMs: 500, pollMs: 100 };
const person = { personId: '42', gone: false, erased: false, language: 'da' };
const type = { enabled: true, texts: { da: 'Modul {{moduleName}} {{link}}' }, body: null, name: 'Assigned' };
const facts: Facts = { defaultLanguage: 'en' };
const settled = (to: string, code: string) => ({ do: 'settle', settlement: expect.objectContaining({ to, code }) });

describe('who receives it', () => {
  const table: readonly (readonly [string, Facts, unknown])[] = [
    ['nothing is known', facts, { do: 'read_person' }],
    ['linked, then the type', { ...facts, person }, { do: 'read_type' }],
    ['nobody linked, then the e-mail', { ...facts, person: null }, { do: 'find', email: 'a@example.dk' }],
    [
      'people of another source, then the e-mail',
      { ...facts, person: { ...person, personId: 'f3-9' } },
      { do: 'find', email: 'a@example.dk' },
    ],
    ['a linked leaver', { ...facts, person: { ...person, gone: true } }, settled('skipped', 'RECEIVER_INACTIVE')],
    [
      'somebody who was erased',
      { ...facts, person: { ...person, erased: true } },
      settled('skipped', 'RECEIVER_UNKNOWN'),
    ],
    ['no Ziik user', { ...facts, person: null, receiver: { found: 'none' } }, settled('skipped', 'RECEIVER_UNKNOWN')],
    [
      'several',
      { ...facts, person: null, receiver: { found: 'several' } },
      settled('skipped', 'RECEIVER_WITHOUT_ACCOUNT'),
    ],
    [
      'inactive in Ziik',
      { ...facts, person: null, receiver: { found: 'one', userId: 9, active: false, language: null } },
      settled('skipped', 'RECEIVER_INACTIVE'),
    ],
    [
      'found in Ziik, then the replica has the last word',
      { ...facts, person: null, receiver: { found: 'one', userId: 9, active: true, language: null } },
      { do: 'read_account', userId: 9 },
    ],
    [
      'a leaver by the replica, whatever Ziik says',
      {
        ...facts,
        person: null,
        receiver: { found: 'one', userId: 9, active: true, language: null },
        account: { ...person, gone: true },
      },
      settled('skipped', 'RECEIVER_INACTIVE'),
    ],
  ];
  test.each(table)('%s', (_, known, step) => expect(nextStep(queued, known)).toEqual(step));

  test('nobody linked and no e-mail: nobody', () => {
    const without = { ...queued, payload: { ...payload, email: ' ' } };
    expect(nextStep(without, { ...facts, person: null })).toEqual(settled('skipped', 'RECEIVER_UNKNOWN'));
  });

  test('the rest of a text goes to whom its beginning went, however the link moves', () => {
    const half = { ...queued, partsSent: 1, ziikUserId: 9, payload: { ...payload, parts: ['rest'] } };
    expect(nextStep(half, { ...facts, person })).toEqual({ do: 'read_account', userId: 9 });
    expect(nextStep(half, { ...facts, account: { ...person, gone: true } })).toEqual(
      settled('skipped', 'RECEIVER_INACTIVE'),
    );
    expect(nextStep(half, { ...facts, account: person, type })).toMatchObject({
      do: 'send',
      message: { userId: 9, payload: { parts: ['rest'] } },
    });
  });
});

describe('what it says', () => {
  const known = { ...facts, person };
  const textOf = (step: Step) => (step.do === 'send' ? step.message.payload.parts : step);
  test.each([
    ["the receiver's language", type, ['Modul Fire http://p/1']],
    ["Learningbank's", { ...type, texts: {}, body: 'Hej {{firstName}}: {{moduleName}}' }, ['Hej : Fire']],
    ['name and link', { ...type, texts: {} }, ['Assigned http://p/1']],
  ])('%s', (_, texts, parts) => expect(textOf(nextStep(queued, { ...known, type: texts }))).toEqual(parts));

  test("without a text of ours it waits until Learningbank's own can be known", () => {
    const nameless = { ...type, texts: {}, unread: true } as const;
    expect(nextStep(queued, { ...known, type: nameless })).toMatchObject({
      do: 'settle',
      settlement: { to: 'queued', code: null, burnt: false },
    });
    expect(nextStep(queued, { ...known, type: { ...nameless, body: 'Theirs' } })).toMatchObject({ do: 'send' });
    expect(nextStep(queued, { ...known, type: { ...type, unread: true } })).toMatchObject({ do: 'send' });
  });

  test('an unknown field is left out and warned of', () => {
    const step = nextStep(queued, { ...known, type: { ...type, texts: { '': 'A {{x}} B' } } });
    expect(step).toMatchObject({ do: 'send', message: { warnings: [expect.stringContaining('x')] } });
  });

  test('off and empty end it', () => {
    expect(nextStep(queued, { ...known, type: { ...type, enabled: false } })).toEqual(settled('skipped', 'TYPE_OFF'));
    expect(nextStep(queued, { ...known, type: { ...type, texts: { '': '{{x}}' } } })).toEqual(
      settled('failed', 'TEXT_EMPTY'),
    );
  });

  test('a link of its own never passes for ours', () => {
    const step = nextStep({ ...queued, payload: { ...payload, fields: { link: 'http://evil' } } }, { ...known, type });
    expect(textOf(step)).toEqual(['Modul  http://p/1']);
  });
});

const failure = (more: Partial<Failure>): Failure => {
  const code = more.code ?? 'ZIIK_UNREACHABLE';
  const base = { at: 'begin', waitMs: 0, mayHaveHappened: false, tooLong: false, ourselves: false } as const;
  return { ...base, code, disposition: codes[code], ...more };
};

describe('afterwards', () => {
  const unknown = { ...queued, state: 'unknown' as const, ziikUserId: 42, payload: { ...payload, parts: ['a', 'b'] } };
  const table: readonly (readonly [string, LedgerRow, Outcome, object])[] = [
    [
      'found: the next part',
      unknown,
      { found: { conversationId: 1, messageId: 2 } },
      { to: 'part_sent', payload: { parts: ['b'] } },
    ],
    ['absent: once more', unknown, { found: null }, { to: 'queued', burnt: true }],
    [
      'absent for the last time',
      { ...unknown, attempts: maxAttempts - 1 },
      { found: null },
      { to: 'failed', code: 'DELIVERY_UNKNOWN' },
    ],
    [
      'absent, and Ziik had said that it failed',
      { ...unknown, attempts: 9, code: 'ZIIK_ERROR' },
      { found: null },
      { to: 'queued', burnt: false },
    ],
    ['cannot be looked at now', unknown, { failure: failure({ at: 'look' }) }, { to: 'unknown' }],
    [
      'cannot be looked at any more',
      unknown,
      { failure: failure({ at: 'look', code: 'ZIIK_NOT_FOUND' }) },
      { to: 'failed', code: 'DELIVERY_UNKNOWN' },
    ],
    [
      'no answer to the POST',
      queued,
      { failure: failure({ at: 'send', mayHaveHappened: true }) },
      { to: 'unknown', afterMs: 12_000 },
    ],
    [
      '429',
      queued,
      { failure: failure({ at: 'send', code: 'ZIIK_RATE_LIMITED', waitMs: 9_000 }) },
      { to: 'queued', afterMs: 9_000, burnt: false },
    ],
    ['refused credentials', queued, { failure: failure({ code: 'ZIIK_AUTH_FAILED' }) }, { to: 'queued', burnt: false }],
    [
      'inactive in Ziik',
      queued,
      { failure: failure({ code: 'RECEIVER_INACTIVE' }) },
      { to: 'skipped', code: 'RECEIVER_INACTIVE' },
    ],
    [
      'forbidden',
      queued,
      { failure: failure({ at: 'send', code: 'ZIIK_FORBIDDEN' }) },
      { to: 'failed', code: 'ZIIK_FORBIDDEN' },
    ],
    [
      'the conversation went',
      queued,
      { failure: failure({ at: 'send', code: 'ZIIK_NOT_FOUND' }) },
      { to: 'queued', burnt: true },
    ],
    [
      'it went again and again',
      { ...queued, attempts: 2 },
      { failure: failure({ at: 'send', code: 'ZIIK_NOT_FOUND' }) },
      { to: 'failed' },
    ],
    [
      'too long, and short',
      queued,
      { failure: failure({ at: 'send', code: 'ZIIK_REFUSED', tooLong: true }) },
      { to: 'failed', code: 'ZIIK_REFUSED' },
    ],
    [
      'a lost lease',
      queued,
      { failure: failure({ at: 'send', code: 'LEASE_LOST', ourselves: true }) },
      { to: 'queued', code: null, burnt: false },
    ],
    ['forbidden meanwhile', queued, { notBegun: true }, { to: 'queued', afterMs: 100, burnt: false }],
  ];
  test.each(table)('%s', (_, row, outcome, settlement) =>
    expect(afterwards(row, row.payload?.parts ?? ['a'], outcome, patience)).toMatchObject(settlement),
  );

  test('too long a text is put into smaller parts, and nothing of it is lost', () => {
    const text = Array.from({ length: 200 }, (_, n) => `word${n}`).join(' ');
    const refusal = { failure: failure({ at: 'send', code: 'ZIIK_REFUSED', tooLong: true }) } as const;
    let parts: readonly string[] = [text];
    const lengths = [];
    for (;;) {
      const next: Settlement = afterwards(queued, parts, refusal, patience);
      if (next.to !== 'queued') break;
      parts = next.payload!.parts!;
      lengths.push(Math.max(...parts.map(({ length }) => length)));
      expect(parts.join(' ')).toBe(text);
    }
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
    expect(lengths.at(-1)).toBeLessThanOrEqual(250);
  });
});

const known = fc.record({
  personId: fc.constantFrom('42', 'x'),
  gone: fc.boolean(),
  erased: fc.boolean(),
  language: fc.constantFrom(null, 'da'),
});
const world = fc.record({
  person: fc.option(known),
  receiver: fc.oneof(
    fc.record({ found: fc.constantFrom('none' as const, 'several' as const) }),
    fc.record({
      found: fc.constant('one' as const),
      userId: fc.integer({ min: 1, max: 9 }),
      active: fc.boolean(),
      language: fc.constant(null),
    }),
  ),
  account: known,
  type: fc.record({
    enabled: fc.boolean(),
    texts: fc.dictionary(fc.constantFrom('da', 'en', ''), fc.string()),
    body: fc.option(fc.string()),
    name: fc.string({ minLength: 1 }),
  }),
});
const anyFailure = fc
  .record({
    code: fc.constantFrom(
      ...(Object.keys(codes) as ErrorCode[]).filter((code) => /ZIIK|RECEIVER|CHAT|LEASE|PAUSED|UNEXPECTED/u.test(code)),
    ),
    waitMs: fc.nat(),
    mayHaveHappened: fc.boolean(),
    tooLong: fc.boolean(),
    ourselves: fc.boolean(),
  })
  .map((more) => failure(more));

test('every row comes to a send, a look or an end within five questions, and asks none twice', () => {
  fc.assert(
    fc.property(world, fc.constantFrom('queued' as const, 'sending' as const, 'unknown' as const), (truth, state) => {
      let now = facts;
      const asked: string[] = [];
      for (;;) {
        const step = nextStep({ ...queued, state }, now);
        if (step.do === 'send' || step.do === 'look' || step.do === 'settle') {
          // What may have been sent is never sent on the way.
          if (state !== 'queued') expect(step.do).not.toBe('send');
          return;
        }
        expect(asked).not.toContain(step.do);
        asked.push(step.do);
        const { person: linked, receiver, account, type: texts } = truth;
        if (step.do === 'read_person') now = { ...now, person: linked };
        if (step.do === 'find') now = { ...now, receiver };
        if (step.do === 'read_account') now = { ...now, account };
        if (step.do === 'read_type') now = { ...now, type: texts };
      }
    }),
  );
});

test('after a send that may have happened nothing is sent before it was looked up, whatever failed how', () => {
  fc.assert(
    fc.property(anyFailure, fc.nat(5), (how, attempts) => {
      const row = { ...queued, attempts };
      const sent = afterwards(row, ['a'], { failure: { ...how, at: 'send', mayHaveHappened: true } }, patience);
      expect(sent).toMatchObject({ to: 'unknown', afterMs: patience.settleMs });
      const looked = afterwards({ ...row, state: 'unknown' }, ['a'], { failure: { ...how, at: 'look' } }, patience);
      expect(['unknown', 'failed']).toContain(looked.to);
    }),
  );
});

test('traceless sends are counted, and there are never more than three', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 20 }), (said) => {
      let row: LedgerRow = { ...queued, state: 'unknown', ziikUserId: 1, payload: { ...payload, parts: ['a'] } };
      let traceless = 0;
      for (const byZiik of said) {
        const next = afterwards(
          { ...row, code: byZiik ? 'ZIIK_ERROR' : 'ZIIK_UNREACHABLE' },
          ['a'],
          { found: null },
          patience,
        );
        if (!byZiik) traceless += 1;
        if (next.to === 'failed') {
          expect(traceless).toBe(maxAttempts);
          return;
        }
        row = { ...row, attempts: row.attempts + (next.to === 'queued' && next.burnt ? 1 : 0) };
      }
      expect(traceless).toBeLessThan(maxAttempts);
    }),
  );
});
