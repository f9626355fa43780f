import { createServer } from 'node:net';
import { randomInt } from 'node:crypto';

/**
 * Below the range from which systems give ports to outgoing connections (32768 on Linux): a broker that is killed must
 * find its port free again, and nobody else's connection sitting on it.
 */
const LOWEST = 15_000;
const HIGHEST = 31_999;

/** A port of 127.0.0.1 that nobody listens on now, away from those the system hands out by itself. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(LOWEST, HIGHEST + 1);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${LOWEST} and ${HIGHEST}`);
}

/** `count` different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
