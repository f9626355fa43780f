import { expect, test } from 'vitest';
import { createLimits } from './limits.ts';

const twoFrom = async (first: string, second: string): Promise<string> => {
  const limits = createLimits({ perAddress: 1, perPerson: 1 });
  await limits.countAddress(first);
  return limits.countAddress(second).then(
    () => 'apart',
    () => 'one',
  );
};

test.for([
  ['192.0.2.1', '192.0.2.2', 'apart'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.2', 'apart'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:ffff::1', 'one'],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', 'apart'],
  ['2001:db8::1:0:0:1', '2001:db8::ffff:0:0:1', 'one'],
  ['2001:db8::1', '2001:db8:0:1::1', 'apart'],
  ['::1', '::2', 'one'],
] as const)('%s and %s count as %s', async ([first, second, expected]) => {
  expect(await twoFrom(first, second)).toBe(expected);
});
