import { randomBytes } from 'node:crypto';
import { ApiError, invalidField } from './api-error.ts';
import type { Call, RouteSpec } from './exchange.ts';
import { renderPage, renderUser } from './render.ts';
import { bodies, parse, queries } from './validate.ts';

const linkTtlMs = 60_000;

const shown = (call: Call) => ({ data: renderUser(call.platform, call.platform.users.get(call.id)) });
const showUser = (call: Call) => {
  const data = shown(call);
  return { status: 200, body: data };
};

function listUsers({ platform, query }: Call): object {
  return renderPage(platform.users.find(parse(queries.users, query)), query, (user) =>
    renderUser(platform, user),
  ) as object;
}

/** A user that was never made: what a lying answer to a create shows. */
function imaginary({ body }: Call): object {
  const nobody = {
    id: 9_999_999,
    externalId: null,
    username: 'nobody',
    email: null,
    phone: null,
    language: 'da',
    isActive: true,
    departments: [],
    jobProfile: null,
    permissionTypes: [],
    firstDay: null,
    lastDay: null,
    isAnonymised: false,
  };
  return { data: { ...nobody, ...(body as object) } };
}

/** A write on one user, answered with that user. */
function onUser(method: RouteSpec['method'], path: string, write: (call: Call) => void): RouteSpec {
  return {
    method,
    path,
    run: (call) => {
      write(call);
      return showUser(call);
    },
    show: shown,
  };
}

function createLoginLink({ platform, origin, body }: Call): { url: string; expiresAt: string } {
  const wanted = parse(bodies.loginLink, body);
  const given = [wanted.userId, wanted.externalId, wanted.email].filter((value) => value !== undefined);
  if (given.length !== 1) throw invalidField('userId', 'give one of userId, externalId, email');
  const [user] =
    wanted.userId === undefined
      ? platform.users.find({ email: wanted.email, externalId: wanted.externalId })
      : [platform.users.byId.get(wanted.userId)];
  if (!user) throw new ApiError(404, 'user_not_found', 'No such user');
  if (!user.isActive) throw new ApiError(403, 'user_inactive', 'The user is deactivated');
  const token = randomBytes(24).toString('base64url');
  const expiresAtMs = platform.clock.now() + linkTtlMs;
  platform.loginLinks.set(token, {
    userId: user.id,
    redirectPath: wanted.redirectPath ?? '/',
    expiresAtMs,
    used: false,
  });
  return {
    url: `${origin}/p/${platform.id}/auto-login?token=${token}`,
    expiresAt: new Date(expiresAtMs).toISOString(),
  };
}

/** `/users` and all below it, and `/login-links`. */
export const userRoutes: readonly RouteSpec[] = [
  { method: 'get', path: '/users', run: (call) => ({ status: 200, body: listUsers(call) }), show: listUsers },
  {
    method: 'post',
    path: '/users',
    run: ({ platform, body }) => {
      const user = platform.users.create(parse(bodies.userCreate, body));
      return { status: 201, body: { data: renderUser(platform, user) } };
    },
    show: imaginary,
  },
  { method: 'get', path: '/users/:id', run: showUser, show: shown },
  onUser('patch', '/users/:id', ({ platform, id, body }) => {
    platform.users.update(id, parse(bodies.userUpdate, body));
  }),
  {
    method: 'delete',
    path: '/users/:id',
    run: ({ platform, id }) => {
      platform.users.delete(id);
      return { status: 204 };
    },
    show: shown,
  },
  onUser('post', '/users/:id/deactivate', ({ platform, id }) => {
    platform.users.update(id, { isActive: false });
  }),
  onUser('post', '/users/:id/reactivate', ({ platform, id }) => {
    if (platform.users.get(id).isAnonymised) throw new ApiError(409, 'anonymised', 'The user is anonymised');
    platform.users.update(id, { isActive: true });
  }),
  onUser('post', '/users/:id/anonymise', ({ platform, id }) => {
    platform.users.anonymise(id);
  }),
  onUser('put', '/users/:id/departments', ({ platform, id, body }) => {
    platform.users.update(id, parse(bodies.userDepartments, body));
  }),
  onUser('put', '/users/:id/permission-types', ({ platform, id, body }) => {
    const { add, remove } = parse(bodies.permissionTypeDelta, body);
    platform.users.changePermissionTypes(id, add, remove);
  }),
  {
    method: 'post',
    path: '/login-links',
    run: (call) => ({ status: 201, body: { data: createLoginLink(call) } }),
    show: () => ({ data: { url: '', expiresAt: '' } }),
  },
];
