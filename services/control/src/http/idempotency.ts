import { createHash } from 'node:crypto';
import type { Route } from '@orgstream/control-api';
import { AppError } from '@orgstream/core';
import { releaseKey, reserveKey, storeAnswer, type Knex } from '@orgstream/database';
import type { SecretBox } from '@orgstream/runtime';
import type { Problem } from '@orgstream/control-api';
import type { Reply } from './request.ts';

/** A finished answer, as it is kept and given again. */
export type Finished = Reply | { readonly status: number; readonly problem: Problem };

interface Request {
  readonly key: string;
  readonly tokenId: string;
  /** Everything that makes it this request and no other. */
  readonly fingerprint: unknown;
}

/**
 * Makes a POST under an Idempotency-Key have its effect once: the same request again is given the same answer. Refusals
 * are kept too; what failed on our side, or is to be tried again, is not.
 */
export async function once(
  options: { readonly db: Knex; readonly secrets: SecretBox; readonly route: Route },
  request: Request,
  work: () => Promise<Finished>,
): Promise<{ readonly finished: Finished; readonly replayed: boolean }> {
  const { db } = options;
  const hash = createHash('sha256').update(JSON.stringify(request.fingerprint)).digest();
  const reserved = await reserveKey(db, { tokenId: request.tokenId, key: request.key, hash });
  if (reserved.state === 'done') {
    return { finished: unpack(options, reserved.response) as Finished, replayed: true };
  }
  if (reserved.state === 'other') {
    throw new AppError('IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key: it was used for another request', {
      field: 'Idempotency-Key',
    });
  }
  if (reserved.state === 'busy') {
    throw new AppError('REQUEST_UNDER_WAY', 'Idempotency-Key: the same request is under way', { waitMs: 1_000 });
  }
  let keep = false;
  try {
    const finished = await work();
    keep = finished.status < 500 && finished.status !== 429;
    if (keep) {
      const response = pack(options, finished);
      await storeAnswer(db, { tokenId: request.tokenId, key: request.key, status: finished.status, response });
    }
    return { finished, replayed: false };
  } finally {
    if (!keep) await releaseKey(db, request);
  }
}

type Packing = { readonly secrets: SecretBox; readonly route: Route };

/** An answer that holds a secret is kept sealed. */
function pack({ secrets, route }: Packing, finished: Finished): unknown {
  if (!route.secret) return finished;
  const { keyId, sealed } = secrets.seal(JSON.stringify(finished));
  return { keyId, sealed: sealed.toString('base64') };
}

function unpack({ secrets, route }: Packing, response: unknown): unknown {
  if (!route.secret) return response;
  const { keyId, sealed } = response as { readonly keyId: string; readonly sealed: string };
  return JSON.parse(secrets.open({ keyId, sealed: Buffer.from(sealed, 'base64') }));
}
