import { errorFacts, type Knex } from '@orgstream/database';
import { type Logger, sleep } from '@orgstream/runtime';
import { type Integration, readIntegrations } from './integration-store.ts';

interface IntegrationsOptions {
  readonly db: Knex;
  readonly log: Logger;
  readonly pollMs: number;
  readonly onChange: () => void;
}

/** The sync integrations as last read; read again each `pollMs`, when notified, and when asked. */
export class Integrations {
  readonly #options: IntegrationsOptions;
  #all: readonly Integration[] = [];
  #seen = '';
  #reading: Promise<void> | undefined;
  #again = false;

  constructor(options: IntegrationsOptions) {
    this.#options = options;
  }

  /** True once they have been read. */
  get wasRead(): boolean {
    return this.#seen !== '';
  }

  get all(): readonly Integration[] {
    return this.#all;
  }

  ofPlatform(platform: string): readonly Integration[] {
    return this.#all.filter((integration) => integration.platform === platform);
  }

  /** Reads what is true now: a read that began before the call does not count. */
  refresh(): Promise<void> {
    if (!this.#reading) return (this.#reading = this.#read());
    this.#again = true;
    return this.#reading;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.refresh().catch((error: unknown) =>
        this.#options.log.warn(errorFacts(error), 'integrations not read'),
      );
      await sleep(this.#options.pollMs, signal);
    }
  }

  async #read(): Promise<void> {
    try {
      do {
        this.#again = false;
        this.#all = await readIntegrations(this.#options.db);
      } while (this.#again);
    } finally {
      this.#reading = undefined;
    }
    const seen = JSON.stringify(this.#all);
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#options.onChange();
  }
}
