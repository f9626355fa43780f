import { AppError } from '@orgstream/core';
import { insertCommand, readCommand, withdrawCommand, type Knex } from '@orgstream/database';
import { sleep } from '@orgstream/runtime';
import { readStanding, type Door, type Standing } from './door-store.ts';

/** Between two looks: short at first, a sync takes some calls. */
const firstLookMs = 25;
const lastLookMs = 200;

/** Logins that may wait at once: each holds a connection of a browser and asks the database now and then. */
const maxWaiting = 200;

export interface JustInTime {
  /** Waits until the source has told us about a person: somebody who was added a moment ago. */
  known(door: Door, person: string, signal: AbortSignal): Promise<Standing>;
  /** Has a person brought into Learningbank, and waits for the link. Throws LOGIN_NOT_IN_STEP, LOGIN_OUT_OF_SCOPE. */
  linked(door: Door, person: string, signal: AbortSignal): Promise<Standing>;
}

/** Brings people in who stand at the door before the sync has come to them. */
export function createJustInTime({ db, waitMs }: { readonly db: Knex; readonly waitMs: number }): JustInTime {
  let waiting = 0;

  /** Looks until `look` has an answer; undefined when the time is over. */
  const wait = async <T>(look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T | undefined> => {
    if (waiting >= maxWaiting) return look();
    waiting += 1;
    try {
      const deadline = performance.now() + waitMs;
      for (let ms = firstLookMs; ; ms = Math.min(lastLookMs, ms * 1.5)) {
        const found = await look();
        if (found !== undefined || performance.now() >= deadline || signal.aborted) return found;
        await sleep(Math.min(ms, Math.max(1, deadline - performance.now())), signal);
      }
    } finally {
      waiting -= 1;
    }
  };

  const standingOf = (door: Door, person: string): Promise<Standing> =>
    readStanding(db, { integration: door.id, tenant: door.tenant, person });

  return {
    async known(door, person, signal) {
      const look = async (): Promise<Standing | undefined> => {
        const standing = await standingOf(door, person);
        return standing.known || standing.gone ? standing : undefined;
      };
      const found = await wait(look, signal);
      if (!found) throw new AppError('LOGIN_PERSON_UNKNOWN', 'logging in: the source has not told us about the person');
      return found;
    },
    async linked(door, person, signal) {
      if (!door.sends) throw notInStep('not_sending');
      assertNotHeld(await standingOf(door, person));
      const command = await insertCommand(db, {
        addressee: 'learningbank-sink',
        kind: 'person.sync',
        payload: { integration: door.id, person, by: 'edge' },
      });
      let taken = false;
      const look = async (): Promise<Standing | undefined> => {
        // In this order: what the command did is then seen too.
        taken ||= await isAnswered(db, command);
        const standing = await standingOf(door, person);
        if (standing.userId !== null || standing.gone) return standing;
        if (!taken) return undefined;
        assertNotHeld(standing);
        if (standing.work?.state === 'parked') throw notInStep('parked', standing);
        if (!standing.work)
          throw new AppError('LOGIN_OUT_OF_SCOPE', 'logging in: the integration leaves the person out');
        return undefined;
      };
      const found = await wait(look, signal);
      if (found) return found;
      if (!taken) await withdrawCommand(db, command);
      throw notInStep('slow');
    },
  };
}

/** An operator decides about these, not a tap. */
function assertNotHeld(standing: Standing): void {
  const state = standing.work?.state;
  if (state === 'held' || state === 'conflict') throw notInStep(state, standing);
}

async function isAnswered(db: Knex, command: number): Promise<boolean> {
  const row = await readCommand(db, command);
  if (row?.state === 'failed') throw notInStep('refused');
  return row?.state === 'done';
}

function notInStep(reason: string, standing?: Standing): AppError {
  const code = standing?.work?.code;
  return new AppError('LOGIN_NOT_IN_STEP', `logging in: the person is not in Learningbank yet (${reason})`, {
    reason,
    ...(code ? { held: code } : {}),
  });
}
