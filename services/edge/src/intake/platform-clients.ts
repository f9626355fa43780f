import { createLearningbankClient, type Credentials, type LearningbankClient, TokenBucket } from '@orgstream/clients';
import { AppError } from '@orgstream/core';
import { type Knex, readSecret } from '@orgstream/database';
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
    const client = this.#make(platformUrl, await this.#credentials(secretId));
    this.#clients.set(integration, { key, client });
    return client;
  }

  /** Forgets clients of channels that are gone. */
  keep(integrations: ReadonlySet<string>): void {
    for (const id of this.#clients.keys()) if (!integrations.has(id)) this.#clients.delete(id);
  }

  async #credentials(secretId: string): Promise<Credentials> {
    const secret = await readSecret(this.#options.db, secretId);
    if (secret === undefined) throw new AppError('SECRET_UNREADABLE', 'reading credentials: the secret is gone');
    try {
      return JSON.parse(this.#options.secrets.open(secret)) as Credentials;
    } catch (error) {
      // The parser's message would quote the secret.
      if (error instanceof SyntaxError) throw new AppError('SECRET_UNREADABLE', 'reading credentials: not JSON');
      throw error;
    }
  }

  #make(baseUrl: string, credentials: Credentials): LearningbankClient {
    const perS = this.#options.callsPerMinute / 60;
    const bucket = new TokenBucket({ ratePerS: perS, minPerS: perS / 60, maxPerS: perS, burst: 5 });
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
