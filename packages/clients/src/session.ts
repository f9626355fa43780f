import type { Token } from './learningbank-contract.ts';

/** Renewed this long before it expires, or a tenth of its life before, whichever is less. */
const marginMs = 60_000;

/**
 * The token of one set of credentials. Calls that need one at the same time share one token call; a token is replaced
 * only by who saw *it* refused, so that a hundred 401s at once cost one renewal.
 */
export class Session {
  readonly #fetchToken: () => Promise<Token>;
  readonly #now: () => number;
  #token: { value: string; renewAtMs: number } | null = null;
  #pending: Promise<Token> | null = null;

  constructor(fetchToken: () => Promise<Token>, now: () => number) {
    this.#fetchToken = fetchToken;
    this.#now = now;
  }

  async token(): Promise<string> {
    if (this.#token !== null && this.#now() < this.#token.renewAtMs) return this.#token.value;
    return (await this.renew()).accessToken;
  }

  /** `refused` was answered 401: forget it, unless it has been replaced meanwhile. */
  forget(refused: string): void {
    if (this.#token?.value === refused) this.#token = null;
  }

  renew(): Promise<Token> {
    this.#pending ??= this.#login().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  async #login(): Promise<Token> {
    const token = await this.#fetchToken();
    const lifeMs = token.expiresInS * 1_000;
    this.#token = { value: token.accessToken, renewAtMs: this.#now() + lifeMs - Math.min(marginMs, lifeMs / 10) };
    return token;
  }
}
