import { createClient, type Client, type Run } from '@orgstream/control-api';
import { renamePerson } from '@orgstream/simulator-ziik';
import { until } from '@orgstream/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSmallScene, type SmallScene } from './small-site.ts';

/** The admin API with the real sink behind it: what `control` asks for is done. */
let scene: SmallScene;
let client: Client;
let params: { readonly integration: string };
let person: string;

beforeAll(async () => {
  scene = await openSmallScene();
  const { controlUrl, adminToken } = await scene.file();
  client = createClient({ url: controlUrl, token: adminToken });
  params = { integration: scene.joined.integration };
  const { items } = await client.listObjects({ params, query: { kind: 'person', state: 'in_step', limit: 1 } });
  person = items[0]!.id;
});
afterAll(() => scene?.[Symbol.asyncDispose]());

const finished = ({ state }: Run): boolean => ['done', 'cancelled', 'failed'].includes(state);
const runUntil = (run: string, what: string, fits: (run: Run) => boolean): Promise<Run> =>
  until(
    async () => {
      const now = await client.getRun({ params: { run } });
      return fits(now) ? now : undefined;
    },
    { deadlineMs: 60_000, what, intervalMs: 100 },
  );

test('why shows desired, applied and observed side by side, and the calls that led there', async () => {
  const why = await client.getObject({ params: { ...params, kind: 'person', id: person } });
  expect(why).toMatchObject({ state: 'in_step', work: null, explainedNote: null });
  expect(why.facts[0]).toMatchObject({ kind: 'person', id: person });
  expect(why.attempts.at(-1)).toMatchObject({ op: 'user.create', state: 'done' });
  expect(why.explained).toMatchObject({ observed: { state: 'seen', targetId: why.link!.targetId } });
});

test('a paused integration sends nothing, and catches up when it is resumed', async () => {
  const paused = await client.changeIntegration({ params, body: { paused: true }, ifMatch: await generation() });
  expect(paused.paused).toBe(true);
  const calls = await scene.calls();
  const since = calls.at(-1)?.seq ?? 0;
  await renamePerson(scene.ziik, scene.siteId, person, { firstName: 'Paula' });
  await until(async () => (await why()).work !== null, { deadlineMs: 30_000, what: 'the change to be outstanding' });
  const sent = (await scene.calls(since)).filter(
    ({ method, path }) => method !== 'GET' && !path.endsWith('/auth/token'),
  );
  await client.changeIntegration({ params, body: { paused: false }, ifMatch: await generation() });
  await until(async () => (await why()).work === null, { deadlineMs: 30_000, what: 'the change to be applied' });
  expect(sent).toEqual([]);
});

test('a dry run changes nothing and ends by itself', async () => {
  const { run } = await client.startRun({ params, body: { kind: 'sync', dryRun: true } });
  const ended = await runUntil(run!.id, 'the dry run', finished);
  expect(ended).toMatchObject({ state: 'done', dryRun: true, kind: 'sync' });
});

test('an edit of settings that touches many is a plan first, and is in force when it is approved', async () => {
  const before = await client.getSettings({ params });
  const ifMatch = `${before.version}-${before.newest}`;
  const { run } = await client.changeSettings({ params, body: { uniqueUnits: true }, ifMatch });
  const planned = await runUntil(run!.id, 'the plan', ({ state }) => state === 'planned');
  expect(planned.needsApproval).toBe(true);
  const { items } = await client.listRunItems({
    params: { run: run!.id },
    query: { operation: 'rename', kind: 'unit' },
  });
  expect(items.length).toBeGreaterThan(1);
  expect(await client.getSettings({ params })).toMatchObject({
    version: before.version,
    settings: { uniqueUnits: false },
  });
  await client.decideRun({ params: { run: run!.id }, body: { decision: 'approve' } });
  await runUntil(run!.id, 'the run', ({ state }) => state === 'done');
  expect(await client.getSettings({ params })).toMatchObject({ settings: { uniqueUnits: true } });
});

test('what a run did is undone by one call, and approved like any run', async () => {
  const { items } = await client.listRuns({ params, query: { kind: 'settings', state: 'done' } });
  const { run } = await client.startRun({ params, body: { kind: 'undo', scope: { run: items[0]!.id } } });
  const planned = await runUntil(run!.id, 'the plan', ({ state }) => state === 'planned' || state === 'failed');
  expect(planned).toMatchObject({ state: 'planned', kind: 'undo' });
  await client.decideRun({ params: { run: run!.id }, body: { decision: 'cancel' } });
  expect(await client.getRun({ params: { run: run!.id } })).toMatchObject({ state: 'cancelled' });
  await expect(client.decideRun({ params: { run: run!.id }, body: { decision: 'approve' } })).rejects.toMatchObject({
    code: 'RUN_STATE',
  });
});

const why = () => client.getObject({ params: { ...params, kind: 'person', id: person }, query: { explain: 'false' } });
const generation = async (): Promise<number> => (await client.getIntegration({ params })).generation;
