import { setTimeout as delay } from 'node:timers/promises';
import { startService, type ServiceHandle } from '@orgstream/testkit';

interface Spec {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/** Keeps services running: one that dies is started again on the same port, until the supervisor is disposed. */
export interface Supervisor extends AsyncDisposable {
  /** Pids of the running processes by service; empty while one is being restarted. */
  pids(): Readonly<Record<string, readonly number[]>>;
  opsUrls(): Readonly<Record<string, readonly string[]>>;
  /** The running process of a service; undefined while it is being restarted. */
  handle(name: string): ServiceHandle | undefined;
}

/** Time between the death of a service and its restart: a crash loop must not eat the machine. */
const RESTART_MS = 300;

/** Starts all services at once and waits until each is ready. `onChange` is told of every death and restart. */
export async function supervise(
  specs: readonly Spec[],
  onChange: (event: { readonly name: string; readonly event: 'died' | 'restarted' }) => void,
): Promise<Supervisor> {
  const running = new Map<string, ServiceHandle>();
  const opsUrls = new Map<string, string>();
  let stopping = false;
  const loops: Promise<void>[] = [];

  const start = async (spec: Spec): Promise<ServiceHandle> => {
    const port = opsUrls.has(spec.name) ? { OPS_PORT: new URL(opsUrls.get(spec.name)!).port } : {};
    const handle = await startService({
      name: spec.name,
      env: { ...spec.env, ...port },
      logFile: spec.logFile,
      readyMs: 60_000,
    });
    opsUrls.set(spec.name, handle.opsUrl);
    running.set(spec.name, handle);
    return handle;
  };
  const keepRunning = async (spec: Spec, first: ServiceHandle): Promise<void> => {
    let handle: ServiceHandle | undefined = first;
    while (!stopping) {
      if (handle) {
        await handle.exited;
        running.delete(spec.name);
        if (stopping) return;
        onChange({ name: spec.name, event: 'died' });
      }
      await delay(RESTART_MS);
      // A start that does not get ready (Kafka is down, say) is tried again: the services stop rather than wait blindly.
      handle = stopping ? undefined : await start(spec).catch(() => undefined);
      if (handle) onChange({ name: spec.name, event: 'restarted' });
    }
    await handle?.stop();
  };

  const first = await Promise.all(specs.map(start));
  specs.forEach((spec, i) => loops.push(keepRunning(spec, first[i]!)));
  return {
    pids: () => Object.fromEntries(specs.map(({ name }) => [name, running.has(name) ? [running.get(name)!.pid] : []])),
    opsUrls: () => Object.fromEntries([...opsUrls].map(([name, url]) => [name, [url]])),
    handle: (name) => running.get(name),
    async [Symbol.asyncDispose]() {
      stopping = true;
      await Promise.all([...running.values()].map((handle) => handle.stop()));
      await Promise.all(loops);
    },
  };
}
