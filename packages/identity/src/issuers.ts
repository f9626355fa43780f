import type { Knex } from '@orgstream/database';
import { fetchJwks, unreachable } from './fetch-jwks.ts';
import { readIssuer, type Issuer } from './issuer-store.ts';
import { readPublicKeys, type PublicKey } from './public-keys.ts';

/** Who may sign, and with which keys. */
export interface Issuers {
  /** undefined: nobody configured it. */
  find(iss: string): Promise<Issuer | undefined>;
  /**
   * Its keys, as last read. `again`: the one that is looked for is not among them; they are fetched again, but at most
   * every ten seconds, so that made-up key ids cost the issuer nothing. Throws ISSUER_UNREACHABLE.
   */
  keysOf(issuer: Issuer, again?: boolean): Promise<readonly PublicKey[]>;
}

export interface IssuersOptions {
  readonly db: Knex;
  readonly fetch?: typeof fetch;
  /** Milliseconds, monotonic. */
  readonly clock?: () => number;
}

/** Keys older than this are fetched again while the old ones go on working. */
const freshMs = 300_000;
/** Keys older than this work no longer: a key that was taken back must not sign for ever behind a dead address. */
const staleMs = 3_600_000;
const againMs = 10_000;
/** Without keys, an address that failed is asked again after this. */
const failedMs = 1_000;

interface Remote {
  readonly url: string;
  keys: readonly PublicKey[] | undefined;
  readAt: number;
  triedAt: number;
  /** When they were last fetched because a key was missing. */
  againAt: number;
  failure: Error | undefined;
  pending: Promise<readonly PublicKey[]> | undefined;
}

/** Issuers as control has them. Keys that are configured are read once, keys behind an address are cached. */
export function createIssuers({
  db,
  fetch: fetcher = fetch,
  clock = () => performance.now(),
}: IssuersOptions): Issuers {
  const remotes = new Map<string, Remote>();
  const configured = new Map<string, { readonly text: string; readonly keys: Promise<readonly PublicKey[]> }>();

  const load = (remote: Remote): Promise<readonly PublicKey[]> => {
    remote.triedAt = clock();
    remote.pending ??= fetchKeys(remote.url, fetcher)
      .then((keys) => {
        Object.assign(remote, { keys, readAt: clock(), failure: undefined });
        return keys;
      })
      .catch((error: unknown) => {
        remote.failure = error as Error;
        throw error;
      })
      .finally(() => {
        remote.pending = undefined;
      });
    return remote.pending;
  };

  const remoteOf = (iss: string, url: string): Remote => {
    let remote = remotes.get(iss);
    if (remote?.url !== url) {
      const never = Number.NEGATIVE_INFINITY;
      remote = {
        url,
        keys: undefined,
        readAt: never,
        triedAt: never,
        againAt: never,
        failure: undefined,
        pending: undefined,
      };
      remotes.set(iss, remote);
    }
    return remote;
  };

  const remoteKeys = async (remote: Remote, again: boolean): Promise<readonly PublicKey[]> => {
    const { keys, failure } = remote;
    const now = clock();
    const sinceTried = now - remote.triedAt;
    if (!keys || now - remote.readAt > staleMs) {
      if (failure && !remote.pending && sinceTried < failedMs) throw failure;
      return load(remote);
    }
    if (again) {
      if (remote.pending) return remote.pending;
      if (now - remote.againAt < againMs) return keys;
      remote.againAt = now;
      return load(remote);
    }
    if (now - remote.readAt > freshMs && sinceTried >= againMs) load(remote).catch(() => {});
    return keys;
  };

  const configuredKeys = (iss: string, jwks: unknown): Promise<readonly PublicKey[]> => {
    const text = JSON.stringify(jwks);
    const known = configured.get(iss);
    if (known?.text === text) return known.keys;
    const keys = readPublicKeys(jwks).then((read) => read ?? []);
    configured.set(iss, { text, keys });
    return keys;
  };

  return {
    find: (iss) => readIssuer(db, iss),
    keysOf: ({ iss, jwksUrl, jwks }, again = false) =>
      jwksUrl === null ? configuredKeys(iss, jwks) : remoteKeys(remoteOf(iss, jwksUrl), again),
  };
}

async function fetchKeys(url: string, fetcher: typeof fetch): Promise<readonly PublicKey[]> {
  const keys = await readPublicKeys(await fetchJwks(url, fetcher));
  if (!keys) throw unreachable('no_key_set');
  return keys;
}
