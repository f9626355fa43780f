import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createLearningbankClient, type LearningbankClient, type Page } from '@orgstream/clients';
import { ClientContext, failureOf, printed } from './client-context.ts';

const secretName = 'Zlatko';
const secretEmail = 'zlatko.private@example.dk';
const user = {
  email: secretEmail,
  firstName: secretName,
  lastName: 'Nielsen',
  isActive: true,
  departmentIds: [101],
  permissionTypeIds: [2],
};

async function first<T>(pages: AsyncIterable<Page<T>>): Promise<Page<T>> {
  for await (const page of pages) return page;
  throw new Error('no page');
}

/** Every method that calls, on a platform whose user is 10001, department 102, permission type 5. */
const reads: Record<string, (lb: LearningbankClient) => Promise<unknown>> = {
  platform: (lb) => lb.platform(),
  departments: (lb) => first(lb.departments({ name: 'A' })),
  getDepartment: (lb) => lb.getDepartment(102),
  permissionTypes: (lb) => first(lb.permissionTypes({ name: 'Cook' })),
  getPermissionType: (lb) => lb.getPermissionType(5),
  jobProfiles: (lb) => first(lb.jobProfiles({ name: 'Chef' })),
  users: (lb) => first(lb.users({ email: secretEmail })),
  getUser: (lb) => lb.getUser(10_001),
  createLoginLink: (lb) => lb.createLoginLink({ userId: 10_001 }),
};
const writes: Record<string, (lb: LearningbankClient) => Promise<unknown>> = {
  createDepartment: (lb) => lb.createDepartment({ name: 'New', parentId: 101 }),
  updateDepartment: (lb) => lb.updateDepartment(102, { name: 'B' }),
  moveDepartment: (lb) => lb.moveDepartment(103, 102),
  deleteDepartment: (lb) => lb.deleteDepartment(102),
  createPermissionType: (lb) => lb.createPermissionType({ name: 'New' }),
  updatePermissionType: (lb) => lb.updatePermissionType(5, { name: 'New' }),
  deletePermissionType: (lb) => lb.deletePermissionType(5),
  createJobProfile: (lb) => lb.createJobProfile({ name: 'New' }),
  createUser: (lb) => lb.createUser({ ...user, email: 'second.private@example.dk' }),
  updateUser: (lb) => lb.updateUser(10_001, { firstName: 'Other' }),
  deactivateUser: (lb) => lb.deactivateUser(10_001),
  reactivateUser: (lb) => lb.reactivateUser(10_001),
  deleteUser: (lb) => lb.deleteUser(10_001),
  setDepartments: (lb) => lb.setDepartments(10_001, [102]),
  changePermissionTypes: (lb) => lb.changePermissionTypes(10_001, { add: [3], remove: [2] }),
};

async function open(timeoutMs = 5_000): Promise<ClientContext> {
  const context = await ClientContext.open({ timeoutMs });
  const { platform } = context;
  platform.departments.create({ name: 'A' });
  platform.departments.create({ name: 'C' });
  platform.permissionTypes.create({ name: 'Cook' });
  platform.jobProfiles.create({ name: 'Chef' });
  platform.users.create(user);
  await context.lb.login();
  return context;
}

/** A fault, what it must become, and whether a write may have been done. */
const kinds = [
  [{ kind: 'hang' }, { code: 'TARGET_UNREACHABLE', data: { reason: 'timeout' } }, true],
  [{ kind: 'latency', ms: 60_000 }, { code: 'TARGET_UNREACHABLE', data: { reason: 'timeout' } }, true],
  [{ kind: 'reset_before' }, { code: 'TARGET_UNREACHABLE', data: { reason: 'ECONNRESET' } }, true],
  [{ kind: 'reset_after_write' }, { code: 'TARGET_UNREACHABLE', data: { reason: 'ECONNRESET' } }, true],
  [{ kind: 'html' }, { code: 'TARGET_ANSWER_INVALID', data: { reason: 'content_type' } }, true],
  [{ kind: 'half_json' }, { code: 'TARGET_ANSWER_INVALID', data: { reason: 'not_json' } }, true],
  [{ kind: 'status', status: 500 }, { code: 'TARGET_ERROR', data: { status: 500 } }, true],
  [{ kind: 'status', status: 503, retryAfterS: 9 }, { code: 'TARGET_ERROR', waitMs: 9_000 }, true],
  [{ kind: 'status', status: 429, retryAfterS: 3 }, { code: 'TARGET_RATE_LIMITED', waitMs: 3_000 }, false],
  [{ kind: 'unauthorized' }, { code: 'TARGET_AUTH_FAILED' }, false],
  [{ kind: 'forbidden' }, { code: 'TARGET_FORBIDDEN', data: { targetCode: 'forbidden' } }, false],
  [{ kind: 'status', status: 409 }, { code: 'TARGET_CONFLICT', data: { targetCode: 'injected' } }, false],
  [{ kind: 'status', status: 422 }, { code: 'TARGET_REFUSED', data: { fields: [] } }, false],
  [{ kind: 'status', status: 400 }, { code: 'TARGET_REFUSED', data: { status: 400 } }, false],
] as const;

