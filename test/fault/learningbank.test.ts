import { openScene } from '@orgstream/e2e/scene';
import { openSmallScene, type SmallScene } from '@orgstream/e2e/small-site';
import { deactivate, hire, renamePerson, renameUnit } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { describe, expect, test } from 'vitest';
import { expectNoSecondCreate, struck, waitForCode, waitForFirstName, waitParked, waitStruck } from './evidence.ts';

/** Renames somebody so often; only the last name counts. */
async function rename({ ziik, siteId }: SmallScene, personId: string, ...names: readonly string[]): Promise<void> {
  for (const firstName of names) await renamePerson(ziik, siteId, personId, { firstName });
}

const writesTo = async (scene: SmallScene, userId: number, since: number) =>
  (await scene.calls(since)).filter(({ method, objectId, fault }) => method !== 'GET' && objectId === userId && !fault);

// Each has a platform of its own, so they need not wait for one another.
describe.concurrent('a platform that does not work', () => {
  test('down for a minute: nothing is parked, another platform goes on, ten changes become one call', async () => {
    await using scene = await openSmallScene();
    await using other = await openSmallScene();
    const ida = (await scene.user(scene.person('ida')))!;
    const before = (await scene.calls()).at(-1)!.seq;
    await scene.fault({ kind: 'status', status: 503 });
    const downUntil = performance.now() + 60_000;

    await rename(scene, scene.person('ida'), ...Array.from({ length: 10 }, (_, n) => `Ida ${n}`));
    await renameUnit(scene.ziik, scene.siteId, scene.unit('Hobro'), 'Hobro C');
    await deactivate(scene.ziik, scene.siteId, scene.person('omar'));
    await hire(scene.ziik, scene.siteId, { firstName: 'Uwe', lastName: 'Ny', email: 'uwe@kaeden.example', memberships: [{ unitId: scene.unit('Nord') }] }); // prettier-ignore
    await waitStruck(scene, 3);
    await rename(other, other.person('ida'), 'Idun');
    await waitForFirstName(other, other.person('ida'), 'Idun');

    await until(() => performance.now() > downUntil, { deadlineMs: 70_000, what: 'the minute', intervalMs: 500 });
    expect(await scene.parked()).toEqual({});
    // Probed, not hammered.
    expect((await struck(scene)).length).toBeLessThan(60);
    await scene.healFaults();
    await scene.prove();
    await other.prove();
    await expectNoSecondCreate(scene);
    expect(await writesTo(scene, ida.id, before)).toHaveLength(1);
  });

  test('a platform that takes no connections is waited for', async () => {
    await using scene = await openSmallScene();
    await scene.fault({ kind: 'reset_before' });
    await rename(scene, scene.person('pia'), 'Pernille');
    await waitStruck(scene, 3);
    await scene.healFaults();
    await scene.prove();
  });

  test('401 on everything pauses the platform, visibly; it resumes by itself, and nothing was parked', async () => {
    await using scene = await openSmallScene();
    await scene.fault({ kind: 'unauthorized' });
    await rename(scene, scene.person('pia'), 'Pernille');
    await rename(scene, scene.person('eva'), 'Evelyn');
    await waitForCode(scene, 'TARGET_AUTH_FAILED');
    expect(await scene.parked()).toEqual({});
    await scene.healFaults();
    await scene.prove();
    await waitForCode(scene, null);
  });

  test('a token that is refused once is renewed, and the call made again', async () => {
    await using scene = await openSmallScene();
    await scene.fault({ kind: 'unauthorized', match: { method: 'PATCH' }, count: 1 });
    const writes = await scene.writesOf(() => rename(scene, scene.person('pia'), 'Pernille'));
    expect(writes.map(({ status }) => status)).toEqual([401, 200]);
    await scene.prove();
  });
});

describe.concurrent('429', () => {
  test('a storm over a first sync delays it, and nothing else', async () => {
    await using scene = await openScene({ unsynced: true });
    await scene.fault({ kind: 'status', status: 429, retryAfterS: 1, probability: 0.3, count: 8 });
    await scene.prove();
    expect((await struck(scene)).length).toBeGreaterThan(3);
    await expectNoSecondCreate(scene);
  });

  test('a platform that takes twenty calls a minute is asked again when its minute is over', async () => {
    await using scene = await openSmallScene({ unsynced: true, platform: { rateLimitPerMinute: 20 } });
    await scene.prove(150_000);
    await expectNoSecondCreate(scene);
    const refused = (await scene.calls()).filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(30);
  });

  test('every write of a burst refused once: each is made once more', async () => {
    await using scene = await openSmallScene();
    await scene.fault({ kind: 'status', status: 429, retryAfterS: 1, match: { method: 'PATCH' }, count: 2 });
    const writes = await scene.writesOf(() => rename(scene, scene.person('pia'), 'Pernille'));
    expect(writes.map(({ status }) => status)).toEqual([429, 429, 200]);
    await scene.prove();
  });
});

