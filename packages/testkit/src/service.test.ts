import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from './ports.ts';
import { startService } from './service.ts';

const service = { name: 'small', main: 'packages/testkit/src/fixtures/small-service.ts' };

test('is there once it is ready, tells its metrics, and stops when asked', async () => {
  await using running = await startService({ ...service, env: {} });
  expect(await running.isReady()).toBe(true);
  expect(await running.metrics()).toBe('orgstream_up 1\n');
  expect(running.output()).toContain('listening');
  expect(await running.stop()).toEqual({ code: 0, signal: null });
  await expect(running.isReady()).rejects.toThrow('fetch failed');
});

test('one that ends instead is an error with its last words', async () => {
  await expect(startService({ ...service, env: { MODE: 'broken' } })).rejects.toMatchObject({
    code: 'STACK_UNAVAILABLE',
    message: 'starting small: it ended with code 2\nKAFKA_BROKERS: is missing',
  });
});

test('one that does not get ready in time is an error, and does not stay', async () => {
  const port = await freePort();
  const env = { MODE: 'never', OPS_PORT: String(port) };
  await expect(startService({ ...service, env, readyMs: 1_000 })).rejects.toMatchObject({
    code: 'STACK_UNAVAILABLE',
    message: expect.stringContaining('no answer in 1000 ms'),
  });
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
});

test('can be started without waiting', async () => {
  await using running = await startService({ ...service, env: { MODE: 'never' }, readyMs: false });
  expect(running.running).toBe(true);
});
