import {
  Breaker,
  createLearningbankClient,
  parseCredentials,
  TokenBucket,
  type CallResult,
  type LearningbankClient,
} from '@orgstream/clients';
import { AppError, isAppError } from '@orgstream/core';
import { openSecret, type Knex } from '@orgstream/database';
import { sleep, type SecretBox } from '@orgstream/runtime';
import { isOnSite } from './deep-link.ts';
import type { Door } from './door-store.ts';

/** The way to one platform with the credentials of one integration. */
export interface Way {
  /** Where the platform's pages are, as it says itself. */
  site(signal: AbortSignal): Promise<URL>;
  /** A single-use link that signs a user in and leads to a page of the site; nowhere else. */
  createLink(userId: number, path: string, signal: AbortSignal): Promise<string>;
  /** The one active user with an e-mail. Throws LOGIN_PERSON_UNKNOWN, LOGIN_USER_INACTIVE. */
  findUser(email: string, signal: AbortSignal): Promise<number>;
}

interface WaysOptions {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly callTimeoutMs: number;
  readonly callsPerMinute: number;
  readonly onCall: (call: CallResult) => void;
}

/** Ways kept open; the one that was used longest ago goes first. */
const maxWays = 1_000;
/** Whose turn would come later than this is told so at once, rather than after a while. */
const patienceMs = 6_000;
/** A call that failed in a way that may pass is made once more: a tap is gone with its assertion, and links do no harm. */
const againMs = 200;

/** Ways to platforms, opened when they are needed. Integrations that lead to one platform share its rate. */
export function createWays(options: WaysOptions): (door: Door) => Promise<Way> {
  const ways = new Map<string, { readonly of: string; readonly way: Promise<Way> }>();
  const buckets = new Map<string, TokenBucket>();
  const bucketOf = (platform: string): TokenBucket => {
    const bucket = buckets.get(platform) ?? newBucket(options.callsPerMinute);
    buckets.delete(platform);
    buckets.set(platform, bucket);
    if (buckets.size > maxWays) buckets.delete(buckets.keys().next().value!);
    return bucket;
  };
  return (door) => {
    const of = [door.secretId, door.platformUrl, door.platform].join(' ');
    let entry = ways.get(door.id);
    if (entry?.of !== of) entry = { of, way: open(options, door, bucketOf(door.platform)) };
    ways.delete(door.id);
    ways.set(door.id, entry);
    if (ways.size > maxWays) ways.delete(ways.keys().next().value!);
    // What cannot be opened is tried anew the next time.
    entry.way.catch(() => ways.get(door.id) === entry && ways.delete(door.id));
    return entry.way;
  };
}

function newBucket(callsPerMinute: number): TokenBucket {
  const perS = callsPerMinute / 60;
  // Shifts begin together: half a minute's calls may go at once.
  return new TokenBucket({ ratePerS: perS, minPerS: perS / 10, maxPerS: perS, burst: Math.max(1, callsPerMinute / 2) });
}

async function open(options: WaysOptions, door: Door, bucket: TokenBucket): Promise<Way> {
  const credentials = parseCredentials(await openSecret(options.db, options.secrets, door.secretId));
  const client = createLearningbankClient({
    baseUrl: door.platformUrl,
    credentials,
    timeoutMs: options.callTimeoutMs,
    beforeCall: async ({ route }, signal) => {
      if (route === 'auth.token') return;
      const waitMs = bucket.blockedMs + (bucket.waiting / bucket.ratePerS) * 1_000;
      if (waitMs > patienceMs) throw paused(waitMs);
      const patience = AbortSignal.timeout(patienceMs);
      await bucket.take(signal ? AbortSignal.any([signal, patience]) : patience);
    },
    onCall: options.onCall,
  });
  return createWay(client, { bucket, breaker: new Breaker(), isPlain: door.platformUrl.startsWith('http:') });
}

interface Means {
  readonly bucket: TokenBucket;
  readonly breaker: Breaker;
  /** The platform itself is reached over http: a simulator. */
  readonly isPlain: boolean;
}

function createWay(client: LearningbankClient, { bucket, breaker, isPlain }: Means): Way {
  let site: Promise<URL> | undefined;

  const once = async <T>(work: () => Promise<T>): Promise<T> => {
    const pass = breaker.enter();
    if (!pass) throw paused(breaker.waitMs);
    try {
      const value = await work();
      bucket.succeeded();
      pass.done();
      return value;
    } catch (error) {
      if (isAppError(error, 'TARGET_RATE_LIMITED')) bucket.refused(error.waitMs);
      pass.done(error);
      throw error;
    }
  };

  const call = async <T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    try {
      return await once(work);
    } catch (error) {
      if (!isAppError(error, 'TARGET_UNREACHABLE', 'TARGET_ERROR') || signal.aborted) throw error;
      await sleep(againMs, signal);
      return once(work);
    }
  };

  const readSite = async (signal: AbortSignal): Promise<URL> => {
    const { url } = await call(() => client.login({ signal }), signal);
    const read = URL.parse(url);
    if (read?.protocol !== 'https:' && !(isPlain && read?.protocol === 'http:')) {
      throw new AppError('TARGET_ANSWER_INVALID', 'auth.token: the address of the platform is none', { field: 'url' });
    }
    return read;
  };

  const way: Way = {
    async site(signal) {
      const reading = (site ??= readSite(signal));
      return reading.catch((error: unknown) => {
        if (site === reading) site = undefined;
        throw error;
      });
    },
    async createLink(userId, path, signal) {
      const home = await way.site(signal);
      const redirectPath = path === '/' ? undefined : path;
      const { url } = await call(() => client.createLoginLink({ userId }, redirectPath, { signal }), signal);
      if (isOnSite(url, home)) return url;
      // It may have moved: asked again the next time.
      site = undefined;
      throw new AppError('TARGET_ANSWER_INVALID', 'login_links.create: the link leads elsewhere', { field: 'url' });
    },
    findUser: (email, signal) => findUser(client, email, (work) => call(work, signal), signal),
  };
  return way;
}

/** Pages that are looked through: more people than that do not share an e-mail. */
const maxPages = 3;

async function findUser(
  client: LearningbankClient,
  email: string,
  call: <T>(work: () => Promise<T>) => Promise<T>,
  signal: AbortSignal,
): Promise<number> {
  const wanted = email.trim().toLowerCase();
  const active: number[] = [];
  let inactive = 0;
  const pages = client.users({ email: email.trim() }, { signal })[Symbol.asyncIterator]();
  for (let page = 0; page < maxPages; page += 1) {
    const { value, done } = await call(() => pages.next());
    if (done === true) break;
    for (const user of value.items) {
      if (user.email?.trim().toLowerCase() !== wanted || user.isAnonymised) continue;
      if (user.isActive) active.push(user.id);
      else inactive += 1;
    }
  }
  if (active.length === 1) return active[0]!;
  if (active.length === 0 && inactive > 0) {
    throw new AppError('LOGIN_USER_INACTIVE', 'finding a user by e-mail: only inactive ones have it');
  }
  const reason = active.length > 1 ? 'several' : 'none';
  throw new AppError('LOGIN_PERSON_UNKNOWN', `finding a user by e-mail: ${reason} active`, { reason });
}

function paused(waitMs: number): AppError {
  return new AppError('PLATFORM_PAUSED', 'the platform does not work at present', { waitMs: Math.max(1_000, waitMs) });
}
