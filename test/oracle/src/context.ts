import type { Findings } from './findings.ts';
import type { SourceSite } from './source.ts';
import type { Tabs } from './scope.ts';
import type { PlatformState } from './state.ts';

/** Settings of the integration, and how strict the comparison is. */
export interface OracleOptions {
  /** Setting *Unique Units*. Default off. */
  readonly uniqueUnits?: boolean;
  /** Setting `keepForeignDepartments`. Default off: departments are exactly the memberships'. */
  readonly keepForeignDepartments?: boolean;
  /** The integration's own default department. Default: the platform's. */
  readonly defaultDepartmentId?: number | null;
  /** Permission types that the integration gives to new users whose roles deliver none: no surplus. Default: none. */
  readonly defaultPermissionTypeIds?: readonly number[];
  /** Who is handled at all; all others are left alone and not compared. Default: everybody. */
  readonly filters?: Tabs;
  /** The top department's name, to see that it was never changed. Default: not looked at. */
  readonly topDepartmentName?: string;
  /** Protected identities (e-mails): not compared (decided 15). */
  readonly protectedEmails?: readonly string[];
  /** Compare the job profile. Only right while no role or profile was renamed since (decided 3). Default off. */
  readonly jobProfiles?: boolean;
  /** Compare the language of users we made. Only right while no language changed since. Default off. */
  readonly languages?: boolean;
  /** Inactive, sendable people must be there, inactive (`createInactive`). Default off: they may be absent. */
  readonly inactiveCreated?: boolean;
  /** People known to be linked to a user who was there before us: compared although he bears no marker of ours. */
  readonly linkedPersonIds?: ReadonlySet<string>;
  /** Default: now. */
  readonly now?: Date;
}

/** What every part of the comparison gets. */
export interface Context {
  readonly tenant: string;
  readonly source: SourceSite;
  readonly state: PlatformState;
  readonly options: OracleOptions;
  readonly findings: Findings;
}
