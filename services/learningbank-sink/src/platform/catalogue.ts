import type { Catalogue } from '../model.ts';
import { collect } from '../reconcile/look-up.ts';
import type { PlatformSession } from './platform-session.ts';

/** What the platform offers and has by default; two calls. */
export async function readCatalogue(session: PlatformSession): Promise<Catalogue> {
  const platform = await session.read((client, signal) => client.platform({ signal }));
  const profiles = await session.read((client, signal) => collect(client.jobProfiles({}, { signal })));
  return {
    topDepartmentId: platform.topDepartmentId,
    defaultDepartmentId: platform.defaultDepartmentId ?? platform.topDepartmentId,
    jobProfiles: new Map(profiles.map(({ id, name }) => [name.trim(), id])),
  };
}
