import { AppError } from '@orgstream/core';
import type { IntegrationStatus } from '@orgstream/database';
import { describe, expect, test } from 'vitest';
import { renderFindings } from '../commands/doctor.ts';
import { openEnvironment } from '../environment.ts';
import { examine, type Check } from './check.ts';
import { ok } from './finding.ts';
import { checkIntegration } from './integrations.ts';
import { skewFinding } from './postgres.ts';

const none = { outstanding: 0, held: 0, parked: 0, gap: 0 };
const calm: IntegrationStatus = {
  id: 'i1',
  tenant: 'eu1.42',
  tenantName: null,
  name: 'Academy',
  product: 'sync',
  enabled: true,
  paused: false,
  shadow: false,
  state: 'live',
  code: null,
  people: { ...none, inStep: 10 },
  work: none,
  oldestWorkMs: null,
  parkedByCode: {},
  heldByCode: {},
};
const platform = {
  integration_id: 'i1',
  breaker: 'closed' as const,
  code: null,
  proved_at: new Date('2026-03-01T08:00:00Z'),
  drift_proved_at: null,
  waiting_run: null,
  message: null,
};

describe('an integration', () => {
  test('in step is one line with its last proof', () => {
    expect(checkIntegration(calm, platform)).toEqual([
      ok('eu1.42 (Academy): 10 people in step, last proved snapshot 2026-03-01T08:00:00.000Z'),
    ]);
  });

  test.each<[string, Partial<IntegrationStatus>, Partial<typeof platform> | object, string, RegExp]>([
    ['halted', { state: 'halted', code: 'TOP_UNIT_CHANGED' }, {}, 'broken', /top unit/],
    ['waiting', { state: 'listing', code: 'TARGET_UNREACHABLE' }, {}, 'warning', /No answer/],
    ['with an open breaker', {}, { breaker: 'open', code: 'TARGET_AUTH_FAILED' }, 'broken', /breaker is open/],
    ['disabled', { enabled: false }, {}, 'warning', /is disabled/],
    ['paused', { paused: true }, {}, 'warning', /is paused/],
    ['in shadow mode', { shadow: true }, {}, 'warning', /shadow/],
    ['with parked objects', { parkedByCode: { EMAIL_MISSING: 3 } }, {}, 'warning', /3 parked/],
    ['with held objects', { heldByCode: { BRAKE_TRIPPED: 3 } }, {}, 'warning', /3 held/],
    ['with a gap', { work: { ...none, gap: 4 } }, {}, 'warning', /4 objects wait for "Initiate synchronisation"/],
    ['with a run that waits', {}, { waiting_run: 'r1' }, 'warning', /run r1 waits for approval/],
  ])('%s has a finding with a remedy', (_, over, more, level, message) => {
    const findings = checkIntegration({ ...calm, ...over }, { ...platform, ...more });
    expect(findings).toEqual([
      expect.objectContaining({
        level,
        message: expect.stringMatching(message),
        remedy: expect.stringMatching(/.{5}/),
      }),
    ]);
    expect(findings[0]!.message.startsWith('eu1.42 (Academy): ')).toBe(true);
  });
});

test.each([
  [0, 0],
  [1_900, 0],
  [-1_900, 0],
  [4_000, 1],
  [-4_000, 1],
])('a clock that is %d ms off gives %d findings', (offMs, findings) => {
  expect(skewFinding('Postgres', 1_000_000 + offMs, 999_990, 1_000_010)).toHaveLength(findings);
});

test('a slow answer is no skewed clock', () => {
  expect(skewFinding('Postgres', 1_004_000, 1_000_000, 1_005_000)).toEqual([]);
});

describe('an examination', () => {
  const check = (area: string, run: Check['run']): Check => ({ area, deadlineMs: 50, remedy: `mend ${area}`, run });
  const environment = openEnvironment({}, '/nowhere');

  test('tells every area, in order, whatever throws or never answers', async () => {
    const findings = await examine(
      [
        check('slow', () => new Promise(() => {})),
        check('fine', () => Promise.resolve([ok('fine')])),
        check('refused', () => Promise.reject(new AppError('SOURCE_AUTH_FAILED', 'connecting'))),
        check('away', () => Promise.reject(new AppError('KAFKA_UNREACHABLE', 'connecting'))),
        check('foreign', () => Promise.reject(Object.assign(new Error('name=Ida'), { code: 'EPROTO' }))),
        check('sync throw', () => {
          throw new Error('secret-word');
        }),
        check('unset', ({ settings }) => Promise.resolve([ok(settings.read('DATABASE_URL'))])),
      ],
      environment,
    );
    expect(findings.map(({ area, level, code }) => [area, level, code])).toEqual([
      ['slow', 'broken', null],
      ['fine', 'ok', null],
      ['refused', 'broken', 'SOURCE_AUTH_FAILED'],
      ['away', 'broken', 'KAFKA_UNREACHABLE'],
      ['foreign', 'broken', 'UNEXPECTED'],
      ['sync throw', 'broken', 'UNEXPECTED'],
      ['unset', 'warning', 'CONFIG_INVALID'],
    ]);
    expect(findings[0]!.message).toBe('no answer within 0.05 s');
    expect(findings[3]!.remedy).toBe('mend away');
    expect(JSON.stringify(findings)).not.toMatch(/Ida|secret-word/);
    expect(findings.at(-1)!.message).toBe('not examined: DATABASE_URL is missing or malformed');
  });

  test('as text: what is in order is a line an area, the verdict is last', () => {
    const text = renderFindings(
      [
        { area: 'node', ...ok('Node 24') },
        { area: 'kafka', ...ok('answers') },
        {
          area: 'kafka',
          level: 'broken',
          code: 'TOPIC_MISSING',
          message: 'no topic',
          remedy: 'orgstream topics apply',
        },
      ],
      false,
    );
    expect(text).toMatchInlineSnapshot(`
      "ok       node          Node 24
      broken   kafka         TOPIC_MISSING: no topic
                             → orgstream topics apply
      1 broken, 0 to look at"
    `);
  });
});
