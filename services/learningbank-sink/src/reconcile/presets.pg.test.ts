import { until } from '@orgstream/testkit';
import { expect, test } from 'vitest';
import type { IntegrationSettings } from '@orgstream/core';
import { assigned, gone, member, person, role, SinkContext, type Said, type SimPlatform, unit } from './fixture.ts';

/** A flat company: North and South, as employee types Cook and Waiter, and so many people in North as waiters. */
function company(people: number): readonly Said[] {
  const said: Said[] = [unit('11', null, 'North'), unit('12', null, 'South'), role('7', 'Cook'), role('8', 'Waiter')];
  for (let n = 0; n < people; n += 1) {
    said.push(person(`p${n}`), member(`m${n}`, `p${n}`, '11'), assigned(`a${n}`, `m${n}`, '8'));
  }
  return said;
}

async function inStep(
  ctx: SinkContext,
  settings: Partial<IntegrationSettings>,
  { people = 3, before = async () => {} }: { people?: number; before?: (platform: SimPlatform) => Promise<void> } = {},
): Promise<{ readonly platform: SimPlatform; readonly integration: string }> {
  const platform = await ctx.platform();
  await before(platform);
  const integration = await ctx.integrate(platform, { settings });
  await ctx.commit(...company(people));
  ctx.start();
  await ctx.prove();
  await ctx.converged();
  return { platform, integration };
}

/** A call to the platform with the integration's own credentials, as somebody there would make it by hand. */
async function byHand(platform: SimPlatform, path: string, body: object): Promise<{ readonly id: number }> {
  const { url, credentials } = platform.facts;
  const post = async (at: string, given: object, token?: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
    const response = await fetch(`${url}${at}`, { method: 'POST', headers, body: JSON.stringify(given) });
    if (!response.ok) throw new Error(`${at}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const { accessToken } = (await post('/auth/token', credentials)) as { accessToken: string };
  return ((await post(path, body, accessToken)) as { data: { id: number } }).data;
}

test('tamigo: departments found anywhere or made flat, no permission types, one job profile made for all who need it', async () => {
  await using ctx = await SinkContext.open();
  let north = 0;
  const { platform } = await inStep(
    ctx,
    { preset: 'tamigo' },
    {
      people: 40,
      before: async (p) => {
        const region = await byHand(p, '/departments', { name: 'Region' });
        north = (await byHand(p, '/departments', { name: 'North', parentId: region.id })).id;
      },
    },
  );
  expect(await platform.tree()).toEqual(['/Region', '/Region/North', '/South']);
  const { users, permissionTypes } = await platform.state();
  const mine = users.filter(({ externalId }) => externalId !== null);
  expect(mine).toHaveLength(40);
  expect(new Set(mine.map(({ departmentIds }) => departmentIds.join()))).toEqual(new Set([`${north}`]));
  expect(permissionTypes.every(({ isSystem }) => isSystem)).toBe(true);
  expect(new Set(mine.map(({ jobProfileId }) => jobProfileId)).size).toBe(1);
  const makes = (await platform.writes()).filter(({ route }) => route.includes('job-profiles'));
  expect(makes.map(({ status }) => status)).toEqual([201]);
});

test('tamigo: a job profile that somebody made meanwhile is found, not made twice', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx, { preset: 'tamigo' });
  const { id } = await byHand(platform, '/job-profiles', { name: 'Cook' });
  await ctx.commit(assigned('a0', 'm0', '7'), assigned('a1', 'm1', '7'));
  await ctx.converged();
  const { users } = await platform.state();
  for (const person of ['p0', 'p1']) {
    expect(users.find(({ externalId }) => externalId?.endsWith(`:${person}`))?.jobProfileId, person).toBe(id);
  }
  expect(await ctx.work()).toEqual([]);
});

test('tamigo: a job profile whose making ended in nothing known is not made twice', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx, { preset: 'tamigo' });
  await platform.fault({ kind: 'reset_after_write', count: 1, match: { method: 'POST', route: '/job-profiles' } });
  await ctx.commit(assigned('a0', 'm0', '7'));
  await ctx.converged();
  const { users } = await platform.state();
  const [a, b] = ['p0', 'p1'].map((id) => users.find(({ externalId }) => externalId?.endsWith(`:${id}`))?.jobProfileId);
  expect(a).not.toBe(b);
  expect(a).not.toBeNull();
  expect(await ctx.openAttempts()).toBe(0);
});

test('tamigo: a deletion waits for an operator; without confirmDeletions the user is gone', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx, { preset: 'tamigo' });
  await ctx.commit(gone('person', 'p0'));
  const held = async (): Promise<boolean> =>
    (await ctx.work()).some(({ id, code }) => id === 'p0' && code === 'DELETION_UNCONFIRMED');
  await until(held, { deadlineMs: 10_000, what: 'the deletion to be held' });
  expect((await platform.state()).users.filter(({ externalId }) => externalId !== null)).toHaveLength(3);
  const other = await inStepAgain(ctx);
  await until(async () => (await other.state()).users.every(({ externalId }) => !externalId?.endsWith(':p1')), {
    deadlineMs: 10_000,
    what: 'the user to be deleted',
  });
});

/** The same tenant on another platform, without confirmation; p1 is deleted. */
async function inStepAgain(ctx: SinkContext): Promise<SimPlatform> {
  const platform = await ctx.platform();
  await ctx.integrate(platform, { settings: { preset: 'tamigo', confirmDeletions: false } });
  await until(async () => (await platform.state()).users.some(({ externalId }) => externalId?.endsWith(':p1')), {
    deadlineMs: 15_000,
    what: 'the second platform to be in step',
  });
  await ctx.commit(gone('person', 'p1'));
  return platform;
}

test('tamigo: who is missing in a proved snapshot is deactivated, never deleted', async () => {
  await using ctx = await SinkContext.open();
  const { platform } = await inStep(ctx, { preset: 'tamigo', confirmDeletions: false });
  await ctx.db.raw(`update sink.person set deleted = true, swept = true, email = null where id = 'p0'`);
  await ctx.db.raw(
    `insert into sink.work (integration_id, kind, id, lane, cause_epoch, cause_lsn, committed_at)
     select id, 'person', 'p0', 0, 1, 9, now() from control.integration`,
  );
  await ctx.db.raw(`select pg_notify('orgstream_work', '')`);
  await ctx.converged();
  const user = (await platform.state()).users.find(({ externalId }) => externalId?.endsWith(':p0'));
  expect(user).toMatchObject({ isActive: false });
});

test('standard with filters: who is out is left alone, until a renamed department brings him in', async () => {
  await using ctx = await SinkContext.open();
  const none = { include: [], exclude: [] };
  const filters = {
    users: none,
    departments: { include: ['west'], exclude: [] },
    jobProfiles: none,
    permissions: none,
  };
  const { platform } = await inStep(ctx, { preset: 'standard', departmentTree: true, filters });
  expect((await platform.state()).users.filter(({ externalId }) => externalId !== null)).toEqual([]);
  await ctx.commit(unit('11', null, 'West'));
  await ctx.converged();
  expect(await platform.tree()).toEqual(['/South', '/West']);
  expect((await platform.state()).users.filter(({ externalId }) => externalId !== null)).toHaveLength(3);
});
