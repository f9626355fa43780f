import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { freePort, freePorts } from './ports.ts';

test('a free port can be listened on, and lies below those of outgoing connections', async () => {
  const port = await freePort();
  expect(port).toBeLessThan(32_768);
  expect(port).toBeGreaterThan(1_023);
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  expect((server.address() as AddressInfo).port).toBe(port);
  await new Promise((resolve) => server.close(resolve));
});

test('several are different', async () => {
  expect(new Set(await freePorts(20)).size).toBe(20);
});
