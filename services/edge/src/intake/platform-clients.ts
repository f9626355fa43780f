import {
  createLearningbankClient,
  type Credentials,
  type LearningbankClient,
  parseCredentials,
  TokenBucket,
} from '@orgstream/clients';
import { type Knex, openSecret } from '@orgstream/database';
import type { SecretBox } from '@orgstream/runtime';
import type { IntakeChannel } from './intake-store.ts';

interface Options {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly callTimeoutMs: number;
  /** Per integration: a part of the platform's rate that polls and types may use. */
  readonly callsPerMinute: number;
}

/** Clients for polls and types, one per integration and set of credentials, each with its own small rate. */
export class PlatformClients {
  readonly #options: Options;
  readonly #clients = new Map<string, { readonly key: string; readonly client: LearningbankClient }>();

  constructor(options: Options) {
    this.#options = options;
  }

  async of({ integration, platformUrl, secretId }: IntakeChannel): Promise<LearningbankClient> {
    const key = `${platformUrl} ${secretId}`;
    const known = this.#clients.get(integration);
    if (known?.key === key) return known.client;
    const { db, secrets } = this.#options;
    const client = this.#make(platformUrl, parseCredentials(await openSecret(db, secrets, secretId)));
    this.#clients.set(integration, { key, client });
    return client;
  }

  /** Forgets clients of channels that are gone. */
  keep(integrations: ReadonlySet<string>): void {
    for (const id of this.#clients.keys()) if (!integrations.has(id)) this.#clients.delete(id);
  }

  #make(baseUrl: string, credentials: Credentials): LearningbankClient {
    const perS = this.#options.callsPerMinute / 60;
    // Who is refused is left alone between turns; within a turn a place is kept, of which there are few for all tenants.
    const bucket = new TokenBucket({ ratePerS: perS, minPerS: perS / 4, maxPerS: perS, burst: 5 });
    return createLearningbankClient({
      baseUrl,
      credentials,
      timeoutMs: this.#options.callTimeoutMs,
      beforeCall: (_call, signal) => bucket.take(signal),
      onCall: ({ status, code }) => {
        if (code === undefined) bucket.succeeded();
        else if (status === 429) bucket.refused();
      },
    });
  }
}
