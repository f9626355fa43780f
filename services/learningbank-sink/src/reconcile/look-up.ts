import type { LearningbankClient, Page } from '@orgstream/clients';
import type { Knex } from '@orgstream/database';
import type { PlatformSession } from '../platform/platform-session.ts';
import type { Candidate, ObjectKind } from '../model.ts';
import { roleFrom, unitFrom, userAsIs } from './executor.ts';
import type { Occupants } from '../plan/input.ts';
import { readTarget } from './read-back.ts';
import { findLinkers, findMarkedWork, type TargetKey, type TargetObject } from './target-store.ts';

/** Everything of all pages. */
export async function collect<T>(pages: AsyncIterable<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  for await (const page of pages) items.push(...page.items);
  return items;
}

/** Asks the target for an object, by marker and by natural key: one call each, at once; and for what is to be adopted. */
export async function lookUpTarget(session: PlatformSession, key: TargetKey): Promise<readonly TargetObject[]> {
  const answers = await Promise.all(
    filtersOf(key).map((filter) => session.read((client, signal) => find(client, key.kind, filter, signal))),
  );
  const found = [...answers.flat().filter((object) => fits(object, key)), ...(await lookUpAdopted(session, key))];
  return [...new Map(found.map((one) => [one.object.id, one])).values()];
}

async function lookUpAdopted(session: PlatformSession, { kind, adopt }: TargetKey): Promise<readonly TargetObject[]> {
  const object = adopt === undefined ? null : await readTarget(session, kind, adopt);
  return object ? [{ kind, object } as TargetObject] : [];
}

type Filter = Record<string, string | number>;

function filtersOf({ marker, natural }: TargetKey): readonly Filter[] {
  return natural ? [{ externalId: marker }, { ...natural }] : [{ externalId: marker }];
}

async function find(
  client: LearningbankClient,
  kind: ObjectKind,
  filter: Filter,
  signal: AbortSignal,
): Promise<TargetObject[]> {
  switch (kind) {
    case 'unit':
      return (await collect(client.departments(filter, { signal }))).map((object) => ({ kind, object }));
    case 'role':
      return (await collect(client.permissionTypes(filter, { signal }))).map((object) => ({ kind, object }));
    case 'person':
      return (await collect(client.users(filter, { signal }))).map((object) => ({ kind, object }));
  }
}

/** Filters of the target are its own affair: what they let through is compared once more. */
function fits({ kind, object }: TargetObject, { marker, natural }: TargetKey): boolean {
  if (object.externalId === marker) return true;
  if (!natural) return false;
  if (kind === 'person') return 'email' in natural && object.email?.toLowerCase() === natural.email.toLowerCase();
  if (!('name' in natural) || object.name.trim() !== natural.name) return false;
  // A department's name without a place is looked for anywhere in the tree.
  return kind === 'role' || !('parentId' in natural) || object.parentId === natural.parentId;
}

/** Target objects as the planner sees them: with who has linked them already. */
export async function candidatesOf(
  db: Knex,
  where: { readonly platform: string; readonly integrationId: string },
  objects: readonly TargetObject[],
): Promise<readonly Candidate[]> {
  if (objects.length === 0) return [];
  const linkers = await findLinkers(
    db,
    where.platform,
    objects.map(({ kind, object }) => ({ kind, id: object.id })),
  );
  return objects.map((found): Candidate => {
    const linker = linkers.get(`${found.kind}/${found.object.id}`);
    return {
      targetId: found.object.id,
      externalId: found.object.externalId,
      linkedBy: linker
        ? { scope: linker.integrationId === where.integrationId ? 'ours' : 'elsewhere', id: linker.id }
        : null,
      applied: appliedOf(found),
      ...(found.kind === 'role' ? { isSystem: found.object.isSystem } : {}),
    };
  });
}

function appliedOf(found: TargetObject): Candidate['applied'] {
  switch (found.kind) {
    case 'unit':
      return unitFrom(found.object);
    case 'role':
      return roleFrom(found.object);
    case 'person':
      return userAsIs(found.object);
  }
}

/**
 * What a department holds that is not linked by this integration. What carries our marker and has work outstanding was
 * made by a call whose answer nobody heard: that work links it, and moves it if it belongs elsewhere by now.
 */
export async function lookUpOccupants(
  db: Knex,
  session: PlatformSession,
  where: { readonly platform: string; readonly tenant: string; readonly departmentId: number },
): Promise<Occupants> {
  const { departmentId, platform, tenant } = where;
  const [users, departments] = await Promise.all([
    session.read((client, signal) => collect(client.users({ departmentId }, { signal }))),
    session.read((client, signal) => collect(client.departments({ parentId: departmentId }, { signal }))),
  ]);
  const held = [
    ...users.map(({ id, externalId }) => ({ kind: 'person' as const, id, externalId })),
    ...departments.map(({ id, externalId }) => ({ kind: 'unit' as const, id, externalId })),
  ];
  const linkers = await findLinkers(db, platform, held);
  const foreign = held.filter(({ kind, id }) => linkers.get(`${kind}/${id}`)?.integrationId !== session.integrationId);
  const unclear = await findMarkedWork(db, { integrationId: session.integrationId, tenant }, foreign);
  return {
    users: foreign.filter(({ kind }) => kind === 'person').length,
    departments: foreign.filter(({ kind }) => kind === 'unit').length,
    ...(unclear ? { unclear } : {}),
  };
}
