/** A token, and when to have the next one. */
export interface Token {
  readonly accessToken: string;
  /** Milliseconds on the client's clock: from then on it is replaced before it is used. */
  readonly renewAtMs: number;
}

/**
 * The token of one set of credentials. Calls that need one at the same time share one token call; a token is replaced
 * only by who saw *it* refused, so that a hundred 401s at once cost one renewal.
 */
export class Session<T extends Token> {
  readonly #fetchToken: (held: T | null) => Promise<T>;
  readonly #now: () => number;
  #token: T | null = null;
  #pending: Promise<T> | null = null;

  /** `fetchToken` gets the token that is about to be replaced because of its age. */
  constructor(fetchToken: (held: T | null) => Promise<T>, now: () => number) {
    this.#fetchToken = fetchToken;
    this.#now = now;
  }

  async token(): Promise<string> {
    if (this.#token !== null && this.#now() < this.#token.renewAtMs) return this.#token.accessToken;
    return (await this.renew()).accessToken;
  }

  /** `refused` was answered 401: forget it, unless it has been replaced meanwhile. */
  forget(refused: string): void {
    if (this.#token?.accessToken === refused) this.#token = null;
  }

  renew(): Promise<T> {
    this.#pending ??= this.#replace().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  /** Like `renew`, but with nothing of what is held: what a token call under way shows is not proof enough. */
  async begin(): Promise<T> {
    await this.#pending?.catch(() => undefined);
    this.#token = null;
    return this.renew();
  }

  async #replace(): Promise<T> {
    this.#token = await this.#fetchToken(this.#token);
    return this.#token;
  }
}
