import type { z } from 'zod';
import { Calls } from './calls.ts';
import type { CallOptions, ListOptions, Page } from './http.ts';
import { exchange } from './http-exchange.ts';
import { answers, encode, learningbank, maxPageSize, routes, type Token } from './learningbank-contract.ts';
import type { CreateOptions, LearningbankClient, LearningbankClientOptions } from './learningbank.ts';
import type { Route } from './route.ts';
import { Session } from './session.ts';
import { verifyAnswer, verifyFilter } from './verify-answer.ts';

/** A token is renewed this long before it expires, or a tenth of its life before, whichever is less. */
const marginMs = 60_000;

/** A client of one Learningbank platform; see {@link LearningbankClient} for what it promises. */
export function createLearningbankClient(options: LearningbankClientOptions): LearningbankClient {
  const calls = callsOf(options);
  return {
    login: async (given = {}) => {
      return (await calls.signIn(routes.token, given, (session) => session.renew())).platform;
    },
    platform: (given) => calls.make({ route: routes.platform, answer: answers.platform, ...signalOf(given) }),
    ...departmentCalls(calls),
    ...permissionTypeCalls(calls),
    jobProfiles: (filter = {}, given) => list(calls, routes.jobProfiles, answers.jobProfiles, filter, given),
    createJobProfile: (made, given) =>
      object(calls, routes.createJobProfile, answers.jobProfile, { body: encode.jobProfile(made), asked: made, given }),
    ...userCalls(calls),
    notificationTypes: (given) =>
      calls.make({ route: routes.notificationTypes, answer: answers.notificationTypes, ...signalOf(given) }),
    notifications: (after, { signal, pageSize = maxPageSize } = {}) =>
      calls.make({
        route: routes.notifications,
        answer: answers.notifications,
        query: new URLSearchParams({ after: `${after}`, pageSize: `${pageSize}` }),
        // Rising from there: a list that goes back would be read for ever.
        verify: (listed) => (listed.every(({ id }, n) => id > (listed[n - 1]?.id ?? after)) ? [] : ['id']),
        signal,
      }),
    createLoginLink: (forUser, redirectPath, given) =>
      calls.make({
        route: routes.createLoginLink,
        answer: answers.loginLink,
        body: encode.loginLink(forUser, redirectPath),
        ...signalOf(given),
      }),
  };
}

type HeldToken = Token & { readonly renewAtMs: number };
type LearningbankCalls = Calls<HeldToken>;

function callsOf({ credentials, baseUrl, ...options }: LearningbankClientOptions): LearningbankCalls {
  const settings = { ...options, vendor: learningbank, baseUrl: baseUrl.replace(/\/+$/u, '') };
  const now = options.now ?? Date.now;
  const body = encode.credentials(credentials);
  const fetchToken = async (): Promise<HeldToken> => {
    const token = await exchange(settings, { route: routes.token, body, answer: answers.token });
    const lifeMs = token.expiresInS * 1_000;
    return { ...token, renewAtMs: now() + lifeMs - Math.min(marginMs, lifeMs / 10) };
  };
  return new Calls(settings, new Session(fetchToken, now));
}

type Methods<K extends keyof LearningbankClient> = Pick<LearningbankClient, K>;

function departmentCalls(
  calls: LearningbankCalls,
): Methods<
  'departments' | 'getDepartment' | 'createDepartment' | 'updateDepartment' | 'moveDepartment' | 'deleteDepartment'
> {
  const answer = answers.department;
  return {
    departments: (filter = {}, given) => list(calls, routes.departments, answers.departments, filter, given),
    getDepartment: (id, given) => object(calls, routes.department(id), answer, { asked: { id }, given }),
    createDepartment: (made, given) =>
      object(calls, routes.createDepartment, answer, { body: encode.department(made), asked: made, given }),
    updateDepartment: (id, set, given) =>
      object(calls, routes.updateDepartment(id), answer, {
        body: encode.department(set),
        asked: { ...set, id },
        given,
      }),
    moveDepartment: (id, parentId, given) =>
      object(calls, routes.updateDepartment(id), answer, {
        body: encode.department({ parentId }),
        asked: { id, parentId },
        given,
      }),
    deleteDepartment: (id, given) => removal(calls, routes.deleteDepartment(id), given),
  };
}

