import { startSimulator } from '@orgstream/simulator-learningbank';
import { expect, test } from 'vitest';
import { cleanScene, now } from './clean-scene.ts';
import { compareSite } from './compare.ts';
import { PlatformState } from './state.ts';

test("the simulator's dump has the shape the oracle reads, and a lived-in platform can be compared", async () => {
  await using simulator = await startSimulator();
  const tenant = 'eu1.7';
  const body = {
    topDepartmentName: 'Learning at Seven',
    departments: [{ name: 'North', externalId: `${tenant}:unit:2` }, { name: 'South' }],
    permissionTypes: [{ name: 'Seller', externalId: `${tenant}:role:1` }],
    jobProfiles: [{ name: 'Seller', isDefault: true }],
    users: [{ firstName: 'First1', lastName: 'Last1', email: 'p1@seven.example', externalId: `${tenant}:person:1` }],
  };
  const platform = await fetch(`${simulator.url}/_sim/platforms`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { id } = (await platform.json()) as { id: number };
  const dump: unknown = await (await fetch(`${simulator.url}/_sim/state?platform=${id}`)).json();
  const state = PlatformState.parse(dump);

  expect(state.departments.map((one) => [one.name, one.isTop])).toEqual([
    ['Learning at Seven', true],
    ['North', false],
    ['South', false],
  ]);
  const { mismatches } = compareSite(tenant, cleanScene().site, state, { now });
  const found = mismatches.map((one) => `${one.kind} ${one.sourceId} ${one.field}`);
  // North and South are there, what is below them is not; of the people only the first one, in no department of his.
  expect(found.filter((one) => one.startsWith('unit'))).toEqual(['unit 3 exists', 'unit 4 exists', 'unit 6 exists']);
  expect(found).toContain('role 2 exists');
  expect(found).toContain('person 2 exists');
  expect(found).not.toContain('person 1 exists');
});
