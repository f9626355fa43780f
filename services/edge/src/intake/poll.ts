import { type LearningbankClient, maxPageSize } from '@orgstream/clients';

/** What polling needs to know and to do; the shell gives it. */
export interface PollSteps {
  readonly client: Pick<LearningbankClient, 'notifications'>;
  /** Where the last poll ended; undefined = there was none. */
  readonly after: number | undefined;
  /** A first poll begins with what happened from here on; Unix ms. */
  readonly sinceMs: number;
  /** Hands a page on; resolves when it is safe. */
  readonly take: (page: Awaited<ReturnType<LearningbankClient['notifications']>>) => Promise<void>;
  /** Remembers how far it got; false = it is another's by now. */
  readonly move: (after: number, received: boolean) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** Pages in one turn: whoever has thousands waiting must not keep the others from theirs. */
const maxPages = 5;

/**
 * Polls until there is nothing more, or its turn is over; true = there may be more. A page is taken before the cursor moves
 * behind it, so a crash between the two takes it again, and the ledger knows it.
 */
export async function poll(steps: PollSteps): Promise<boolean> {
  const { client, signal } = steps;
  let after = steps.after;
  if (after === undefined) {
    after = await findStart(client, steps.sinceMs, signal);
    if (!(await steps.move(after, false))) return false;
  }
  for (let pages = 0; pages < maxPages && !signal.aborted; pages += 1) {
    const page = await client.notifications(after, { pageSize: maxPageSize, signal });
    const last = page.at(-1);
    if (last === undefined) return false;
    await steps.take(page);
    after = last.id;
    if (!(await steps.move(after, true)) || page.length < maxPageSize) return false;
  }
  return true;
}

/** Beyond it ids are no longer exact. */
const highestId = Number.MAX_SAFE_INTEGER;
/** Notifications that one look at a place takes. */
const probe = 10;

/**
 * The id behind which notifications are from `sinceMs` or later, found by doubling and halving: a platform that has sent
 * millions is not read through. Too early by less than a page; what is too old is sorted out by the bridge.
 */
export async function findStart(
  client: Pick<LearningbankClient, 'notifications'>,
  sinceMs: number,
  signal?: AbortSignal,
): Promise<number> {
  /** The first id behind `after` that is too old, or undefined: what follows is young enough, or nothing follows. */
  const oldBehind = async (after: number): Promise<number | undefined> => {
    const page = await client.notifications(after, { pageSize: probe, ...(signal ? { signal } : {}) });
    // When one that cannot be read happened, the next one tells.
    const first = page.find(({ notification }) => notification !== null) ?? page[0];
    return first !== undefined && (first.notification?.occurredAtMs ?? 0) < sinceMs ? first.id : undefined;
  };
  let old = await oldBehind(0);
  if (old === undefined) return 0;
  let [low, high] = [old, highestId];
  for (let step = maxPageSize; low + step < highestId; step *= 2) {
    old = await oldBehind(low + step);
    if (old === undefined) {
      high = low + step;
      break;
    }
    low = old;
  }
  while (high - low > maxPageSize) {
    const middle = low + Math.floor((high - low) / 2);
    old = await oldBehind(middle);
    if (old === undefined) high = middle;
    else low = old;
  }
  return low;
}
