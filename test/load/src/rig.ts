import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKafka, type Admin } from '@orgstream/kafka';
import { startWorld, type StackFile, type World, type WorldOptions } from '@orgstream/world';
import pg from 'pg';

/** A world for one benchmark, with the hands it needs. */
export interface Rig extends AsyncDisposable {
  readonly world: World;
  readonly file: StackFile;
  readonly ziik: pg.Pool;
  readonly database: pg.Pool;
  readonly admin: Admin;
  /** Records written to a topic so far, over all partitions. */
  written(topic: string): Promise<number>;
}

/** Starts a world of its own. `services` narrows it: only those run. */
export async function startRig(options: Partial<Pick<WorldOptions, 'env' | 'services'>> = {}): Promise<Rig> {
  const resources = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'orgstream-bench-'));
  const say = (line: string): void => console.error(line);
  const world = resources.use(await startWorld({ directory, say, rateLimitPerMinute: 0, ...options }));
  const file = world.file();
  const ziik = new pg.Pool({ connectionString: file.ziikPostgresUrl, max: 8 });
  resources.defer(() => ziik.end());
  const database = new pg.Pool({ connectionString: file.postgresUrl, max: 2 });
  resources.defer(() => database.end());
  const kafka = createKafka({ brokers: file.kafkaBrokers.split(','), clientId: 'orgstream-bench' });
  const admin = resources.use(await kafka.createAdmin());
  return {
    world,
    file,
    ziik,
    database,
    admin,
    written: async (topic) => (await admin.offsets(topic)).reduce((sum, p) => sum + p.high, 0),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
