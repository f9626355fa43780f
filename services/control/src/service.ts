import {
  checkDatabase,
  createDatabase,
  forgetAnswers,
  forgetAudit,
  forgetCommands,
  forgetConversations,
  forgetHookSecrets,
  forgetSessions,
  listen,
} from '@orgstream/database';
import { createIssuers, forgetJtis } from '@orgstream/identity';
import { createKafka, brokersOf } from '@orgstream/kafka';
import { createSecretBox, startHttpServer, type Service, type ServiceContext } from '@orgstream/runtime';
import { createCommandWait } from './command-wait.ts';
import type { Config } from './config.ts';
import type { Deps } from './deps.ts';
import { createHandlers } from './handlers/handlers.ts';
import { createApp } from './http/app.ts';
import { createLogin } from './http/login.ts';
import { createMetrics } from './metrics.ts';
import { shareLooks } from './share-looks.ts';
import { readSourceLag } from './source-lag.ts';
import { createHub } from './stream/hub.ts';
import { createStreams } from './stream/stream.ts';
import { createTopicLagReader } from './topic-lag.ts';
import { createVendorCheck } from './vendor-hosts.ts';

/** Deadline of one call to a platform, when credentials are tested. */
const CALL_TIMEOUT_MS = 5_000;
/** Whoever asked has given up by then; without it a pool full of slow questions answers nobody. */
const STATEMENT_TIMEOUT_MS = 30_000;
const FORGET_MS = 3_600_000;
/** For so long the answer to a command can be asked for by its number. */
const COMMAND_DAYS = 30;

export interface ControlService extends Service {
  /** Where it listens: the port that was chosen, when CONTROL_PORT is 0. */
  readonly url: string;
}

/** The admin API: operators' side of the product. */
export async function createService(context: ServiceContext<Config>): Promise<ControlService> {
  const { config, log, signal, registry } = context;
  await using resources = new AsyncDisposableStack();
  const metrics = createMetrics(registry);
  const db = createDatabase(config.DATABASE_URL, {
    max: config.DATABASE_POOL,
    name: 'control',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  resources.defer(() => db.destroy());
  await checkDatabase(db);
  const commands = createCommandWait(db, config.CONTROL_WAIT_MS);
  const kafka = createKafka({ ...brokersOf(config), clientId: 'orgstream-control', log });
  const deps: Deps = {
    db,
    log,
    commands,
    issuers: createIssuers({ db }),
    audience: config.CONTROL_AUDIENCE,
    checkVendorUrl: createVendorCheck(config.CONTROL_VENDOR_HOSTS),
    secrets: createSecretBox(config.ORGSTREAM_SECRET_KEY),
    topicLag: resources.use(createTopicLagReader(kafka, db)),
    sourceLag: shareLooks(readSourceLag, ({ url, slot }) => `${slot} ${url}`),
    callTimeoutMs: CALL_TIMEOUT_MS,
  };
  const hub = createHub({ db, log });
  const streams = createStreams({
    deps,
    hub,
    metrics,
    max: config.CONTROL_STREAMS,
    keepAliveMs: config.CONTROL_KEEP_ALIVE_MS,
  });
  const app = createApp({
    deps,
    metrics,
    handlers: createHandlers(deps),
    login: createLogin({ db, metrics, refusedPerMinute: config.CONTROL_REFUSED_PER_MINUTE }),
    stream: streams.open,
    trustProxy: config.CONTROL_TRUST_PROXY,
  });
  const server = resources.use(await startHttpServer(app, { host: config.CONTROL_HOST, port: config.CONTROL_PORT }));
  // Before the server: it waits for answers under way, and a stream has no end of its own.
  resources.defer(() => streams.close());
  const { url } = server;
  log.info({ url }, 'admin API listens');
  const sweeper = setInterval(() => {
    const audit = (pool: typeof db) => forgetAudit(pool, config.CONTROL_AUDIT_DAYS);
    const ended = (pool: typeof db) => forgetCommands(pool, COMMAND_DAYS);
    const all = [forgetAnswers, forgetConversations, forgetHookSecrets, forgetSessions, forgetJtis, audit, ended];
    for (const forget of all) {
      forget(db).catch((err: unknown) => log.warn({ err }, 'what is old is not forgotten'));
    }
  }, FORGET_MS);
  resources.defer(() => clearInterval(sweeper));
  const owned = resources.move();
  return {
    url,
    health: { live: () => true, ready: () => server.listening && !signal.aborted },
    async run() {
      const wake = (channel: string): void => (channel === 'orgstream_command_done' ? commands.wake() : hub.wake());
      const channels = ['orgstream_command_done', 'orgstream_run', 'orgstream_integration', 'orgstream_notification'];
      const listening = {
        url: config.DATABASE_URL,
        name: 'orgstream-control-listen',
        channels,
        onNotify: wake,
        signal,
      };
      await Promise.all([listen(listening), hub.run(signal)]);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
