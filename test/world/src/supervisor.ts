import { setTimeout as delay } from 'node:timers/promises';
import { startService, type ServiceHandle } from '@orgstream/testkit';

export interface ServiceSpec {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
}

export interface SupervisorEvent {
  readonly name: string;
  readonly event: 'died' | 'restarted';
}

/** Keeps services running: one that dies is started again on the same port, until the supervisor is disposed. */
export interface Supervisor extends AsyncDisposable {
  /** Pids of the running processes by service; empty while one is being restarted. */
  pids(): Readonly<Record<string, readonly number[]>>;
  opsUrls(): Readonly<Record<string, readonly string[]>>;
  /** The running process of a service; undefined while it is being restarted. */
  handle(name: string): ServiceHandle | undefined;
  /** Stops a service, which then stays down until it is resumed. */
  pause(name: string): Promise<void>;
  resume(name: string): Promise<void>;
}

/** Time between the death of a service and its restart: a crash loop must not eat the machine. */
const RESTART_MS = 300;

/** Starts all services at once and waits until each is ready. `onChange` is told of every death and restart. */
export async function supervise(
  specs: readonly ServiceSpec[],
  onChange: (event: SupervisorEvent) => void,
): Promise<Supervisor> {
  const kept = new Map(specs.map((spec) => [spec.name, new KeptService(spec, onChange)]));
  const all = [...kept.values()];
  const started = await Promise.allSettled(all.map((service) => service.start()));
  const failed = started.find((result) => result.status === 'rejected');
  if (failed) {
    // Nobody else would stop the others: they would keep this process, and with it the run, alive.
    await Promise.all(all.map((service) => service.stop()));
    throw failed.reason;
  }
  return {
    pids: () => Object.fromEntries(all.map(({ name, handle }) => [name, handle ? [handle.pid] : []])),
    opsUrls: () => Object.fromEntries(all.map(({ name, opsUrl }) => [name, opsUrl ? [opsUrl] : []])),
    handle: (name) => kept.get(name)?.handle,
    pause: async (name) => kept.get(name)?.stop(),
    resume: async (name) => kept.get(name)?.start(),
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((service) => service.stop()));
    },
  };
}

/** *wanted* and running, *wanted* and being restarted after `RESTART_MS`, or stopped. */
class KeptService {
  readonly name: string;
  handle: ServiceHandle | undefined;
  opsUrl: string | undefined;
  readonly #spec: ServiceSpec;
  readonly #onChange: (event: SupervisorEvent) => void;
  #wanted = false;
  #keeping: Promise<void> = Promise.resolve();

  constructor(spec: ServiceSpec, onChange: (event: SupervisorEvent) => void) {
    this.name = spec.name;
    this.#spec = spec;
    this.#onChange = onChange;
  }

  async start(): Promise<void> {
    if (this.#wanted) return;
    this.#wanted = true;
    await this.#launch();
    this.#keeping = this.#keep();
  }

  async stop(): Promise<void> {
    this.#wanted = false;
    await this.handle?.stop();
    await this.#keeping;
    await this.handle?.stop();
    this.handle = undefined;
  }

  async #launch(): Promise<void> {
    const { name, env, logFile } = this.#spec;
    const port = this.opsUrl === undefined ? {} : { OPS_PORT: new URL(this.opsUrl).port };
    this.handle = await startService({ name, env: { ...env, ...port }, logFile, readyMs: 60_000 });
    this.opsUrl = this.handle.opsUrl;
  }

  async #keep(): Promise<void> {
    while (this.#wanted) {
      await this.handle?.exited;
      this.handle = undefined;
      if (!this.#wanted) return;
      this.#onChange({ name: this.name, event: 'died' });
      while (this.#wanted && !this.handle) {
        await delay(RESTART_MS);
        // A start that does not get ready (Kafka is down, say) is tried again: services stop rather than wait blindly.
        await this.#launch().catch(() => {});
      }
      if (this.handle) this.#onChange({ name: this.name, event: 'restarted' });
    }
  }
}
