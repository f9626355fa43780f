export * from './errors.ts';
export * from './names.ts';
export * from './partition.ts';
export * from './position.ts';
export * from './settings.ts';
export { schemas, type Records } from './generated/schemas.ts';
export type { Position, SnapshotChunk, SnapshotPhase } from './generated/orgstream.ts';
export type * as directory from './generated/directory.ts';
export type * as ziik from './generated/ziik.ts';
