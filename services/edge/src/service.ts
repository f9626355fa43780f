import { checkDatabase, createDatabase } from '@orgstream/database';
import {
  createSecretBox,
  runTogether,
  startHttpServer,
  startOpsServer,
  type Logger,
  type Service,
} from '@orgstream/runtime';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import type { Deps } from './deps.ts';
import { createForget } from './forget.ts';
import { createIntake } from './intake/intake.ts';
import { createLogin } from './login/login.ts';
import { createMetrics } from './metrics.ts';

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
  const server = resources.use(
    await startHttpServer(app, {
      host: config.EDGE_HOST,
      port: config.EDGE_PORT,
      server: { maxHeaderSize: 32_768 },
    }),
  );
  const { url } = server;
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