function permissionTypeCalls(
  calls: LearningbankCalls,
): Methods<
  'permissionTypes' | 'getPermissionType' | 'createPermissionType' | 'updatePermissionType' | 'deletePermissionType'
> {
  const answer = answers.permissionType;
  return {
    permissionTypes: (filter = {}, given) =>
      list(calls, routes.permissionTypes, answers.permissionTypes, filter, given),
    getPermissionType: (id, given) => object(calls, routes.permissionType(id), answer, { asked: { id }, given }),
    createPermissionType: (made, given) =>
      object(calls, routes.createPermissionType, answer, { body: encode.permissionType(made), asked: made, given }),
    updatePermissionType: (id, set, given) =>
      object(calls, routes.updatePermissionType(id), answer, {
        body: encode.permissionType(set),
        asked: { ...set, id },
        given,
      }),
    deletePermissionType: (id, given) => removal(calls, routes.deletePermissionType(id), given),
  };
}

function userCalls(
  calls: LearningbankCalls,
): Methods<
  | 'users'
  | 'getUser'
  | 'createUser'
  | 'updateUser'
  | 'deactivateUser'
  | 'reactivateUser'
  | 'deleteUser'
  | 'setDepartments'
  | 'changePermissionTypes'
> {
  const answer = answers.user;
  return {
    users: (filter = {}, given) => list(calls, routes.users, answers.users, filter, given),
    getUser: (id, given) => object(calls, routes.user(id), answer, { asked: { id }, given }),
    createUser: (made, given) =>
      object(calls, routes.createUser, answer, { body: encode.newUser(made), asked: made, given }),
    updateUser: (id, set, given) =>
      object(calls, routes.updateUser(id), answer, { body: encode.user(set), asked: { ...set, id }, given }),
    deactivateUser: (id, given) =>
      object(calls, routes.deactivateUser(id), answer, { asked: { id, isActive: false }, given }),
    reactivateUser: (id, given) =>
      object(calls, routes.reactivateUser(id), answer, { asked: { id, isActive: true }, given }),
    deleteUser: (id, given) => removal(calls, routes.deleteUser(id), given),
    setDepartments: (id, departmentIds, given) =>
      object(calls, routes.setDepartments(id), answer, {
        body: encode.departments(departmentIds),
        asked: { id, departmentIds },
        given,
      }),
    changePermissionTypes: (id, delta, given) =>
      calls.make({
        route: routes.changePermissionTypes(id),
        answer,
        body: encode.permissionTypeDelta(delta),
        verify: (user) => [
          ...verifyAnswer({ id, permissionTypeIds: delta.add }, user),
          ...(delta.remove.some((one) => user.permissionTypeIds.includes(one)) ? ['permissionTypeIds'] : []),
        ],
        ...signalOf(given),
      }),
  };
}

function list<T extends object>(
  calls: LearningbankCalls,
  route: Route,
  answer: z.ZodType<Page<T>>,
  filter: object,
  given: ListOptions = {},
): AsyncGenerator<Page<T>, void, undefined> {
  const query = (page: number) => encode.query(filter, page, given.pageSize ?? maxPageSize);
  return calls.pages({ route, answer, query, misfits: (item) => verifyFilter(filter, item) }, given);
}

/** A call answered with one object, which must show what was asked for. */
function object<T extends object>(
  calls: LearningbankCalls,
  route: Route,
  answer: z.ZodType<T>,
  { body, asked, given }: { body?: unknown; asked: object; given: CreateOptions | undefined },
): Promise<T> {
  return calls.make({
    route,
    answer,
    body,
    idempotencyKey: given?.idempotencyKey,
    verify: (shown) => verifyAnswer(asked, shown),
    ...signalOf(given),
  });
}

function removal(calls: LearningbankCalls, route: Route, given: CallOptions | undefined): Promise<void> {
  return calls.make<void>({ route, answer: null, ...signalOf(given) });
}

function signalOf(given: CallOptions | undefined): CallOptions {
  return given?.signal === undefined ? {} : { signal: given.signal };
}
