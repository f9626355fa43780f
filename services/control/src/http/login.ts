import { createHash } from 'node:crypto';
import { AppError } from '@orgstream/core';
import { useToken, type Knex } from '@orgstream/database';
import type { Request } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Metrics } from '../metrics.ts';
import { toCaller, type Caller } from './request.ts';

export interface Login {
  /** Who asks, by the bearer token. */
  enter(request: Request): Promise<Caller>;
  /** 429 for an address that was refused too often: it may not try to sign in. */
  knock(request: Request): Promise<void>;
  /** Somebody at this address was refused a session. */
  refused(request: Request): Promise<void>;
}

/** Tokens that were accepted, at most so many, are remembered as known. */
const MAX_KNOWN = 10_000;

/**
 * Bearer tokens. From an address that was refused too often, only tokens that have been accepted before are looked at until
 * its minute is over: guessing ends, and nobody is locked out by a neighbour with an old token.
 */
export function createLogin(options: {
  readonly db: Knex;
  readonly metrics: Metrics;
  readonly refusedPerMinute: number;
}): Login {
  const limiter = new RateLimiterMemory({ points: options.refusedPerMinute, duration: 60 });
  const known = new Set<string>();
  const addressOf = (request: Request): string => request.ip ?? 'unknown';
  const look = async (request: Request, hash: string): Promise<void> => {
    const seen = await limiter.get(addressOf(request));
    if (seen !== null && seen.remainingPoints <= 0 && !known.has(hash)) throw blocked(seen.msBeforeNext);
  };
  const refuse = async (request: Request): Promise<void> => {
    options.metrics.loginRefused();
    await limiter.consume(addressOf(request)).catch((error: unknown) => {
      throw error instanceof RateLimiterRes ? blocked(error.msBeforeNext) : error;
    });
  };
  return {
    async enter(request) {
      const secret = /^Bearer +(ost_[A-Za-z0-9_-]{43}) *$/i.exec(request.headers.authorization ?? '')?.[1];
      const hash = secret === undefined ? '' : createHash('sha256').update(secret).digest('base64');
      await look(request, hash);
      const token = secret === undefined ? undefined : await useToken(options.db, secret);
      if (token) {
        if (known.size >= MAX_KNOWN) known.clear();
        known.add(hash);
        return toCaller(token);
      }
      await refuse(request);
      throw new AppError('TOKEN_REFUSED', 'logging in: the token is missing, unknown, expired or revoked');
    },
    knock: (request) => look(request, ''),
    refused: refuse,
  };
}

function blocked(waitMs: number): AppError {
  return new AppError('TOO_MANY_REQUESTS', 'logging in: refused too often from this address', { waitMs });
}
