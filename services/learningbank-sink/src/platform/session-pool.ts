import { AppError, isAppError } from '@orgstream/core';
import type { CallResult, TokenBucket } from '@orgstream/clients';
import { errorFacts, type Knex, type Lease } from '@orgstream/database';
import type { Logger, SecretBox } from '@orgstream/runtime';
import type { Catalogue } from '../model.ts';
import { type Integration, reportState } from '../reconcile/integration-store.ts';
import { readCatalogue } from './catalogue.ts';
import { writeBreaker } from './lease-store.ts';
import { readCredentials, resolvePlatform } from './login.ts';
import { openSession, type PlatformSession } from './platform-session.ts';

/** Time after which a way that could not be opened is tried again. */
const reopenMs = 5_000;
/** Refused credentials are tried again more and more rarely: platforms lock users out who try too often. */
const refusedCapMs = 300_000;

/** A way to the platform with what is known through it. */
export interface Way {
  readonly session: PlatformSession;
  readonly catalogue: Catalogue;
  /** Whom we log in as: that user is protected. */
  readonly username: string;
}

interface Entry {
  readonly generation: number;
  way?: Way;
  opening: boolean;
  refreshing: boolean;
  readAt: number;
  retryAt: number;
  /** Logins refused in a row, under this generation. */
  refusals: number;
}

interface SessionPoolOptions {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly lease: Lease;
  readonly bucket: TokenBucket;
  readonly callTimeoutMs: number;
  readonly catalogueMs: number;
  readonly clock: () => number;
  readonly signal: AbortSignal;
  readonly onCall: (call: CallResult) => void;
  /** Something changed that the loop should look at. */
  readonly onChange: () => void;
}

/**
 * The sessions of one owned platform, one per integration and generation. Nothing here is waited for by the loop: what
 * is not there yet is opened, refreshed and probed beside it.
 */
export class SessionPool {
  readonly #options: SessionPoolOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #probing = new Set<string>();

  constructor(options: SessionPoolOptions) {
    this.#options = options;
  }

