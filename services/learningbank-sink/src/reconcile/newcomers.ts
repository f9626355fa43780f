import { isAppError } from '@orgstream/core';
import type { CallResult } from '@orgstream/clients';
import { errorFacts, type Knex } from '@orgstream/database';
import type { Logger, SecretBox } from '@orgstream/runtime';
import { readCredentials, resolvePlatform } from '../platform/login.ts';
import { type Integration, moveState, putPlatform, reportState } from './integration-store.ts';
import type { Integrations } from './integrations.ts';

/**
 * Time after which a login that failed is tried again; at once when an operator changes the integration. Refused credentials
 * are tried more and more rarely: platforms lock users out who try too often.
 */
const retryMs = 5_000;
const refusedCapMs = 300_000;

/**
 * Logs new integrations in, which names their platform: from there on the platform's owner sees to them. Any replica may
 * do it, twice does no harm.
 */
export class Newcomers {
  readonly #options: NewcomersOptions;
  readonly #busy = new Set<string>();
  /** Logins refused in a row, by integration and generation. */
  readonly #refusals = new Map<string, number>();

  constructor(options: NewcomersOptions) {
    this.#options = options;
  }

  /** Looks for new integrations; does not wait for their logins. */
  look(): void {
    for (const integration of this.#options.integrations.all) {
      const { id, state, enabled, due, generation, stateGeneration } = integration;
      if (state !== 'new' || !enabled || this.#busy.has(id)) continue;
      if (!due && generation === stateGeneration) continue;
      this.#busy.add(id);
      void this.#logIn(integration).finally(() => this.#busy.delete(id));
    }
  }

  async #logIn(integration: Integration): Promise<void> {
    const { db, secrets, log, callTimeoutMs, onCall, onMoved } = this.#options;
    const { id, platformUrl: baseUrl, generation } = integration;
    try {
      const credentials = await readCredentials(db, secrets, integration.secretId);
      const platform = await resolvePlatform({ baseUrl, credentials, timeoutMs: callTimeoutMs, onCall });
      await putPlatform(db, { id: platform, baseUrl });
      await moveState(db, integration, { state: 'waiting_for_snapshot', platform });
      log.info({ integration: id, tenant: integration.tenant, platform }, 'integration logged in');
      await this.#options.integrations.refresh();
      onMoved();
    } catch (error) {
      const code = isAppError(error) ? error.code : 'UNEXPECTED';
      const message = isAppError(error) ? error.message : 'see the log';
      log.warn({ ...errorFacts(error), integration: id }, 'integration cannot log in');
      const waitMs = code === 'TARGET_AUTH_FAILED' ? this.#refused(`${id}/${generation}`) : retryMs;
      await reportState(db, { id, generation, code, message, retryMs: waitMs }).catch(() => {});
    }
  }

  #refused(attempt: string): number {
    const refusals = (this.#refusals.get(attempt) ?? 0) + 1;
    this.#refusals.set(attempt, refusals);
    return Math.min(refusedCapMs, retryMs * 2 ** (refusals - 1));
  }
}

interface NewcomersOptions {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly integrations: Integrations;
  readonly callTimeoutMs: number;
  readonly onCall: (call: CallResult) => void;
  /** A platform may have become known. */
  readonly onMoved: () => void;
}
