import type { Knex, SealedSecret } from '@orgstream/database';
import type { SecretBox } from '@orgstream/runtime';
import { readHookChannel } from './channel-store.ts';

/** A channel as the hook needs it, its secrets opened. */
export interface OpenChannel {
  readonly tenant: string;
  readonly secret: string | undefined;
  readonly oldSecret: string | undefined;
}

export interface HookChannelsOptions {
  readonly db: Knex;
  readonly secrets: SecretBox;
  /** How long what was read is believed, default 1 s. */
  readonly rememberMs?: number;
  readonly clock?: () => number;
}

/** Integrations remembered at most: somebody may ask for any number that do not exist. */
const maxRemembered = 10_000;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Channels by integration, read once for those who ask at the same time and remembered for a moment, also that there is
 * none: a burst of notifications, or of guesses, must not be as many queries. A change is in force after that moment.
 */
export class HookChannels {
  readonly #remembered = new Map<
    string,
    { readonly untilMs: number; readonly read: Promise<OpenChannel | undefined> }
  >();
  readonly #options: HookChannelsOptions;

  constructor(options: HookChannelsOptions) {
    this.#options = options;
  }

  of(integration: string): Promise<OpenChannel | undefined> {
    if (!uuid.test(integration)) return Promise.resolve(undefined);
    const now = (this.#options.clock ?? (() => performance.now()))();
    const known = this.#remembered.get(integration);
    if (known !== undefined && known.untilMs > now) return known.read;
    const read = this.#read(integration);
    this.#forgetOldest(integration);
    this.#remembered.set(integration, { untilMs: now + (this.#options.rememberMs ?? 1_000), read });
    // A database that is away for a moment is asked again by the next one.
    read.catch(() => this.#remembered.delete(integration));
    return read;
  }

  async #read(integration: string): Promise<OpenChannel | undefined> {
    const channel = await readHookChannel(this.#options.db, integration);
    if (channel === undefined) return undefined;
    const open = (secret: SealedSecret | undefined): string | undefined => secret && this.#options.secrets.open(secret);
    return { tenant: channel.tenant, secret: open(channel.secret), oldSecret: open(channel.oldSecret) };
  }

  /** In the order of their reading: the first is the oldest. */
  #forgetOldest(integration: string): void {
    this.#remembered.delete(integration);
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size >= maxRemembered && !oldest.done) this.#remembered.delete(oldest.value);
  }
}
