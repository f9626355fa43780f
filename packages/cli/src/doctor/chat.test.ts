import { describe, expect, test } from 'vitest';
import { checkChannel, type ChannelFacts } from './chat.ts';
import { ok } from './finding.ts';

const calm: ChannelFacts = {
  integration: 'i1',
  tenant: 'eu1.42',
  enabled: true,
  intake: 'hook',
  quiet: false,
  rests: false,
  state: 'working',
  code: null,
  message: null,
  intakeCode: null,
  typesReadMinutes: 3,
  queued: 0,
  oldestMinutes: null,
  failedToday: 0,
};

test('a channel that works is one line', () => {
  expect(checkChannel(calm)).toEqual([ok('eu1.42: the channel works, its intake is hook')]);
});

describe('a channel', () => {
  test.each<[string, Partial<ChannelFacts>, string, RegExp, RegExp]>([
    [
      'that is off',
      { enabled: false, state: 'stopped', code: 'ZIIK_AUTH_FAILED' },
      'warning',
      /is off/,
      /--enabled on/,
    ],
    [
      'whose sender is refused',
      { state: 'stopped', code: 'ZIIK_AUTH_FAILED' },
      'broken',
      /nothing is sent/,
      /credentials/,
    ],
    [
      'whose chat is off',
      { state: 'stopped', code: 'CHAT_MODULE_OFF' },
      'broken',
      /Chat is switched off/,
      /Switch it on/,
    ],
    ['with a code nobody knows', { state: 'stopped', code: 'MOON_FULL', message: 'why' }, 'broken', /why/, /.{5}/],
    [
      'that is quiet',
      { quiet: true, state: 'quiet', queued: 9, oldestMinutes: 600 },
      'warning',
      /9 notif.* wait/,
      /quiet i1 off/,
    ],
    ['without notifications', { intakeCode: 'TARGET_AUTH_FAILED' }, 'broken', /edge gets no/, /.{5}/],
    ['that edge never saw', { typesReadMinutes: null }, 'warning', /has not asked Learningbank/, /is edge running/],
    ['that edge has left', { typesReadMinutes: 31 }, 'warning', /for 31 min/, /is edge running/],
    ['that is late', { queued: 2, oldestMinutes: 16 }, 'warning', /2 notif.* 16 min/, /notification-bridge running/],
    ['with failures', { failedToday: 4 }, 'warning', /4 failed today/, /--state failed/],
  ])('%s has one finding with a remedy', (_, over, level, message, remedy) => {
    expect(checkChannel({ ...calm, ...over })).toEqual([
      expect.objectContaining({
        level,
        message: expect.stringMatching(message),
        remedy: expect.stringMatching(remedy),
      }),
    ]);
  });

  test.each([
    ['is quiet because of a run', { state: 'quiet' as const }],
    ['rests with its integration', { rests: true }],
  ])('that %s may wait for as long as it takes', (_, over) => {
    expect(checkChannel({ ...calm, ...over, queued: 900, oldestMinutes: 60 })).toMatchObject([{ level: 'ok' }]);
  });
});