describe.each(kinds)('%j', (fault, expected, writeMayBeDone) => {
  test(`is ${expected.code} for every method, without a word of the body; ambiguous for a write: ${writeMayBeDone}`, async () => {
    const short = fault.kind === 'hang' || fault.kind === 'latency';
    await using context = await open(short ? 1_500 : 5_000);
    context.fault(fault);
    const calls = Object.entries({ ...reads, ...writes });
    const failures = await Promise.all(
      calls.map(async ([name, call]) => ({ name, error: await failureOf(call(context.lb)) })),
    );
    for (const { name, error } of failures) {
      expect([name, error]).toMatchObject([name, expected]);
      expect([name, error.data['ambiguous']]).toEqual([name, writeMayBeDone && name in writes ? true : undefined]);
      expect(printed(error)).not.toMatch(/zlatko|private|doctype|Injected/iu);
    }
  });
});

test('an empty 200 is an invalid answer, but for a deletion, which needs none', async () => {
  await using context = await open();
  context.fault({ kind: 'empty' });
  for (const [name, call] of Object.entries({ ...reads, ...writes })) {
    if (name.startsWith('delete')) continue;
    const error = await failureOf(call(context.lb));
    expect([name, error.code, error.data['reason']]).toEqual([name, 'TARGET_ANSWER_INVALID', 'empty']);
  }
});

test('a 200 that shows other values than asked for is an invalid answer, whatever was asked', async () => {
  await using context = await open();
  context.fault({ kind: 'lying_values' });
  const { getUser: _a, getDepartment: _b, getPermissionType: _c, platform: _d, ...askedByValue } = reads;
  for (const [name, call] of Object.entries({ ...askedByValue, ...writes })) {
    const error = await failureOf(call(context.lb));
    expect([name, error.code]).toEqual([name, 'TARGET_ANSWER_INVALID']);
    expect(error.data['ambiguous']).toBe(name in writes ? true : undefined);
    expect(printed(error)).not.toMatch(/zlatko|private|\(other\)/iu);
  }
  context.noFaults();
  expect((await context.lb.getUser(10_001)).firstName).toBe(secretName);
});

test('a refusal names its fields, never their values', async () => {
  await using context = await open();
  const error = await failureOf(
    context.lb.createUser({ ...user, firstName: secretName.repeat(60), email: `${secretEmail} x`, departmentIds: [9] }),
  );
  expect(error).toMatchObject({ code: 'TARGET_REFUSED', data: { targetCode: 'validation_failed', status: 422 } });
  expect((error.data['fields'] as string[]).toSorted()).toEqual(['email', 'firstName']);
  expect(printed(error)).not.toMatch(/zlatko|private/iu);
});

test.each([
  ['name_taken', (lb: LearningbankClient) => lb.createDepartment({ name: 'A', parentId: 101 })],
  ['name_taken', (lb: LearningbankClient) => lb.createPermissionType({ name: 'Cook' })],
  ['email_taken', (lb: LearningbankClient) => lb.createUser(user)],
  [
    'not_empty',
    async (lb: LearningbankClient) => {
      await lb.moveDepartment(103, 102);
      await lb.deleteDepartment(102);
    },
  ],
])('a conflict carries the code %s', async (targetCode, call) => {
  await using context = await open();
  const error = await failureOf(call(context.lb));
  expect(error).toMatchObject({ code: 'TARGET_CONFLICT', data: { targetCode } });
  expect(error.data['ambiguous']).toBeUndefined();
});

