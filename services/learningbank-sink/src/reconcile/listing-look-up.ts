import type { Knex } from '@orgstream/database';
import { answered, createBatcher } from './batcher.ts';
import { findTargets, type TargetKey, type TargetObject } from './target-store.ts';

/** Looks into the listing of the first sync, many at once. */
export function createListingLookUp(db: Knex, platform: string): (key: TargetKey) => Promise<readonly TargetObject[]> {
  return createBatcher({
    max: 200,
    run: async (keys: readonly TargetKey[]) => (await findTargets(db, platform, keys)).map(answered),
  });
}
