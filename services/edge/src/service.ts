import { checkDatabase, createDatabase } from '@orgstream/database';
import { createSecretBox, runTogether, startHttpServer, type Service, type ServiceContext } from '@orgstream/runtime';
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
export async function createService(context: ServiceContext<Config>): Promise<EdgeService> {
  const { config, log, signal, registry } = context;
  await using resources = new AsyncDisposableStack();
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
  log.info({ url }, 'edge listens');
  const owned = resources.move();
  return {
    url,
    health: { live: () => true, ready: () => server.listening && !signal.aborted },
    run: () => runTogether(signal, [(own) => login.run(own), (own) => intake.run(own), (own) => forget.run(own)]),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
