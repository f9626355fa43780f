export { createRandom, type Random } from './random.ts';
export { applySchema, inTransaction, type Db, type Id, type IdLike } from './db.ts';
export * from './organisation.ts';
export { generateOrganisation, insertOrganisation, type GeneratedOrganisation } from './generate.ts';
export * from './people.ts';
export * from './memberships.ts';
export * from './units.ts';
export * from './roles.ts';
export { insertPlainRows, type PlainRowsOptions } from './plain-rows.ts';
export {
  changeKinds,
  dailyWeights,
  randomChange,
  randomChanges,
  type ChangeKind,
  type ChangeMade,
} from './random-change.ts';
export { startZiikSimulator, type ZiikSimulator } from './server.ts';
export { countSites, deleteSites, type SiteCounts } from './state.ts';
