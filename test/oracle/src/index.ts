export { compareSite, compareTenant, type Comparison } from './compare.ts';
export type { OracleOptions } from './context.ts';
export type { Duplicate, FindingKind, Mismatch, Parked } from './findings.ts';
export { formatReport } from './report.ts';
export { readSite, type SourceSite, type ZiikDatabase } from './source.ts';
export { PlatformState } from './state.ts';
