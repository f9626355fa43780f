import type { Scene } from '@orgstream/e2e/scene';
import { until } from '@orgstream/testkit';
import type { LoggedCall } from '@orgstream/world';
import { expect } from 'vitest';

const creations: readonly string[] = ['/users', '/departments', '/permission-types'];

/** Creations that the platform has carried out, whether or not we were told. */
function creationsOf(calls: readonly LoggedCall[]): readonly LoggedCall[] {
  return calls.filter(
    ({ method, route, status, fault }) =>
      method === 'POST' &&
      creations.includes(route) &&
      (fault === 'reset_after_write' || (status === 201 && fault !== 'lying_values')),
  );
}

/**
 * Nothing was ever created twice: by the platform's own log no marker was given to two objects, whatever became of them
 * later. (Two side by side are the oracle's to find; one that was removed again is not.)
 */
export async function expectNoSecondCreate(scene: Scene): Promise<void> {
  const made = new Map<string, Set<number | null>>();
  for (const { route, body, objectId } of creationsOf(await scene.calls())) {
    const { externalId } = body as { readonly externalId?: string };
    const key = `${route} ${externalId}`;
    made.set(key, (made.get(key) ?? new Set()).add(objectId));
  }
  expect([...made].filter(([, ids]) => ids.size > 1)).toEqual([]);
}

/** Calls struck by an injected fault, after `since`. */
export async function struck(scene: Scene, since = 0): Promise<readonly LoggedCall[]> {
  return (await scene.calls(since)).filter(({ fault }) => fault !== undefined);
}

/** Waits until an injected fault has struck so often. */
export async function waitStruck(scene: Scene, times: number, since = 0): Promise<void> {
  await until(async () => (await struck(scene, since)).length >= times, {
    deadlineMs: 90_000,
    what: `${times} calls to be struck`,
    intervalMs: 100,
  });
}

/** Users at the target that carry a marker of ours. */
export async function countUsers(scene: Scene): Promise<number> {
  return (await scene.target()).users.filter(({ externalId }) => externalId !== null).length;
}

/** The code that `orgstream status` shows of the scene's integration; null while all is well. */
async function integrationCode(scene: Scene): Promise<string | null> {
  const { rows } = await scene.database.query<{ code: string | null }>(
    'select code from sink.integration_state where integration_id = $1',
    [scene.joined.integration],
  );
  return rows[0]?.code ?? null;
}

/** Waits until the integration shows `code`. */
export async function waitForCode(scene: Scene, code: string | null): Promise<void> {
  await until(async () => (await integrationCode(scene)) === code, {
    deadlineMs: 90_000,
    what: `the integration to show ${code}`,
    intervalMs: 100,
  });
}

/** Waits until an object is kept back with `code`; `object` is `person 7`. */
export async function waitParked(scene: Scene, object: string, code: string): Promise<void> {
  await until(async () => (await scene.parked())[object] === code, {
    deadlineMs: 90_000,
    what: `${object} to be parked ${code}`,
    intervalMs: 100,
  });
}

/** Waits until a person has this first name at the target. */
export async function waitForFirstName(scene: Scene, personId: string, firstName: string): Promise<void> {
  await until(async () => (await scene.user(personId))?.firstName === firstName, {
    deadlineMs: 90_000,
    what: `person ${personId} to be called ${firstName}`,
    intervalMs: 100,
  });
}
