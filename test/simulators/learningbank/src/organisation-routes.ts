import type { Answer } from '@orgstream/simulator-kit';
import type { Call, RouteSpec } from './exchange.ts';
import { renderDepartment, renderJobProfile, renderPage, renderPermissionType, renderPlatform } from './render.ts';
import { bodies, parse, queries } from './validate.ts';

const department = (call: Call, id: number) => ({
  data: renderDepartment(call.platform, call.platform.departments.get(id)),
});
const permissionType = (call: Call, id: number) => ({
  data: renderPermissionType(call.platform, call.platform.permissionTypes.get(id)),
});
const jobProfile = (call: Call, id: number) => ({
  data: renderJobProfile(call.platform, call.platform.jobProfiles.get(id)),
});
/** An object that was never made: what a lying answer to a create shows. */
const imaginary = (call: Call) => ({
  data: { id: 999_999, externalId: null, parentId: null, ...(call.body as object) },
});
const ok = (body: unknown): Answer => ({ status: 200, body });
const created = (body: unknown): Answer => ({ status: 201, body });
const done: Answer = { status: 204 };

function listDepartments({ platform, query }: Call): unknown {
  const filter = parse(queries.departments, query);
  const since = filter.updatedSince === undefined ? null : Date.parse(filter.updatedSince);
  const found = platform.departments.find(filter);
  const fresh = since === null ? found : found.filter((one) => Date.parse(one.updatedAt) >= since);
  return renderPage(fresh, query, (one) => renderDepartment(platform, one));
}

function listPermissionTypes({ platform, query }: Call): unknown {
  const { name, externalId } = parse(queries.named, query);
  const found = [...platform.permissionTypes.byId.values()].filter(
    (type) =>
      (name === undefined || type.name === name) && (externalId === undefined || type.externalId === externalId),
  );
  return renderPage(found, query, (type) => renderPermissionType(platform, type));
}

function listJobProfiles({ platform, query }: Call): unknown {
  const { name } = parse(queries.named, query);
  const found = [...platform.jobProfiles.byId.values()].filter((one) => name === undefined || one.name === name);
  return renderPage(found, query, (profile) => renderJobProfile(platform, profile));
}

const departments: RouteSpec[] = [
  {
    method: 'get',
    path: '/departments',
    run: (call) => ok(listDepartments(call)),
    show: (call) => listDepartments(call) as object,
  },
  {
    method: 'post',
    path: '/departments',
    run: (call) => {
      const { id } = call.platform.departments.create(parse(bodies.departmentCreate, call.body));
      return created(department(call, id));
    },
    show: imaginary,
  },
  {
    method: 'get',
    path: '/departments/:id',
    run: (call) => ok(department(call, call.id)),
    show: (call) => department(call, call.id),
  },
  {
    method: 'patch',
    path: '/departments/:id',
    run: (call) => {
      call.platform.departments.update(call.id, parse(bodies.departmentUpdate, call.body));
      return ok(department(call, call.id));
    },
    show: (call) => department(call, call.id),
  },
  {
    method: 'delete',
    path: '/departments/:id',
    run: ({ platform, id }) => {
      platform.departments.delete(id);
      platform.users.dropDepartment(id);
      return done;
    },
    show: (call) => department(call, call.id),
  },
];

const permissionTypes: RouteSpec[] = [
  {
    method: 'get',
    path: '/permission-types',
    run: (call) => ok(listPermissionTypes(call)),
    show: (call) => listPermissionTypes(call) as object,
  },
  {
    method: 'post',
    path: '/permission-types',
    run: (call) => {
      const { id } = call.platform.permissionTypes.create(parse(bodies.permissionTypeCreate, call.body));
      return created(permissionType(call, id));
    },
    show: imaginary,
  },
  {
    method: 'get',
    path: '/permission-types/:id',
    run: (call) => ok(permissionType(call, call.id)),
    show: (call) => permissionType(call, call.id),
  },
  {
    method: 'patch',
    path: '/permission-types/:id',
    run: (call) => {
      call.platform.permissionTypes.update(call.id, parse(bodies.permissionTypeUpdate, call.body));
      return ok(permissionType(call, call.id));
    },
    show: (call) => permissionType(call, call.id),
  },
  {
    method: 'delete',
    path: '/permission-types/:id',
    run: ({ platform, id }) => {
      platform.permissionTypes.delete(id);
      platform.users.dropPermissionType(id);
      return done;
    },
    show: (call) => permissionType(call, call.id),
  },
];

const jobProfiles: RouteSpec[] = [
  {
    method: 'get',
    path: '/job-profiles',
    run: (call) => ok(listJobProfiles(call)),
    show: (call) => listJobProfiles(call) as object,
  },
  {
    method: 'post',
    path: '/job-profiles',
    run: (call) => {
      const { id } = call.platform.jobProfiles.create(parse(bodies.jobProfileCreate, call.body));
      return created(jobProfile(call, id));
    },
    show: imaginary,
  },
  {
    method: 'get',
    path: '/job-profiles/:id',
    run: (call) => ok(jobProfile(call, call.id)),
    show: (call) => jobProfile(call, call.id),
  },
  {
    method: 'patch',
    path: '/job-profiles/:id',
    run: (call) => {
      call.platform.jobProfiles.update(call.id, parse(bodies.jobProfileUpdate, call.body));
      return ok(jobProfile(call, call.id));
    },
    show: (call) => jobProfile(call, call.id),
  },
];

const platformRoute: RouteSpec = {
  method: 'get',
  path: '/platform',
  run: ({ platform, origin }) => ok({ data: renderPlatform(platform, `${origin}/p/${platform.id}`) }),
  show: ({ platform, origin }) => ({ data: renderPlatform(platform, `${origin}/p/${platform.id}`) }),
};

/** `/platform`, departments, permission types, job profiles. */
export const organisationRoutes: readonly RouteSpec[] = [
  platformRoute,
  ...departments,
  ...permissionTypes,
  ...jobProfiles,
];
