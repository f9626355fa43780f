export { readSourceLag, type SourceLag } from './source-lag.ts';
export { readStatus, type Status, type StatusParts } from './status.ts';
