import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseStack, useStack } from './shared-stack.ts';
import { tempFolder } from './temp-folder.ts';

const urls = { kafkaBrokers: 'b:1', registryUrl: 'http://r', postgresUrl: 'postgres://p' };

test('a stack is read from JSON in the environment', () => {
  expect(useStack({ ORGSTREAM_STACK: JSON.stringify({ kind: 'embedded', ...urls }) })).toEqual({
    kind: 'embedded',
    ...urls,
  });
});

test('a stack is read from the file the environment names; more fields do no harm', async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, 'stack.json');
  await writeFile(path, JSON.stringify({ ...urls, pids: {}, learningbankUrl: 'http://l' }));
  expect(useStack({ ORGSTREAM_STACK: path })).toEqual({ kind: 'external', ...urls });
});

test('without one the error says how to get one', () => {
  expect(() => useStack({})).toThrow(/\*\.pg\.test\.ts/);
});

test.each(Object.keys(urls))('a stack without %s is refused', (name) => {
  expect(() => parseStack(JSON.stringify({ ...urls, [name]: undefined }))).toThrow(`ORGSTREAM_STACK has no ${name}`);
});
