import { fetchJwks, unreachable } from './fetch-jwks.ts';
import { readPublicKeys } from './public-keys.ts';

/**
 * How many keys at an address can check a signature that we take: what a login would find there. Throws
 * ISSUER_UNREACHABLE, also when there is no key set.
 */
export async function countUsableKeys(url: string, fetcher: typeof fetch = fetch): Promise<number> {
  const keys = await readPublicKeys(await fetchJwks(url, fetcher));
  if (!keys) throw unreachable('no_key_set');
  return keys.length;
}
