import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkDatabase, createDatabase } from '@orgstream/database';
import { createSecretBox, startOpsServer, type Logger, type Service } from '@orgstream/runtime';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import type { Deps } from './deps.ts';
import { createForget } from './forget.ts';
import { createIntake } from './intake/intake.ts';
import { createLogin } from './login/login.ts';
import { createMetrics } from './metrics.ts';

/** Answers under way get this long to finish when the service stops. */
const GRACE_MS = 5_000;

export interface EdgeService extends Service {
  /** Where it listens: the port that was chosen, when EDGE_PORT is 0. */
  readonly url: string;
}

/** Logins and shortcuts, and the intake of Learningbank's notifications. */
export async function createService(context: {
  readonly config: Config;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<EdgeService> {
  const { config, log, signal } = context;
  await using resources = new AsyncDisposableStack();
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const db = createDatabase(config.DATABASE_URL, { max: config.DATABASE_POOL, name: 'edge' });
  resources.defer(() => db.destroy());
  await checkDatabase(db);
  const deps: Deps = { config, db, log, registry, secrets: createSecretBox(config.ORGSTREAM_SECRET_KEY) };
  const login = createLogin(deps, createMetrics(registry));
  const intake = createIntake(deps);
  const forget = createForget({ db, log });
  const app = createApp({ log, trustProxy: config.EDGE_TRUST_PROXY, routers: [login.router, intake.router] });
  const server = createServer({ maxHeaderSize: 32_768 }, app);
  resources.defer(() => close(server));
  const url = await start(server, config);
  resources.use(
    await startOpsServer({
      host: config.OPS_HOST,
      port: config.OPS_PORT,
      registry,
      health: { live: () => true, ready: () => server.listening && !signal.aborted },
    }),
  );
  log.info({ url }, 'edge listens');
  const owned = resources.move();
  return {
    url,
    run: () => runTogether(signal, [(own) => login.run(own), (own) => intake.run(own), (own) => forget.run(own)]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Runs all until the signal aborts; when one ends, by itself or with an error, the others are stopped too. */
async function runTogether(
  signal: AbortSignal,
  parts: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const own = new AbortController();
  const both = AbortSignal.any([signal, own.signal]);
  const results = await Promise.allSettled(parts.map((part) => part(both).finally(() => own.abort())));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function start(server: Server, config: Config): Promise<string> {
  server.requestTimeout = 30_000;
  server.headersTimeout = 15_000;
  // Longer than proxies keep an idle connection: who closes first must not be us, as a request comes in.
  server.keepAliveTimeout = 75_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(config.EDGE_PORT, config.EDGE_HOST, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return `http://${config.EDGE_HOST}:${port}`;
}

async function close(server: Server): Promise<void> {
  const force = setTimeout(() => server.closeAllConnections(), GRACE_MS);
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
  });
  clearTimeout(force);
}
