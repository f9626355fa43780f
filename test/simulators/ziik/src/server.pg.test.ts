import { spawnProcess, until } from '@orgstream/testkit';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openScratch, type Scratch } from './scratch.ts';
import { startZiikSimulator, type ZiikSimulator } from './server.ts';

let scratch: Scratch;
let simulator: ZiikSimulator;
beforeAll(async () => {
  scratch = await openScratch();
  simulator = await startZiikSimulator({ databaseUrl: scratch.url });
});
afterAll(async () => {
  await simulator.close();
  await scratch[Symbol.asyncDispose]();
});

async function call(method: 'GET' | 'POST', path: string, body?: unknown) {
  const response = await fetch(`${simulator.url}/_sim/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

const newSite = async () =>
  ((await call('POST', 'sites', { units: 12, people: 50, seed: 3 })).body as { siteId: string }).siteId;

test('a site is generated, counted, changed, and deleted again', async () => {
  const { status, body } = await call('POST', 'sites', { units: 40, people: 100, seed: 3, name: 'Kæden' });
  expect({ status, body }).toMatchObject({ status: 201, body: { units: 40, people: 100, roles: 8 } });
  const { siteId } = body as { siteId: string };
  expect((await call('GET', 'state')).body).toMatchObject({ sites: [{ siteId, people: 100 }], paused: false });
  const changes = await call('POST', 'changes', { siteId, count: 10, seed: 4, kinds: ['hire'] });
  expect(changes.body).toEqual({ siteId, made: 10, kinds: { hire: 10 } });
  expect((await call('GET', 'calls')).body).toHaveLength(10);
  expect((await call('POST', 'reset')).status).toBe(204);
  expect((await call('GET', 'state')).body).toEqual({ sites: [], paused: false });
  expect((await call('GET', 'calls')).body).toEqual([]);
});

test('one site is deleted, the other stays', async () => {
  const [gone, stays] = [await newSite(), await newSite()];
  await call('POST', 'reset', { siteId: gone });
  expect((await call('GET', 'state')).body).toMatchObject({ sites: [{ siteId: stays, people: 50 }] });
});

test('a paused generator makes no change, and goes on when it is let go', async () => {
  const siteId = await newSite();
  await call('POST', 'faults', { paused: true });
  const before = ((await call('GET', 'calls')).body as unknown[]).length;
  const started = await call('POST', 'changes', { siteId, count: 5, wait: false, ratePerSecond: 500 });
  expect(started.status).toBe(202);
  expect((await call('GET', 'faults')).body).toEqual({ paused: true });
  expect((await call('GET', 'calls')).body).toHaveLength(before);
  await call('POST', 'faults', { paused: false });
  await until(async () => ((await call('GET', 'calls')).body as unknown[]).length === before + 5, {
    deadlineMs: 5_000,
    what: 'five changes',
  });
});

test('changes come no faster than asked for', async () => {
  const siteId = await newSite();
  const startedMs = performance.now();
  await call('POST', 'changes', { siteId, count: 11, ratePerSecond: 50, kinds: ['renamePerson'] });
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(199);
});

test.each([
  ['sites', { units: 0 }, 400],
  ['sites', { colour: 'blue' }, 400],
  ['sites', '{"units":', 400],
  ['changes', {}, 400],
  ['changes', { siteId: '1 or 1=1' }, 400],
  ['changes', { siteId: 1, kinds: ['burn'] }, 400],
  ['faults', { paused: 'yes' }, 400],
])('POST %s %j answers %i and says why', async (path, body, status) => {
  const answer = await call('POST', path, body);
  expect(answer).toMatchObject({ status, body: { error: { code: 'invalid' } } });
});

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

test('the process says in one line where it listens, and ends on SIGTERM', async () => {
  await using child = await spawnProcess({
    name: 'ziik',
    command: process.execPath,
    args: [main],
    env: { DATABASE_URL: scratch.url, PORT: undefined },
  });
  const line = await until(
    () =>
      child
        .output()
        .split('\n')
        .find((one) => one.startsWith('{')),
    {
      deadlineMs: 10_000,
      what: 'the address',
    },
  );
  const { url } = JSON.parse(line) as { url: string };
  expect((await fetch(`${url}/_sim/state`)).status).toBe(200);
  expect(await child.stop()).toMatchObject({ code: 0 });
});

test('without a database the process says which variable is missing', async () => {
  await using child = await spawnProcess({
    name: 'ziik',
    command: process.execPath,
    args: [main],
    env: { DATABASE_URL: undefined },
  });
  expect(await child.exited).toMatchObject({ code: 1 });
  expect(child.output()).toContain('DATABASE_URL');
});
