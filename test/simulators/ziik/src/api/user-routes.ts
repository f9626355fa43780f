import { z } from 'zod';
import type { Answer } from '@orgstream/simulator-kit';
import { forbidden, notFound } from './api-error.ts';
import type { ApiCall, ApiRoute } from './call.ts';
import { parse } from './input.ts';
import { envelope, pageOf } from './paging.ts';
import { emptyObject, unitRef } from './render-unit.ts';
import { userDetail, userSummary } from './render-user.ts';
import { unitsAbove } from './unit-store.ts';
import { listUsers, membershipsOf, userByReference, usersById, type UserFilter, type UserRow } from './user-store.ts';

const text = z.string().trim().min(1).optional().catch(undefined);
/** One id, a list, or `1,2`. */
const ids = z
  .union([z.array(z.coerce.string()), z.coerce.string().transform((list) => list.split(','))])
  .transform((list) => list.filter((id) => /^\d{1,18}$/.test(id)))
  .optional();
const List = z.object({ inactive: z.unknown().optional(), unit: ids, userTypes: ids });
const Search = z.object({ keyword: text, email: text, units: ids, userTypes: ids });

/** `/users` and what is below it; people are only read here. */
export const userRoutes: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/users',
    run: async (call) => {
      const { inactive, unit, userTypes } = parse(List, call.input);
      if (inactive !== undefined && !call.actor.admin) throw forbidden('Only administrators list inactive users');
      return list(call, '/users', 15, { active: inactive === undefined, units: unit, userTypes });
    },
  },
  {
    method: 'get',
    path: '/users/search',
    run: async (call) => list(call, '/users/search', 50, { active: true, ...parse(Search, call.input) }),
  },
  { method: 'get', path: '/users/current', run: current },
  {
    method: 'get',
    path: '/users/reference/:reference',
    run: async (call) => {
      const user = await userByReference(call.db, call.site.id, call.params['reference'] ?? '');
      return { status: 200, body: { data: await detail(call, user) } };
    },
  },
  {
    method: 'get',
    path: '/users/:id',
    run: async (call) => ({ status: 200, body: { data: await detail(call, await wanted(call)) } }),
  },
  { method: 'get', path: '/users/:id/units', run: units },
];

async function list(call: ApiCall, path: string, limit: number, filter: UserFilter): Promise<Answer> {
  const page = pageOf(call, { limit });
  const { users, total } = await listUsers(call.db, call.site.id, filter, page);
  const data = users.map((user) => userSummary(call, user));
  const permissions = { edit: call.actor.admin, delete: call.actor.admin };
  const shown = path === '/users/search' ? data.map((user) => ({ ...user, permissions })) : data;
  return { status: 200, body: envelope(call, path, { data: shown, total, page }) };
}

async function current(call: ApiCall): Promise<Answer> {
  const [user] = (await usersById(call.db, call.site.id, [call.actor.id])).values();
  const nobody = emptyObject(call.site.settings);
  const memberUnits = (await memberships(call, call.actor.id)).map((one) => ({ ...one, abilities: nobody }));
  return { status: 200, body: { data: { ...(await detail(call, user)), abilities: nobody, memberUnits } } };
}

async function units(call: ApiCall): Promise<Answer> {
  const user = await wanted(call);
  if (!call.actor.admin && call.actor.id !== user.id) throw forbidden('You may not edit this user');
  const permissions = { edit: true, delete: true };
  const data = (await memberships(call, user.id)).map((one) => ({ ...one, permissions }));
  return { status: 200, body: { data } };
}

async function memberships(call: ApiCall, userId: string): Promise<Record<string, unknown>[]> {
  const { settings, id } = call.site;
  const rows = await membershipsOf(call.db, id, userId);
  const unitIds = rows.flatMap((row) => [row.unitId, ...(row.departmentId === null ? [] : [row.departmentId])]);
  const known = await unitsAbove(call.db, id, unitIds);
  return rows.map((row) => ({
    abilities: emptyObject(settings),
    unit: unitRef(known, row.unitId, settings),
    department: unitRef(known, row.departmentId, settings) ?? emptyObject(settings),
    userTypes: row.roles,
  }));
}

async function wanted(call: ApiCall): Promise<UserRow> {
  const id = call.params['id'] ?? '';
  const [user] = /^\d{1,18}$/.test(id) ? (await usersById(call.db, call.site.id, [id])).values() : [];
  if (!user) throw notFound('user');
  return user;
}

async function detail(call: ApiCall, user: UserRow | undefined): Promise<object> {
  if (!user) throw notFound('user');
  const roles = (await membershipsOf(call.db, call.site.id, user.id)).flatMap((one) => one.roles);
  const distinct = [...new Map(roles.map((role) => [role.id, role])).values()];
  return userDetail(call, user, distinct);
}