test('protected objects are forbidden, cycles refused', async () => {
  await using context = await open();
  const { lb } = context;
  expect(await failureOf(lb.updateDepartment(101, { name: 'X' }))).toMatchObject({
    code: 'TARGET_FORBIDDEN',
    data: { targetCode: 'protected' },
  });
  expect(await failureOf(lb.moveDepartment(102, 102))).toMatchObject({
    code: 'TARGET_REFUSED',
    data: { targetCode: 'cycle' },
  });
});

test('nobody listens: unreachable, and surely not done', async () => {
  await using context = await ClientContext.open();
  await context.lb.login();
  await context.simulator.close();
  const error = await failureOf(context.lb.createDepartment({ name: 'A', parentId: 101 }));
  expect(error).toMatchObject({ code: 'TARGET_UNREACHABLE' });
  const again = await failureOf(context.lb.createDepartment({ name: 'A', parentId: 101 }));
  expect(again.data).toMatchObject({ reason: 'ECONNREFUSED' });
  expect(again.data['ambiguous']).toBeUndefined();
});

test('a caller ends a call by its signal: ambiguous when it was under way, not when it was not', async () => {
  await using context = await open();
  const lb = context.client({ timeoutMs: 60_000 });
  await lb.login();
  context.fault({ kind: 'hang', match: { route: '/users' } });
  const stop = new AbortController();
  const call = failureOf(lb.createUser({ ...user, email: null }, { signal: stop.signal }));
  await until(() => context.simulator.world.faults.list().some((fault) => fault.hits === 1));
  stop.abort();
  expect((await call).data).toMatchObject({ reason: 'aborted', ambiguous: true });
  const late = await failureOf(lb.createUser({ ...user, email: null }, { signal: stop.signal }));
  expect(late.code).toBe('TARGET_UNREACHABLE');
  expect(late.data['ambiguous']).toBeUndefined();
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it never became true');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Answers that no simulator of a well-made API gives: from proxies, portals and other versions. */
describe('answers from elsewhere', () => {
  const token = { accessToken: 't', tokenType: 'Bearer', expiresIn: 3_600, platform: { id: 1, name: 'P', url: 'x' } };
  const page = (over: object, items: unknown[] = []) => ({
    data: items,
    meta: { page: 1, pageSize: 200, total: items.length, totalPages: 1, ...over },
  });
  type Reply = { status?: number; type?: string; body?: string | object; headers?: Record<string, string> };

  async function ask(reply: Reply | ((url: string) => Reply), call: (lb: LearningbankClient) => Promise<unknown>) {
    const server = createServer((req, res) => {
      const isToken = req.url?.endsWith('/auth/token') === true;
      const answer: Reply = isToken ? { body: token } : typeof reply === 'function' ? reply(req.url ?? '') : reply;
      const { status = 200, type = 'application/json', body = '', headers = {} } = answer;
      res.writeHead(status, { 'Content-Type': type, ...headers });
      res.end(typeof body === 'string' ? body : JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const lb = createLearningbankClient({
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1/`,
        credentials: { username: 'u', password: 'p' },
        timeoutMs: 2_000,
      });
      return await call(lb);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  const invalid = (reason: string) => ({ code: 'TARGET_ANSWER_INVALID', data: { reason } });

  test.each([
    ["a proxy's own 404", { status: 404, type: 'text/html', body: '<h1>Not found</h1>' }, 'not_from_api'],
    ["a proxy's own 404 in JSON", { status: 404, body: { message: 'no route' } }, 'not_from_api'],
    ['a redirect to a login page', { status: 302, headers: { Location: '/login' } }, 'redirect'],
    ['JSON of another shape', { body: { data: { id: 'seven' } } }, 'shape'],
    ['JSON that calls itself text', { type: 'text/plain', body: { data: {} } }, 'content_type'],
    [
      'a user of another id',
      {
        body: { data: { id: 8, firstName: 'A', lastName: 'B', isActive: true, departments: [], permissionTypes: [] } },
      },
      'values',
    ],
  ] as const)('%s is not a user', async (_, reply, reason) => {
    expect(await failureOf(ask(reply, (lb) => lb.getUser(7)))).toMatchObject(invalid(reason));
  });

  test('unknown fields and missing optional ones are no trouble', async () => {
    const body = {
      data: {
        id: 7,
        firstName: 'A',
        lastName: 'B',
        isActive: true,
        departments: [{ id: 2, x: 1 }],
        permissionTypes: [],
        new: {},
      },
      links: {},
    };
    expect(await ask({ type: 'application/vnd.api+json; charset=utf-8', body }, (lb) => lb.getUser(7))).toMatchObject({
      id: 7,
      email: null,
      externalId: null,
      departmentIds: [2],
      isAnonymised: false,
    });
  });

  test('the primary department comes first, wherever the platform lists it', async () => {
    const departments = [
      { id: 2, isPrimary: false },
      { id: 5, isPrimary: true },
    ];
    const body = { data: { id: 7, firstName: 'A', lastName: 'B', isActive: true, departments, permissionTypes: [] } };
    expect(await ask({ body }, (lb) => lb.getUser(7))).toMatchObject({ departmentIds: [5, 2] });
  });

  test('a wrong base URL is not an empty platform', async () => {
    const notFound = { status: 404, body: { error: { code: 'not_found', message: 'no such route' } } };
    expect(await failureOf(ask(notFound, (lb) => first(lb.users())))).toMatchObject(invalid('not_from_api'));
  });

  test('a platform that ignores the filter does not find strangers', async () => {
    const stranger = {
      id: 7,
      email: 'eva@example.dk',
      firstName: 'E',
      lastName: 'V',
      isActive: true,
      departments: [],
      permissionTypes: [],
    };
    const error = await failureOf(ask({ body: page({}, [stranger]) }, (lb) => first(lb.users({ email: secretEmail }))));
    expect(error).toMatchObject({ code: 'TARGET_ANSWER_INVALID', data: { reason: 'values', fields: ['email'] } });
  });

  test('a platform that ignores the page number, or ends before its count, is not listed', async () => {
    const all = async (lb: LearningbankClient) => {
      for await (const one of lb.jobProfiles()) expect(one.page).toBe(1);
    };
    expect(await failureOf(ask({ body: page({ totalPages: 3 }, [{ id: 1, name: 'A' }]) }, all))).toMatchObject({
      data: { fields: ['page'] },
    });
    expect(await failureOf(ask({ body: page({ totalPages: 3 }) }, all))).toMatchObject({
      data: { fields: ['totalPages'] },
    });
  });

  test('a deletion answered with the object is not a deletion', async () => {
    expect(await failureOf(ask({ body: { data: { id: 7 } } }, (lb) => lb.deleteDepartment(7)))).toMatchObject({
      code: 'TARGET_ANSWER_INVALID',
      data: { reason: 'values', ambiguous: true },
    });
  });

  test('words of the answer that are not words of an API stay out of errors', async () => {
    const body = {
      error: { code: `taken by ${secretEmail}`, message: secretName, fields: { [secretEmail]: ['x'], name: ['x'] } },
    };
    const error = await failureOf(ask({ status: 422, body }, (lb) => lb.getUser(7)));
    expect(error).toMatchObject({ code: 'TARGET_REFUSED', data: { fields: ['name'] } });
    expect(error.data['targetCode']).toBeUndefined();
    expect(printed(error)).not.toMatch(/zlatko/iu);
  });

  test.each([
    ['Retry-After as a date', { 'Retry-After': 'Thu, 01 Jan 1970 00:00:10 GMT' }, 4_000],
    ['no Retry-After', {}, undefined],
    ['an unreadable one', { 'Retry-After': 'later' }, undefined],
  ])('429 with %s', async (_, headers, waitMs) => {
    const reply = { status: 429, headers: headers as Record<string, string>, body: '' };
    const server = createServer((_req, res) => res.writeHead(reply.status, reply.headers).end()).listen(0, '127.0.0.1');
    try {
      await once(server, 'listening');
      const lb = createLearningbankClient({
        baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        credentials: { username: 'u', password: 'p' },
        timeoutMs: 2_000,
        now: () => 6_000,
      });
      const error = await failureOf(lb.login());
      expect([error.code, error.waitMs]).toEqual(['TARGET_RATE_LIMITED', waitMs]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
