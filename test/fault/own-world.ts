import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startOwnPostgres, startStack, until, type OwnPostgres, type Stack } from '@orgstream/testkit';
import { startWorld, type World } from '@orgstream/world';

/** A world whose parts may be broken. Scenes opened while it lives are in it. */
export interface OwnWorld extends AsyncDisposable {
  readonly world: World;
  readonly stack: Stack;
  /** Ziik's database server, apart from ours. */
  readonly source: OwnPostgres;
  /** SIGKILLs a service and waits until the supervisor has started another; knows of pauses, which the stack file does not. */
  kill(name: string): Promise<void>;
  /** What its services are called. */
  readonly services: readonly string[];
  /** Reads what a service has written to its log so far. */
  logOf(name: string): () => Promise<string>;
}

/** Short times, so that what waits for them does not take long here. */
const impatient = {
  KAFKA_SESSION_TIMEOUT_MS: '4000',
  LEASE_MS: '2000',
  CALL_TIMEOUT_MS: '2000',
  CDC_CHECK_MS: '300',
  CDC_RECHECK_MS: '500',
  CDC_HEARTBEAT_MS: '1000',
};

/** Starts stack, source and services of this file's own; `env` goes to every service. */
export async function startOwnWorld(env: Readonly<Record<string, string>> = {}): Promise<OwnWorld> {
  const resources = new AsyncDisposableStack();
  try {
    const directory = await mkdtemp(join(tmpdir(), 'orgstream-fault-'));
    if (process.env['KEEP_LOGS'] === undefined) {
      resources.defer(() => rm(directory, { recursive: true, force: true }));
    } else console.log(directory);
    const [stack, source] = await Promise.all([startStack({ say: () => {} }), startOwnPostgres()]);
    resources.use(stack);
    resources.use(source);
    const world = resources.use(
      await startWorld({
        directory,
        say: () => {},
        stack,
        ziikPostgresUrl: source.url,
        rateLimitPerMinute: 0,
        env: { ...impatient, ...env },
      }),
    );
    const before = process.env['ORGSTREAM_WORLD'];
    process.env['ORGSTREAM_WORLD'] = join(directory, 'stack.json');
    resources.defer(() => {
      if (before === undefined) delete process.env['ORGSTREAM_WORLD'];
      else process.env['ORGSTREAM_WORLD'] = before;
    });
    const kill = async (name: string): Promise<void> => {
      const killed = world.supervisor.handle(name);
      killed?.kill('SIGKILL');
      const restarted = (): boolean => ![undefined, killed].includes(world.supervisor.handle(name));
      await until(restarted, { deadlineMs: 60_000, what: `${name} to be restarted` });
    };
    const services = Object.keys(world.supervisor.pids());
    const logOf = (name: string) => () => readFile(join(directory, 'logs', `${name}.log`), 'utf8');
    return { world, stack, source, kill, services, logOf, [Symbol.asyncDispose]: () => resources.disposeAsync() };
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}
