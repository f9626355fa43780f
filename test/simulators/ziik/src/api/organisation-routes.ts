import { z } from 'zod';
import type { Answer } from '@orgstream/simulator-kit';
import type { Id } from '../db.ts';
import { notFound } from './api-error.ts';
import type { ApiCall, ApiRoute } from './call.ts';
import { parse } from './input.ts';
import { envelope, pageOf } from './paging.ts';
import { unitSummary } from './render-unit.ts';
import { allUnits, type UnitRow } from './unit-store.ts';

const flag = z
  .unknown()
  .optional()
  .transform((value) => value !== undefined && !['0', 'false', 'no', false, 0].includes(value as string));
const Units = z.object({ keyword: z.string().optional(), type: z.string().default('unit') });
const Tree = z.object({
  all: flag,
  flatten: flag,
  unit: z.coerce.string().optional(),
  exclude: z.coerce.string().optional(),
});

/** `/units`, `/usertypes` and `/settings`. */
export const organisationRoutes: readonly ApiRoute[] = [
  { method: 'get', path: '/units', run: units },
  { method: 'get', path: '/units/tree', run: tree },
  {
    method: 'get',
    path: '/units/:id',
    run: async (call) => ({ status: 200, body: { data: await single(call) } }),
  },
  {
    method: 'get',
    path: '/usertypes',
    run: async (call) => ({ status: 200, body: { data: await roles(call, 'all' in call.input) } }),
  },
  { method: 'get', path: '/settings', run: async (call) => ({ status: 200, body: { data: settings(call) } }) },
];

async function units(call: ApiCall): Promise<Answer> {
  const { keyword, type } = parse(Units, call.input);
  const { all, people } = await everything(call);
  const types = type.split(',');
  const found = [...all.values()].filter(
    (unit) => types.includes(unit.unitType) && (unit.name ?? '').toLowerCase().includes((keyword ?? '').toLowerCase()),
  );
  const page = pageOf(call, { limit: 15 });
  const data = found
    .slice(page.offset, page.offset + page.limit)
    .map((unit) => unitSummary(all, unit, people.get(unit.id) ?? 0, call.site.settings));
  return { status: 200, body: envelope(call, '/units', { data, total: found.length, page }) };
}

async function single(call: ApiCall): Promise<object> {
  const { all, people } = await everything(call);
  const unit = all.get(call.params['id'] ?? '');
  if (!unit) throw notFound('unit');
  return {
    ...unitSummary(all, unit, people.get(unit.id) ?? 0, call.site.settings),
    addresses: [],
    contact: { name: '', phone: '' },
    opening_hours: { office_hours: [], closed: [] },
    geo: { lat: null, lng: null },
  };
}

/** Default: the caller's own units and their children; `all`: from the top; `unit`: from there. */
async function tree(call: ApiCall): Promise<Answer> {
  const wanted = parse(Tree, call.input);
  const { all, own } = await everything(call);
  const shown = [...all.values()].filter((unit) => unit.unitType === 'unit' && unit.id !== wanted.exclude);
  const childrenOf = Map.groupBy(shown, (unit) => unit.parentId);
  const node = (unit: UnitRow, depth: number): Record<string, unknown> => ({
    id: Number(unit.id),
    name: unit.name ?? '',
    reference: unit.reference ?? '',
    parent_id: unit.parentId === null ? null : Number(unit.parentId),
    children: depth === 0 ? [] : (childrenOf.get(unit.id) ?? []).map((child) => node(child, depth - 1)),
  });
  const from = (ids: readonly Id[]) => shown.filter((unit) => ids.includes(unit.id));
  const whole = wanted.all || wanted.unit !== undefined;
  const starts =
    wanted.unit !== undefined ? from([wanted.unit]) : wanted.all ? (childrenOf.get(null) ?? []) : from(own);
  const data = starts.map((unit) => node(unit, whole ? 100 : 1));
  return { status: 200, body: { data: wanted.flatten ? data.flatMap(flatten) : data } };
}

function flatten(node: Record<string, unknown>): Record<string, unknown>[] {
  const { children, ...rest } = node;
  return [rest, ...(children as Record<string, unknown>[]).flatMap(flatten)];
}

async function everything(call: ApiCall): Promise<{ all: Map<Id, UnitRow>; people: Map<Id, number>; own: Id[] }> {
  const { db, site, actor } = call;
  const all = await allUnits(db, site.id);
  const { rows } = await db.query<{ unitId: Id; people: number; own: boolean }>(
    `select unit_id as "unitId", count(*)::int as people, bool_or(user_id = $2) as own
     from memberships where site_id = $1 group by unit_id`,
    [site.id, actor.id],
  );
  const own = rows.filter((row) => row.own).map((row) => row.unitId);
  return { all, people: new Map(rows.map((row) => [row.unitId, row.people])), own };
}

async function roles({ db, site }: ApiCall, all: boolean): Promise<unknown[]> {
  const { rows } = await db.query<{ id: Id; name: string | null; reference: string | null }>(
    `select id, name, reference from user_types t where site_id = $1 and deleted_at is null and ($2 or exists (
       select from membership_user_types m where m.site_id = t.site_id and m.user_type_id = t.id)) order by id`,
    [site.id, all],
  );
  return rows.map((row) => ({ id: Number(row.id), name: row.name ?? '', reference: row.reference }));
}

function settings({ site }: ApiCall): unknown {
  const modules = ['news', 'groups', 'calendar', 'quicklinks', 'documents', 'faq', 'manuals', 'shifts', 'statistics'];
  return {
    site: {
      name: site.name,
      tagline: '',
      headline: '',
      identifier: site.identifier,
      legal_name: site.name,
      terms_link: '',
      default_language: site.defaultLanguage ?? 'en',
    },
    images: [],
    colors: [],
    modules: {
      ...Object.fromEntries(modules.map((name) => [name, true])),
      chat: site.settings.chat,
      twofactor: false,
    },
    twofactor: { force: false, methods: [] },
    login: [],
    apps: { ios: { latest: '1.0', minimum: '1.0' }, android: { latest: '1.0', minimum: '1.0' } },
  };
}
