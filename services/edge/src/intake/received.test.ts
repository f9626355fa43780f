import type { Knex } from '@orgstream/database';
import { createLogger } from '@orgstream/runtime';
import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import { Received } from './received.ts';

const log = createLogger({ service: 'test', level: 'silent' });

test('a burst is one statement; what was not stored is tried with the next', async () => {
  let now = 0;
  const answers: (() => Promise<{ rows: unknown[] }>)[] = [
    async () => ({ rows: [] }),
    async () => Promise.reject(new Error('away')),
    async () => ({ rows: [1] }),
    async () => ({ rows: [1] }),
  ];
  let asked = 0;
  let ended = 0;
  const raw = async (): Promise<{ rows: unknown[] }> => {
    asked += 1;
    return answers[asked - 1]!().finally(() => (ended += 1));
  };
  const received = new Received({ db: { raw } as unknown as Knex, log, clock: () => now });
  const noted = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time += 1) received.note('a');
    await until(() => ended === asked, { deadlineMs: 5_000, what: 'the statement' });
    await Promise.resolve();
  };
  await noted(100);
  expect(asked).toBe(1);
  await noted(100);
  expect(asked).toBe(2);
  await noted(100);
  await noted(100);
  expect(asked).toBe(3);
  now += 5_000;
  await noted(1);
  expect(asked).toBe(4);
});