  /** States of the breakers, for metrics. */
  breakers(): readonly ('closed' | 'open' | 'half_open')[] {
    return [...this.#entries.values()].flatMap(({ way }) => (way ? [way.session.breaker.state] : []));
  }

  /** The way of an integration if it is open and works; else undefined, and it is seen to. */
  ready(integration: Integration): Way | undefined {
    let entry = this.#entries.get(integration.id);
    if (entry?.generation !== integration.generation) {
      entry = {
        generation: integration.generation,
        opening: false,
        refreshing: false,
        readAt: 0,
        retryAt: 0,
        refusals: 0,
      };
      this.#entries.set(integration.id, entry);
    }
    const now = this.#options.clock();
    if (!entry.way) {
      if (!entry.opening && now >= entry.retryAt) void this.#open(integration, entry);
      return undefined;
    }
    const { session } = entry.way;
    if (session.breaker.state !== 'closed') {
      void this.#probe(session);
      return undefined;
    }
    if (now - entry.readAt > this.#options.catalogueMs && !entry.refreshing) void this.#refresh(entry, entry.way);
    return entry.way;
  }

  /** Reads the catalogue anew, now: something of it was made by somebody else. The way with it, if there still is one. */
  async refresh(integrationId: string): Promise<Way | undefined> {
    const entry = this.#entries.get(integrationId);
    if (entry?.way) await this.#refresh(entry, entry.way);
    return entry?.way;
  }

  /** Adds a job profile that was just made; the way with it, if there still is one. */
  learnJobProfile(integrationId: string, name: string, id: number): Way | undefined {
    const entry = this.#entries.get(integrationId);
    if (!entry?.way) return undefined;
    const { catalogue } = entry.way;
    const jobProfiles = new Map([...catalogue.jobProfiles, [name, id]]);
    entry.way = { ...entry.way, catalogue: { ...catalogue, jobProfiles } };
    return entry.way;
  }

  /** Forgets ways of integrations that are gone. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#entries.keys()) if (!ids.has(id)) this.#entries.delete(id);
  }

  async #open(integration: Integration, entry: Entry): Promise<void> {
    const { log, clock } = this.#options;
    entry.opening = true;
    try {
      const connected = await this.#connect(integration);
      entry.way = { ...connected, catalogue: await readCatalogue(connected.session) };
      entry.readAt = clock();
      await this.#report(integration, null);
    } catch (error) {
      entry.refusals = isAppError(error, 'TARGET_AUTH_FAILED') ? entry.refusals + 1 : 0;
      const pauseMs = Math.min(refusedCapMs, reopenMs * 2 ** Math.max(0, entry.refusals - 1));
      entry.retryAt = clock() + Math.max(pauseMs, isAppError(error) ? (error.waitMs ?? 0) : 0);
      log.warn({ ...errorFacts(error), integration: integration.id }, 'no way to the platform');
      await this.#report(integration, error).catch(() => {});
    } finally {
      entry.opening = false;
      this.#options.onChange();
    }
  }

  async #connect(integration: Integration): Promise<Pick<Way, 'session' | 'username'>> {
    const { db, secrets, lease, bucket, signal, callTimeoutMs, onCall } = this.#options;
    const credentials = await readCredentials(db, secrets, integration.secretId);
    const { platformUrl: baseUrl } = integration;
    const platform = await resolvePlatform({ baseUrl, credentials, timeoutMs: callTimeoutMs, onCall });
    if (platform !== lease.key) {
      throw new AppError('TARGET_AUTH_FAILED', 'the credentials belong to another platform than the links', {
        platform,
      });
    }
    const session = openSession({
      integrationId: integration.id,
      baseUrl,
      credentials,
      callTimeoutMs,
      bucket,
      lease,
      signal,
      onCall,
      onBreaker: (state, reason) => void this.#onBreaker(integration, state, reason),
    });
    return { session, username: credentials.username };
  }

  async #refresh(entry: Entry, way: Way): Promise<void> {
    entry.refreshing = true;
    try {
      const catalogue = await readCatalogue(way.session);
      if (entry.way === way) entry.way = { ...way, catalogue };
    } catch (error) {
      this.#options.log.debug(errorFacts(error), 'catalogue not refreshed');
    } finally {
      entry.readAt = this.#options.clock();
      entry.refreshing = false;
    }
  }

  async #probe(session: PlatformSession): Promise<void> {
    if (session.breaker.waitMs > 0 || this.#probing.has(session.integrationId)) return;
    this.#probing.add(session.integrationId);
    try {
      if (await session.probe()) this.#options.onChange();
    } finally {
      this.#probing.delete(session.integrationId);
    }
  }

  async #onBreaker(integration: Integration, state: 'closed' | 'open' | 'half_open', reason: string): Promise<void> {
    const { db, lease, log, onChange } = this.#options;
    if (state === 'open') log.warn({ integration: integration.id, code: reason }, 'platform pauses');
    if (state === 'closed') log.info({ integration: integration.id }, 'platform resumes');
    const states = new Set(this.breakers());
    const breaker = states.has('open') ? 'open' : states.has('half_open') ? 'half_open' : 'closed';
    try {
      await writeBreaker(db, {
        id: lease.key,
        token: lease.token,
        breaker,
        code: breaker === 'closed' ? null : reason,
      });
      if (state !== 'half_open') {
        await this.#report(integration, state === 'open' ? new AppError('PLATFORM_PAUSED', reason, { reason }) : null);
      }
    } catch (error) {
      log.warn(errorFacts(error), 'breaker not recorded');
    }
    onChange();
  }

  async #report(integration: Integration, error: unknown): Promise<void> {
    const { db } = this.#options;
    const { id, generation } = integration;
    const code = error === null ? null : codeOf(error);
    const message = error === null ? null : messageOf(error);
    await reportState(db, { id, generation, code, message, retryMs: 0 });
  }
}

function codeOf(error: unknown): string {
  if (!isAppError(error)) return 'UNEXPECTED';
  const { reason } = error.data;
  return error.code === 'PLATFORM_PAUSED' && typeof reason === 'string' && reason !== '' ? reason : error.code;
}

function messageOf(error: unknown): string {
  return isAppError(error) ? error.message : 'see the log';
}
