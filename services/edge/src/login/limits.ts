import { AppError } from '@orgstream/core';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { networkOf } from '../network-of.ts';
import type { Door } from './door-store.ts';

export interface Limits {
  /** Throws TOO_MANY_REQUESTS. */
  countAddress(address: string): Promise<void>;
  /** The visit was somebody's: it does not count against the address, behind which a whole Ziik or company may be. */
  forgiveAddress(address: string): Promise<void>;
  /** Throws TOO_MANY_REQUESTS. */
  countPerson(door: Door, person: string, kind: Kind): Promise<void>;
  /** False once too many were refused at this door within a minute who had no assertion to use up: they must not fill the table. */
  mayRecord(integration: string): boolean;
}

type Kind = 'login' | 'shortcuts';

/** A menu is drawn with every page: so many looks at it for one login. */
const looksPerLogin = 10;
/** Events of visits without a fresh assertion, a minute and integration. */
const strangers = 60;
const minute = 60;

/** What one address with strangers behind it, one person and strangers may ask for in a minute; each replica counts for itself. */
export function createLimits(options: { readonly perAddress: number; readonly perPerson: number }): Limits {
  const addresses = new RateLimiterMemory({ points: options.perAddress, duration: minute });
  const { perPerson } = options;
  const people: Readonly<Record<Kind, RateLimiterMemory>> = {
    login: new RateLimiterMemory({ points: perPerson, duration: minute }),
    shortcuts: new RateLimiterMemory({ points: perPerson * looksPerLogin, duration: minute }),
  };
  const doors = new Map<string, { readonly since: number; count: number }>();
  return {
    countAddress: (address) => count(addresses, networkOf(address)),
    forgiveAddress: async (address) => void (await addresses.reward(networkOf(address))),
    countPerson: (door, person, kind) => count(people[kind], `${door.id}/${person}`),
    mayRecord(integration) {
      const now = performance.now();
      let seen = doors.get(integration);
      if (!seen || now - seen.since > minute * 1_000) doors.set(integration, (seen = { since: now, count: 0 }));
      seen.count += 1;
      return seen.count <= strangers;
    },
  };
}

async function count(limiter: RateLimiterMemory, key: string): Promise<void> {
  await limiter.consume(key).catch((error: unknown) => {
    if (!(error instanceof RateLimiterRes)) throw error;
    throw new AppError('TOO_MANY_REQUESTS', 'visiting too often', { waitMs: error.msBeforeNext });
  });
}
