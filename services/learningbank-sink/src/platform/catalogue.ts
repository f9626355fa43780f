import type { Catalogue } from '../model.ts';
import { collect } from '../reconcile/look-up.ts';
import type { PlatformSession } from './platform-session.ts';

/** The built-in permission type that nobody can edit; it was called Administrator formerly. */
const ownerNames: ReadonlySet<string> = new Set(['owner', 'administrator']);

/** What the platform offers and has by default; three calls. */
export async function readCatalogue(session: PlatformSession): Promise<Catalogue> {
  const platform = await session.read((client, signal) => client.platform({ signal }));
  const profiles = await session.read((client, signal) => collect(client.jobProfiles({}, { signal })));
  const types = await session.read((client, signal) => collect(client.permissionTypes({}, { signal })));
  return {
    topDepartmentId: platform.topDepartmentId,
    defaultDepartmentId: platform.defaultDepartmentId ?? platform.topDepartmentId,
    jobProfiles: new Map(profiles.map(({ id, name }) => [name.trim(), id])),
    ownerTypeIds: types
      .filter(({ isSystem, name }) => isSystem && ownerNames.has(name.trim().toLowerCase()))
      .map(({ id }) => id),
  };
}
