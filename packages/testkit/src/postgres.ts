import { join } from 'node:path';
import { PostgresNode } from './embedded/postgres-node.ts';
import { ready } from './embedded/ready.ts';
import { freePort } from './ports.ts';
import { tempFolder } from './temp-folder.ts';

/** A PostgreSQL server of a test's own, for what must not happen to the shared one. Disposing removes it. */
export interface OwnPostgres extends AsyncDisposable {
  /** A superuser in the maintenance database. */
  readonly url: string;
  /** Immediate shutdown, as after a crash. */
  stop(): Promise<void>;
  /** Again on the same port and data. */
  start(): Promise<void>;
}

/** Starts an embedded PostgreSQL alone, in about a second; `settings` win over those of the stack. */
export async function startOwnPostgres(settings: Readonly<Record<string, string>> = {}): Promise<OwnPostgres> {
  const resources = new AsyncDisposableStack();
  const folder = resources.use(await tempFolder('orgstream-postgres-'));
  const node = await PostgresNode.create({ folder: join(folder.path, 'postgres'), port: await freePort(), settings });
  const start = async (): Promise<void> => {
    await ready(await node.start(), () => node.answers(), { deadlineMs: 30_000 });
  };
  resources.defer(() => node.kill());
  await start();
  return { url: node.url, start, stop: () => node.kill(), [Symbol.asyncDispose]: () => resources.disposeAsync() };
}
