import { isAppError } from '@orgstream/core';
import { exchange, type Settings } from '../http-exchange.ts';
import { Session } from '../session.ts';
import { answers, type TokenAnswer } from './ziik-contract.ts';
import { routes } from './ziik-routes.ts';
import type { ZiikCredentials } from './ziik.ts';

/** A token and when it dies, on our clock. */
export interface ZiikToken {
  readonly accessToken: string;
  readonly renewAtMs: number;
  readonly diesAtMs: number;
}

/** A token that seems dead on arrival is a matter of clocks: it is used this long, or until it is refused. */
const leastLifeMs = 60_000;

/** Seconds beyond this are milliseconds. */
const secondsUntil = 100_000_000_000;

/** The token of a Ziik user: renewed when less than a tenth of its life is left, else made from the password. */
export function ziikSession(settings: Settings, { username, password }: ZiikCredentials): Session<ZiikToken> {
  const now = settings.now ?? Date.now;
  const held = ({ jwt, expires }: TokenAnswer): ZiikToken => {
    const diesAtMs = expires > secondsUntil ? expires : expires * 1_000;
    const lifeMs = Math.max(leastLifeMs, diesAtMs - now());
    return { accessToken: jwt, renewAtMs: now() + lifeMs * 0.9, diesAtMs };
  };
  const authenticate = async () =>
    held(await exchange(settings, { route: routes.authenticate, body: { username, password }, answer: answers.token }));
  return new Session(async (old) => {
    if (old === null || old.diesAtMs <= now()) return authenticate();
    try {
      return held(await exchange(settings, { route: routes.renew, token: old.accessToken, answer: answers.token }));
    } catch (error) {
      // Whatever it has against the old token, the password is the better proof; but not for a server that is away.
      if (!isAppError(error, 'ZIIK_AUTH_FAILED', 'ZIIK_ANSWER_INVALID', 'ZIIK_ERROR')) throw error;
      return authenticate();
    }
  }, now);
}
