import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createServer } from 'node:http';
import { createHmac } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { request, SimContext } from './sim-context.ts';

test('the process prints one line when it listens, and ends on SIGTERM', async () => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const child = spawn(process.execPath, [main], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PORT: '0' },
  });
  try {
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
    const { url, platform } = JSON.parse(line) as { url: string; platform: { url: string; credentials: unknown } };
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/u);
    const token = await request(`${platform.url}/auth/token`, 'POST', platform.credentials);
    expect(token.status).toBe(200);
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  } finally {
    child.kill('SIGKILL');
  }
});

test('the state holds everything, ids only, in order', async () => {
  await using lb = await SimContext.open({
    departments: [{ name: 'A' }, { name: 'B', parent: 'A', externalId: 'x' }],
    permissionTypes: ['Cook'],
    jobProfiles: ['Chef'],
    users: [
      {
        firstName: 'F',
        lastName: 'L',
        email: 'f@example.dk',
        departments: ['B', 'A'],
        permissionTypes: ['Cook', 'Manager'],
        jobProfile: 'Chef',
      },
    ],
  });
  const { body } = await lb.sim('GET', `/state?platform=${lb.platform.id}`);
  expect(body.departments).toMatchObject([
    { isTop: true },
    { id: 102, name: 'A' },
    { id: 103, parentId: 102, externalId: 'x' },
  ]);
  expect(body.users).toMatchObject([{ departmentIds: [103, 102], permissionTypeIds: [5, 2], jobProfileId: 501 }]);
  expect(body.permissionTypes.at(-1)).toEqual({ id: 5, name: 'Cook', externalId: null, isSystem: false });
});

test('a platform seeded with what does not exist is refused and not made', async () => {
  await using lb = await SimContext.open();
  const before = (await lb.sim('GET', '/platforms')).body.length as number;
  const refused = await lb.sim('POST', '/platforms', {
    users: [{ firstName: 'A', lastName: 'B', departments: ['No'] }],
  });
  expect(refused.status).toBe(422);
  expect((await lb.sim('GET', '/platforms')).body).toHaveLength(before);
});

test('calls are logged with their object, body and status, and counted', async () => {
  await using lb = await SimContext.open();
  const { lastSeq } = (await lb.sim('GET', '/calls?summary')).body;
  const id = await lb.create('/departments', { name: 'A' });
  await lb.api('PATCH', `/departments/${id}`, { name: 'B' });
  await lb.api('GET', '/departments/9');
  const calls = (await lb.sim('GET', `/calls?platform=${lb.platform.id}&since=${lastSeq}`)).body;
  expect(calls).toMatchObject([
    { seq: lastSeq + 1, method: 'POST', route: '/departments', status: 201, objectId: id, body: { name: 'A' } },
    { method: 'PATCH', route: '/departments/:id', status: 200, objectId: id, body: { name: 'B' } },
    { method: 'GET', route: '/departments/:id', path: `/p/${lb.platform.id}/api/v1/departments/9`, status: 404 },
  ]);
  expect((await lb.sim('GET', `/calls?since=${calls[1].seq}`)).body).toHaveLength(1);
  const summary = (await lb.sim('GET', `/calls?summary&platform=${lb.platform.id}`)).body;
  expect(summary).toMatchObject({ total: 4, reads: 1, writes: 2, auth: 1, byRoute: { 'POST /departments': 1 } });
  expect((await lb.sim('GET', '/calls?summary&platform=1')).body.total).toBe(0);
});

test('credentials never reach the log', async () => {
  await using lb = await SimContext.open();
  const text = JSON.stringify((await lb.sim('GET', '/calls')).body);
  expect(text).toContain('/auth/token');
  expect(text).not.toContain(lb.platform.credentials['password']);
});

test('reset leaves one empty platform', async () => {
  await using lb = await SimContext.open();
  await lb.sim('POST', '/faults', { kind: 'status' });
  await lb.sim('POST', '/reset');
  expect((await lb.sim('GET', '/platforms')).body).toHaveLength(1);
  expect((await lb.sim('GET', '/faults')).body).toEqual([]);
  expect((await lb.sim('GET', '/calls?summary')).body.total).toBe(0);
  expect((await lb.sim('GET', `/state?platform=${lb.platform.id}`)).status).toBe(404);
});

test('activation mails are recorded when the platform sends them, for active users', async () => {
  await using lb = await SimContext.open({ activationMails: true });
  const id = await lb.create('/users', { firstName: 'A', lastName: 'B' });
  await lb.create('/users', { firstName: 'C', lastName: 'D', isActive: false });
  const state = (await lb.sim('GET', `/state?platform=${lb.platform.id}`)).body;
  expect(state.activationMails).toMatchObject([{ userId: id }]);
});

test('a notification leaves when its Ziik channel is on, signed, and is listed to be polled', async () => {
  await using lb = await SimContext.open();
  const got: { signature: string; body: string }[] = [];
  const hook = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => (body += chunk.toString()));
    req.on('end', () => {
      got.push({ signature: String(req.headers['x-learningbank-signature']), body });
      res.end();
    });
  }).listen(0, '127.0.0.1');
  try {
    await once(hook, 'listening');
    const url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`;
    await lb.sim('PATCH', `/platforms/${lb.platform.id}`, { notificationHook: { url, secret: 's3cret' } });
    const userId = await lb.create('/users', { firstName: 'A', lastName: 'B', email: 'a@example.dk' });
    const note = { platform: lb.platform.id, type: 'module.assigned', userId, fields: { moduleName: 'Hygiene' } };
    expect((await lb.sim('POST', '/notifications', note)).body.notification).toBeNull();
    await lb.api('PATCH', '/notification-types/module.assigned', { channels: { ziik: { enabled: true } } });
    const sent = (await lb.sim('POST', '/notifications', { ...note, deliveries: 2 })).body;
    expect(sent.hookStatuses).toEqual([200, 200]);
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/u.exec(got[0]?.signature ?? '') ?? [];
    expect(v1).toBe(createHmac('sha256', 's3cret').update(`${t}.${got[0]?.body}`).digest('hex'));
    expect(JSON.parse(got[1]?.body ?? '')).toMatchObject({ id: 1, receiver: { userId, email: 'a@example.dk' } });
    expect((await lb.api('GET', '/notifications?after=0')).body.data).toMatchObject([{ id: 1 }]);
    expect((await lb.api('GET', '/notifications?after=1')).body.data).toEqual([]);
  } finally {
    hook.closeAllConnections();
    hook.close();
  }
});

test('a mandatory notification cannot be switched off everywhere', async () => {
  await using lb = await SimContext.open();
  const got = await lb.api('PATCH', '/notification-types/user.activation', { channels: { email: { enabled: false } } });
  expect([got.status, got.body.error.code]).toEqual([422, 'mandatory']);
});

test('twenty thousand users do not slow a call down', async () => {
  await using lb = await SimContext.open({
    users: Array.from({ length: 20_000 }, (_, i) => ({ firstName: 'A', lastName: 'B', email: `u${i}@example.dk` })),
  });
  const platform = lb.simulator.world.platform(lb.platform.id);
  const startedAt = performance.now();
  for (let i = 0; i < 5_000; i += 1) {
    platform.users.find({ email: `u${i}@example.dk` });
    platform.users.update(10_001 + i, { firstName: 'C' });
    platform.users.changePermissionTypes(10_001 + i, [2], []);
  }
  // A scan of everybody per call would take minutes.
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});
