import { AppError, type ErrorCode } from '@orgstream/core';
import { expect, test } from 'vitest';
import { FakeTime } from '../test/fake-time.ts';
import { Breaker, type BreakerOptions } from './breaker.ts';

const failure = (code: ErrorCode, details = {}) => new AppError(code, 'test', details);

function open(options: BreakerOptions = {}) {
  const time = new FakeTime();
  const changes: string[] = [];
  const breaker = new Breaker({
    now: time.now,
    onChange: (state, reason) => changes.push(`${state} ${reason}`),
    ...options,
  });
  const call = (error?: unknown) => {
    const pass = breaker.enter();
    if (!pass) throw new Error('no pass');
    pass.done(error);
  };
  const times = (count: number, error?: unknown) => {
    for (let n = 0; n < count; n += 1) call(error);
  };
  return { time, changes, breaker, call, times };
}

test('it opens when the share of failures is reached, not before there were enough calls', () => {
  const { breaker, times } = open({ minCalls: 10, failureShare: 0.5 });
  times(4);
  times(5, failure('TARGET_ERROR'));
  expect(breaker.state).toBe('closed');
  times(1, failure('TARGET_ERROR'));
  expect(breaker.state).toBe('open');
  expect(breaker.reason).toBe('TARGET_ERROR');
  expect(breaker.enter()).toBeNull();
});

test('failures older than the window are forgotten', async () => {
  const { breaker, times, time } = open({ windowMs: 10_000, minCalls: 10 });
  times(9, failure('TARGET_UNREACHABLE'));
  await time.pass(11_000);
  times(9);
  times(1, failure('TARGET_UNREACHABLE'));
  expect(breaker.state).toBe('closed');
});

test('refused credentials open it at once', () => {
  const { breaker, call } = open();
  call(failure('TARGET_AUTH_FAILED'));
  expect([breaker.state, breaker.reason]).toEqual(['open', 'TARGET_AUTH_FAILED']);
});

test.each([
  'TARGET_NOT_FOUND',
  'TARGET_CONFLICT',
  'TARGET_REFUSED',
  'TARGET_FORBIDDEN',
  'TARGET_RATE_LIMITED',
] as const)('%s says nothing against the platform', (code) => {
  const { breaker, times } = open();
  times(100, failure(code));
  expect(breaker.state).toBe('closed');
});

test('calls that we ended ourselves do not count, time-outs do', () => {
  const { breaker, times } = open();
  times(100, failure('TARGET_UNREACHABLE', { reason: 'aborted' }));
  expect(breaker.state).toBe('closed');
  times(10, failure('TARGET_UNREACHABLE', { reason: 'timeout' }));
  expect(breaker.state).toBe('open');
});

test('after the pause one probe goes, alone; its success closes', async () => {
  const { breaker, call, time, changes } = open({ openMs: 1_000 });
  call(failure('TARGET_AUTH_FAILED'));
  expect(breaker.waitMs).toBe(1_000);
  await time.pass(999);
  expect(breaker.enter()).toBeNull();
  await time.pass(1);
  const probe = breaker.enter();
  expect(probe?.probe).toBe(true);
  expect(breaker.enter()).toBeNull();
  probe?.done();
  expect(breaker.enter()?.probe).toBe(false);
  expect(changes).toEqual(['open TARGET_AUTH_FAILED', 'half_open TARGET_AUTH_FAILED', 'closed ']);
});

test('failed probes double the pause up to its maximum; success resets it', async () => {
  const { breaker, call, time } = open({ openMs: 1_000, maxOpenMs: 5_000 });
  const pauses: number[] = [];
  call(failure('TARGET_AUTH_FAILED'));
  for (let n = 0; n < 5; n += 1) {
    pauses.push(breaker.waitMs);
    await time.pass(breaker.waitMs);
    call(failure('TARGET_ERROR'));
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
  await time.pass(breaker.waitMs);
  call();
  call(failure('TARGET_AUTH_FAILED'));
  expect(breaker.waitMs).toBe(1_000);
});

test('a wait that the platform asks for is kept, also from a refused probe', async () => {
  const { breaker, call, time } = open({ openMs: 1_000 });
  breaker.open('TARGET_FORBIDDEN', 7_000);
  expect([breaker.reason, breaker.waitMs]).toEqual(['TARGET_FORBIDDEN', 7_000]);
  await time.pass(7_000);
  call(failure('TARGET_RATE_LIMITED', { waitMs: 90_000 }));
  expect([breaker.state, breaker.waitMs]).toEqual(['open', 90_000]);
});

test('reports of calls from before the last change are ignored, and each call reports once', async () => {
  const { breaker, call, time } = open({ openMs: 1_000, minCalls: 2 });
  const late = [breaker.enter(), breaker.enter()];
  call(failure('TARGET_AUTH_FAILED'));
  late[0]?.done();
  expect(breaker.state).toBe('open');
  await time.pass(1_000);
  breaker.enter()?.done();
  late[1]?.done(failure('TARGET_AUTH_FAILED'));
  expect(breaker.state).toBe('closed');
  const twice = breaker.enter();
  twice?.done(failure('TARGET_ERROR'));
  twice?.done(failure('TARGET_ERROR'));
  expect(breaker.state).toBe('closed');
});

test('a probe that is never heard of again, or ended by us, makes room for another', async () => {
  const { breaker, call, time } = open({ openMs: 1_000, probeMs: 5_000 });
  call(failure('TARGET_AUTH_FAILED'));
  await time.pass(1_000);
  const lost = breaker.enter();
  await time.pass(5_000);
  const second = breaker.enter();
  expect(second?.probe).toBe(true);
  lost?.done();
  expect(breaker.state).toBe('half_open');
  second?.done(failure('TARGET_UNREACHABLE', { reason: 'aborted' }));
  expect([breaker.state, breaker.waitMs]).toEqual(['open', 0]);
  breaker.enter()?.done();
  expect(breaker.state).toBe('closed');
});
