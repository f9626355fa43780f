import { expect, test } from 'vitest';
import { until } from './until.ts';

test('gives back the first truthy answer', async () => {
  let looks = 0;
  expect(await until(() => (++looks === 3 ? 'seen' : undefined), { deadlineMs: 1_000, what: 'x', intervalMs: 1 })).toBe(
    'seen',
  );
  expect(looks).toBe(3);
});

test('looks at least once, also with no time', async () => {
  expect(await until(() => 1, { deadlineMs: 0, what: 'x' })).toBe(1);
});

test('says what it waited for, and what was seen last', async () => {
  let seen = 0;
  const waiting = until(() => ++seen < 0, {
    deadlineMs: 20,
    what: () => `three users, saw ${seen > 0}`,
    intervalMs: 1,
  });
  await expect(waiting).rejects.toThrow('waited 20 ms for three users, saw true');
});

test('an error of the look is "not yet", the last one becomes the cause', async () => {
  let looks = 0;
  const look = (): boolean => {
    looks++;
    if (looks < 3) throw new Error('connection refused');
    return true;
  };
  expect(await until(look, { deadlineMs: 1_000, what: 'x', intervalMs: 1 })).toBe(true);

  const never = until(() => Promise.reject(new Error('still refused')), {
    deadlineMs: 10,
    what: 'an answer',
    intervalMs: 1,
  });
  await expect(never).rejects.toMatchObject({
    message: 'waited 10 ms for an answer; last: still refused',
    cause: { message: 'still refused' },
  });
});

test('a look that hangs does not hang the waiting', async () => {
  const hanging = until(() => new Promise<boolean>(() => {}), { deadlineMs: 30, what: 'an answer' });
  await expect(hanging).rejects.toThrow('waited 30 ms for an answer; last: the look itself did not come back');
});
