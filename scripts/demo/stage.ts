import { setTimeout as delay } from 'node:timers/promises';
import type { Connected, Joined, World } from '@orgstream/world';
import type pg from 'pg';
import type { Operator } from './operator.ts';
import type { Screen } from './screen.ts';

/** What act three is played on: one tenant with chat and login. */
export interface Stage {
  readonly screen: Screen;
  readonly world: World;
  readonly ziik: pg.Pool;
  readonly operator: Operator;
  readonly joined: Joined;
  readonly connected: Connected;
}

/** Waits until `look` finds something. */
export async function waitFor<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  for (const deadline = performance.now() + 90_000; ; await delay(100)) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited 90 s for ${what}`);
  }
}

/** Somebody who is in Ziik and in Learningbank. */
export interface Colleague {
  readonly personId: string;
  readonly userId: number;
  readonly firstName: string;
}

/**
 * Active people of the tenant, as Learningbank has them; those that act one has renamed are left out. First those with
 * names that run from left to right, as the words around them do; then in the order of their ids, the same each time.
 */
export async function colleagues(
  { world, joined, connected }: Pick<Stage, 'world' | 'joined' | 'connected'>,
  count: number,
): Promise<readonly Colleague[]> {
  const response = await fetch(`${world.file().learningbankSimUrl}/_sim/state?platform=${joined.platform.id}`);
  const { users } = (await response.json()) as { readonly users: readonly TargetUser[] };
  const marker = `${joined.tenant}:person:`;
  return users
    .filter(({ isActive, externalId }) => isActive && externalId?.startsWith(marker))
    .map(({ id, firstName, externalId }) => ({ personId: externalId!.slice(marker.length), userId: id, firstName }))
    .filter(({ personId, firstName }) => personId !== connected.sender.userId && !firstName.startsWith('Probe '))
    .toSorted((a, b) => rightToLeft(a) - rightToLeft(b) || Number(a.personId) - Number(b.personId))
    .slice(0, count);
}

interface TargetUser {
  readonly id: number;
  readonly firstName: string;
  readonly isActive: boolean;
  readonly externalId: string | null;
}

const rightToLeft = ({ firstName }: Colleague): number => (/\p{Script=Latin}/u.test(firstName) ? 0 : 1);
