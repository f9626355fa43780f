import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Below the range from which systems give ports to outgoing connections (32768 on Linux): a broker that is killed must
 * find its port free again, and nobody else's connection sitting on it.
 */
const LOWEST = 15_000;
const HIGHEST = 31_999;

/**
 * A process hands out ports of its own block only, and listens on the block's first port for as long as it lives. Two
 * worlds that start at the same moment would otherwise, once in a hundred times, find the same port free: the service
 * that came second died, and its peer in the other world answered its /readyz.
 */
const BLOCK = 100;
let next = 0;
let end = 0;
let claiming: Promise<unknown> = Promise.resolve();

/** A port of 127.0.0.1 that nobody listens on now, that no other process of ours is given, and never given before. */
export async function freePort(): Promise<number> {
  const claimed = claiming.then(claim);
  claiming = claimed.catch(() => {});
  return claimed;
}

/** `count` different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, freePort));
}

async function claim(): Promise<number> {
  for (;;) {
    if (next >= end) await claimBlock();
    const port = next;
    next += 1;
    const server = await listen(port);
    if (!server) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

async function claimBlock(): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = LOWEST + BLOCK * randomInt(Math.floor((HIGHEST + 1 - LOWEST) / BLOCK));
    const guard = await listen(first);
    if (!guard) continue;
    guard.unref();
    next = first + 1;
    end = first + BLOCK;
    return;
  }
  throw new Error(`no free ports between ${LOWEST} and ${HIGHEST}`);
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}