describe.concurrent('an answer that never comes', () => {
  test('connections reset after half of all creations: each is found again, none is created twice', async () => {
    await using scene = await openScene({ unsynced: true });
    await scene.fault({ kind: 'reset_after_write', match: { method: 'POST', route: '/users' }, probability: 0.5 });
    await scene.fault({
      kind: 'reset_after_write',
      match: { method: 'POST', route: '/departments' },
      probability: 0.5,
    });
    await scene.fault({ kind: 'reset_after_write', match: { method: 'POST', route: '/permission-types' }, count: 3 });
    await waitStruck(scene, 5);
    await scene.healFaults();
    await scene.prove();
    await expectNoSecondCreate(scene);
  });

  test('a change that was made, and whose answer was lost, is read back and not made again', async () => {
    await using scene = await openSmallScene();
    await scene.fault({ kind: 'reset_after_write', match: { method: 'PATCH' }, count: 1 });
    const writes = await scene.writesOf(() => rename(scene, scene.person('pia'), 'Pernille'));
    expect(writes).toMatchObject([{ fault: 'reset_after_write' }]);
    await scene.prove();
  });

  test.each([
    ['a creation that was done', { match: { method: 'POST', route: '/users' }, afterWrite: true }],
    ['a creation that was not', { match: { method: 'POST', route: '/users' } }],
    ['a change', { match: { method: 'PATCH', route: '/users/:id' } }],
  ])('%s hangs: it is given up, looked up, and made once', async (_, fault) => {
    await using scene = await openSmallScene();
    await scene.fault({ kind: 'hang', count: 1, ...fault });
    const { personId } = await hire(scene.ziik, scene.siteId, {
      firstName: 'Uwe',
      lastName: 'Ny',
      email: 'uwe@kaeden.example',
      memberships: [{ unitId: scene.unit('Nord'), roleIds: [scene.role('Trainee')] }],
    });
    await until(() => scene.user(personId), { deadlineMs: 90_000, what: 'the new user' });
    await rename(scene, personId, 'Ulf');
    await scene.prove();
    await expectNoSecondCreate(scene);
    expect(await struck(scene)).toHaveLength(1);
  });
});

describe.concurrent('a 200 that lies', () => {
  const lies = ['html', 'empty', 'half_json', 'lying_values'] as const;

  test.each(lies)('%s, to every third call of a first sync: nothing is believed, nothing is parked', async (kind) => {
    await using scene = await openScene({ unsynced: true, organisation: { people: 15 } });
    await scene.fault({ kind, probability: 0.35, count: 8 });
    await scene.prove();
    expect((await struck(scene)).length).toBeGreaterThan(3);
    await expectNoSecondCreate(scene);
  });

  test.each(lies)('%s, to a change: it is made again until it is true', async (kind) => {
    await using scene = await openSmallScene();
    await scene.fault({ kind, match: { method: 'PATCH' }, count: 2 });
    const writes = await scene.writesOf(() => rename(scene, scene.person('pia'), 'Pernille'));
    expect(writes.filter(({ fault }) => fault === undefined)).toHaveLength(1);
    await scene.prove();
  });

  test.each(lies.slice(0, 3))('%s, to a creation that was done: it is not created again', async (kind) => {
    await using scene = await openSmallScene();
    await scene.fault({ kind, match: { method: 'POST', route: '/users' }, afterWrite: true, count: 1 });
    await hire(scene.ziik, scene.siteId, { firstName: 'Uwe', lastName: 'Ny', email: 'uwe@kaeden.example', memberships: [{ unitId: scene.unit('Nord') }] }); // prettier-ignore
    await scene.prove();
    await expectNoSecondCreate(scene);
    expect(await struck(scene)).toHaveLength(1);
  });
});

describe.concurrent('403', () => {
  test('on one object parks that object; it heals with its next change', async () => {
    await using scene = await openSmallScene();
    const pia = scene.person('pia');
    await scene.fault({ kind: 'forbidden', match: { objectId: (await scene.user(pia))!.id } });
    await rename(scene, pia, 'Pernille');
    await rename(scene, scene.person('eva'), 'Evelyn');
    await waitParked(scene, `person ${pia}`, 'TARGET_FORBIDDEN');
    await waitForFirstName(scene, scene.person('eva'), 'Evelyn');
    expect(await scene.parked()).toEqual({ [`person ${pia}`]: 'TARGET_FORBIDDEN' });
    await scene.healFaults();
    await rename(scene, pia, 'Petra');
    await scene.prove();
  });

  test('on everything is the platform, not the object: it pauses, nothing is parked', async () => {
    await using scene = await openSmallScene();
    await scene.fault({ kind: 'forbidden' });
    await rename(scene, scene.person('pia'), 'Pernille');
    await rename(scene, scene.person('eva'), 'Evelyn');
    await waitStruck(scene, 3);
    expect(await scene.parked()).toEqual({});
    await scene.healFaults();
    await scene.prove();
  });
});
