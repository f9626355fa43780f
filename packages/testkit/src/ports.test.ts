import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, freePorts } from './ports.ts';
import { spawnProcess } from './process.ts';
import { until } from './until.ts';

test('a free port can be listened on, and lies below those of outgoing connections', async () => {
  const port = await freePort();
  expect(port).toBeLessThan(32_768);
  expect(port).toBeGreaterThan(1_023);
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  expect((server.address() as AddressInfo).port).toBe(port);
  await new Promise((resolve) => server.close(resolve));
});

test('several are different, also from those given before, and they never run out at a hundred', async () => {
  const before = await freePorts(20);
  expect(new Set([...before, ...(await freePorts(150))]).size).toBe(170);
});

test('processes that ask at the same time are given different ports, though nobody listens on them yet', async () => {
  const script = `
    const { freePorts } = await import(${JSON.stringify(join(import.meta.dirname, 'ports.ts'))});
    console.log(JSON.stringify(await freePorts(120)));
    setInterval(() => {}, 1_000);`;
  const spawn = () =>
    spawnProcess({ name: 'asker', command: process.execPath, args: ['--input-type=module', '-e', script] });
  await using askers = new AsyncDisposableStack();
  const all = (await Promise.all([spawn(), spawn(), spawn()])).map((child) => askers.use(child));
  const given = await Promise.all(
    all.map(async (child) => {
      const line = await until(() => /^\[.*\]$/mu.exec(child.output())?.[0], { deadlineMs: 20_000, what: 'its ports' });
      return JSON.parse(line) as number[];
    }),
  );
  expect(new Set([...given.flat(), ...(await freePorts(20))]).size).toBe(380);
});
