import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.ts';
import { World } from './world.ts';

/** A running simulator. */
export interface Simulator extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly world: World;
  /** Connections open at the moment. */
  connections(): Promise<number>;
  close(): Promise<void>;
}

const longMs = 600_000;

/** Starts the simulator, by default on 127.0.0.1; port 0 = any free one. Connections are kept alive for ten minutes. */
export async function startSimulator(
  options: { host?: string; port?: number; random?: () => number } = {},
): Promise<Simulator> {
  const world = new World(options.random ? { random: options.random } : {});
  const server = createServer({ keepAlive: true, noDelay: true }, createApp(world));
  server.keepAliveTimeout = longMs;
  server.headersTimeout = longMs + 1_000;
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1', backlog: 1_024 }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const connections = () =>
    new Promise<number>((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
    });
  return { url: `http://127.0.0.1:${port}`, world, connections, close, [Symbol.asyncDispose]: close };
}
