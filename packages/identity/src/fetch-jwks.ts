import { AppError } from '@orgstream/core';

const timeoutMs = 2_000;
const maxBytes = 65_536;
const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Fetches a key set: over https (or from this machine), without redirects, small, and soon. Throws ISSUER_UNREACHABLE. */
export async function fetchJwks(url: string, fetcher: typeof fetch): Promise<unknown> {
  const from = URL.parse(url);
  if (!from || !(from.protocol === 'https:' || (from.protocol === 'http:' && loopback.has(from.hostname)))) {
    throw unreachable('address');
  }
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetcher(from, {
      signal,
      redirect: 'error',
      headers: { accept: 'application/jwk-set+json, application/json' },
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw unreachable('status');
    }
    return JSON.parse(await readText(response));
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof SyntaxError) throw unreachable('not_json');
    throw unreachable(signal.aborted ? 'timeout' : 'no_answer');
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > maxBytes) throw unreachable('too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The one failure of key sets; the foreign error is left out. */
export function unreachable(reason: string): AppError {
  return new AppError('ISSUER_UNREACHABLE', `fetching the keys of an issuer (${reason})`, { reason });
}
