import { expect, test } from 'vitest';
import { ClientContext, failureOf } from './client-context.ts';

test('one token serves all calls, also those that start at the same time', async () => {
  await using context = await ClientContext.open();
  await Promise.all(Array.from({ length: 50 }, () => context.lb.getDepartment(101)));
  expect(context.routes().filter((route) => route === 'auth.token')).toHaveLength(1);
});

test('a token is renewed before it expires', async () => {
  let nowMs = 1_000_000;
  await using context = await ClientContext.open({ now: () => nowMs });
  context.simulator.world.clock.set(nowMs, true);
  const at = async (ms: number) => {
    nowMs += ms;
    context.simulator.world.clock.advance(ms);
    await context.lb.getDepartment(101);
    return context.routes();
  };
  expect(await at(0)).toEqual(['auth.token', 'departments.get']);
  expect(await at(3_539_000)).toEqual(['departments.get']);
  expect(await at(2_000)).toEqual(['auth.token', 'departments.get']);
});

test('a token that lives shorter than the margin still serves', async () => {
  await using context = await ClientContext.open();
  context.platform.settings.tokenTtlS = 10;
  for (let n = 0; n < 3; n += 1) await context.lb.getDepartment(101);
  expect(context.routes()).toEqual(['auth.token', 'departments.get', 'departments.get', 'departments.get']);
});

test('a refused token is renewed once and the call, also a write, is made again', async () => {
  await using context = await ClientContext.open();
  await context.lb.login();
  context.platform.tokens.clear();
  context.routes();
  await context.lb.createDepartment({ name: 'A', parentId: 101 });
  expect(context.routes()).toEqual(['departments.create', 'auth.token', 'departments.create']);
  expect(context.platform.departments.byId.size).toBe(2);
});

test('many refused at once renew once', async () => {
  await using context = await ClientContext.open();
  await context.lb.login();
  context.platform.tokens.clear();
  context.routes();
  await Promise.all(Array.from({ length: 20 }, () => context.lb.getDepartment(101)));
  expect(context.routes().filter((route) => route === 'auth.token')).toHaveLength(1);
});

test('refused twice is refused: no third call', async () => {
  await using context = await ClientContext.open();
  await context.lb.login();
  context.routes();
  context.fault({ kind: 'unauthorized', match: { route: '/departments/:id' } });
  const error = await failureOf(context.lb.getDepartment(101));
  expect(error).toMatchObject({ code: 'TARGET_AUTH_FAILED', data: { route: 'departments.get' } });
  expect(context.routes()).toEqual(['departments.get', 'auth.token', 'departments.get']);
});

test('wrong credentials are TARGET_AUTH_FAILED, and new ones are tried with the next call', async () => {
  await using context = await ClientContext.open();
  const right = context.platform.credentials;
  context.platform.credentials = { ...right, password: 'changed' };
  const error = await failureOf(context.lb.getDepartment(101));
  expect(error).toMatchObject({
    code: 'TARGET_AUTH_FAILED',
    data: { route: 'auth.token', targetCode: 'invalid_credentials' },
  });
  expect(JSON.stringify(error.data)).not.toContain(right.password);
  context.platform.credentials = right;
  expect(await context.lb.getDepartment(101)).toMatchObject({ isTop: true });
});

test('login fetches a token even if there is one', async () => {
  await using context = await ClientContext.open();
  await context.lb.login();
  await context.lb.login();
  expect(context.routes()).toEqual(['auth.token', 'auth.token']);
});

test('one caller giving up does not end the token call of the others', async () => {
  await using context = await ClientContext.open();
  context.fault({ kind: 'latency', ms: 100, match: { route: '/auth/token' } });
  const stop = new AbortController();
  const gone = failureOf(context.lb.getDepartment(101, { signal: stop.signal }));
  const stays = context.lb.getDepartment(101);
  stop.abort();
  expect(await gone).toMatchObject({ code: 'TARGET_UNREACHABLE', data: { reason: 'aborted' } });
  expect(await stays).toMatchObject({ id: 101 });
});

test('every HTTP call is announced before it is made, and reported after', async () => {
  const announced: string[] = [];
  await using context = await ClientContext.open({
    beforeCall: async (call) => {
      await Promise.resolve();
      announced.push(`${call.method} ${call.route} ${call.write}`);
    },
  });
  await context.lb.createDepartment({ name: 'A', parentId: 101 });
  await failureOf(context.lb.createDepartment({ name: 'A', parentId: 101 }));
  expect(announced).toEqual(['POST auth.token false', 'POST departments.create true', 'POST departments.create true']);
  expect(context.calls).toMatchObject([
    { route: 'auth.token', status: 200 },
    { route: 'departments.create', status: 201 },
    { route: 'departments.create', status: 409, code: 'TARGET_CONFLICT' },
  ]);
  expect(context.calls.every((call) => call.durationMs > 0)).toBe(true);
});

test('a call that beforeCall refuses is not made', async () => {
  let refuse = false;
  await using context = await ClientContext.open({
    beforeCall: () => {
      if (refuse) throw new Error('lease lost');
    },
  });
  await context.lb.login();
  refuse = true;
  await expect(context.lb.createDepartment({ name: 'A', parentId: 101 })).rejects.toThrow('lease lost');
  expect(context.platform.departments.byId.size).toBe(1);
  expect(context.routes()).toEqual(['auth.token']);
});
