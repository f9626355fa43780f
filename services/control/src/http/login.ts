import { AppError } from '@orgstream/core';
import { useToken, type Knex } from '@orgstream/database';
import type { Request } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Metrics } from '../metrics.ts';
import { toCaller, type Caller } from './request.ts';

export type Login = (request: Request) => Promise<Caller>;

/**
 * Bearer tokens. An address that was refused too often is refused everything until its minute is over, good tokens too:
 * otherwise it could go on guessing and see when it is right.
 */
export function createLogin(options: {
  readonly db: Knex;
  readonly metrics: Metrics;
  readonly refusedPerMinute: number;
}): Login {
  const limiter = new RateLimiterMemory({ points: options.refusedPerMinute, duration: 60 });
  return async (request) => {
    const address = request.ip ?? 'unknown';
    const seen = await limiter.get(address);
    if (seen !== null && seen.remainingPoints <= 0) throw blocked(seen.msBeforeNext);
    const secret = /^Bearer +(ost_[A-Za-z0-9_-]{43}) *$/i.exec(request.headers.authorization ?? '')?.[1];
    const token = secret === undefined ? undefined : await useToken(options.db, secret);
    if (token) return toCaller(token);
    options.metrics.loginRefused();
    await limiter.consume(address).catch((error: unknown) => {
      throw error instanceof RateLimiterRes ? blocked(error.msBeforeNext) : error;
    });
    throw new AppError('TOKEN_REFUSED', 'logging in: the token is missing, unknown, expired or revoked');
  };
}

function blocked(waitMs: number): AppError {
  return new AppError('TOO_MANY_REQUESTS', 'logging in: refused too often from this address', { waitMs });
}
