import { errorFacts } from '@orgstream/database';
import { Bell } from '@orgstream/runtime';
import { takeOver } from '../ledger/claim-store.ts';
import { type ChannelContext, ChannelWorker, settleMs } from './channel-worker.ts';
import { type ChannelFacts, readChannels } from './channel-store.ts';

interface Served {
  readonly worker: ChannelWorker;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Works on one owned tenant: sees to its channels, each served for itself, so that none waits for another. */
export class TenantWorker {
  readonly bell = new Bell();
  readonly #context: ChannelContext;
  readonly #stop: AbortSignal;
  readonly #channels = new Map<string, Served>();

  constructor(context: ChannelContext, stop: AbortSignal) {
    this.#context = context;
    this.#stop = stop;
  }

  get tenant(): string {
    return this.#context.lease.key;
  }

  get integrations(): readonly string[] {
    return [...this.#channels.keys()];
  }

  channel(integration: string): ChannelWorker | undefined {
    return this.#channels.get(integration)?.worker;
  }

  /** There may be something to send. */
  wake(): void {
    for (const { worker } of this.#channels.values()) worker.bell.ring();
  }

  /** Runs until it is stopped or the lease is lost; resolves once nothing of the tenant is in flight. */
  async run(): Promise<void> {
    const { db, lease, settings, log } = this.#context;
    const left = await takeOver(db, { tenant: lease.key, token: lease.token, settleMs: settleMs(settings) });
    if (left > 0) log.info({ tenant: lease.key, notifications: left }, 'sends of a former owner are looked up');
    while (!this.#stop.aborted) {
      try {
        await this.#turn();
      } catch (error) {
        log.warn({ ...errorFacts(error), tenant: lease.key }, 'channels not read');
      }
      await this.bell.wait(settings.pollMs, this.#stop);
    }
    await Promise.all([...this.#channels.keys()].map((id) => this.#end(id)));
  }

  async #turn(): Promise<void> {
    const { db, lease } = this.#context;
    const channels = await readChannels(db, lease.key);
    const there = new Set(channels.map(({ integrationId }) => integrationId));
    for (const id of this.#channels.keys()) if (!there.has(id)) void this.#end(id);
    for (const facts of channels) {
      const served = this.#channels.get(facts.integrationId);
      if (served) served.worker.update(facts);
      else this.#begin(facts);
    }
  }

  #begin(facts: ChannelFacts): void {
    const stop = new AbortController();
    const worker = new ChannelWorker(this.#context, facts, AbortSignal.any([this.#stop, stop.signal]));
    this.#channels.set(facts.integrationId, { worker, stop, done: worker.run() });
  }

  async #end(integration: string): Promise<void> {
    const served = this.#channels.get(integration);
    served?.stop.abort();
    await served?.done;
    if (this.#channels.get(integration) === served) this.#channels.delete(integration);
  }
}
