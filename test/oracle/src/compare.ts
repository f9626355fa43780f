import type { Context, OracleOptions } from './context.ts';
import { compareDepartments } from './departments.ts';
import { Findings, type Duplicate, type Mismatch, type Parked } from './findings.ts';
import { comparePermissionTypes } from './permission-types.ts';
import { readSite, type SourceSite, type ZiikDatabase } from './source.ts';
import { PlatformState } from './state.ts';
import { compareUsers } from './users.ts';

/** The verdict. All is well when `mismatches` and `duplicates` are empty and `compared` is what you expect. */
export interface Comparison {
  readonly tenant: string;
  readonly mismatches: readonly Mismatch[];
  readonly duplicates: readonly Duplicate[];
  /** Objects that the rules keep back; a test that plants none should see none. */
  readonly parked: readonly Parked[];
  /** Living rows of the source. */
  readonly people: number;
  readonly units: number;
  readonly roles: number;
  /** Source objects that were held against a target object. */
  readonly compared: number;
}

/** Reads the site's rows and compares them with the dump of a platform. */
export async function compareTenant(input: {
  readonly ziik: ZiikDatabase;
  readonly siteId: string | number;
  /** Name of the source: the tenant is `<source>.<site id>`. */
  readonly source: string;
  /** Answer of the Learningbank simulator's `GET /_sim/state?platform=`. */
  readonly state: unknown;
  readonly options?: OracleOptions;
}): Promise<Comparison> {
  const site = await readSite(input.ziik, input.siteId);
  return compareSite(`${input.source}.${input.siteId}`, site, PlatformState.parse(input.state), input.options);
}

/** The comparison itself: pure, knows the rules of semantics §1 and nothing of how they are carried out. */
export function compareSite(
  tenant: string,
  source: SourceSite,
  state: PlatformState,
  options: OracleOptions = {},
): Comparison {
  const findings = new Findings();
  const context: Context = { tenant, source, state, options, findings };
  if (!source.exists) findings.park('tenant', source.siteId, 'TENANT_GONE');
  else {
    const units = compareDepartments(context);
    compareUsers(context, units, comparePermissionTypes(context));
  }
  const { mismatches, duplicates, parked, compared } = findings;
  return {
    tenant,
    mismatches,
    duplicates,
    parked,
    compared,
    people: source.people.filter((person) => !person.deleted && !person.anonymised).length,
    units: source.units.filter((unit) => !unit.deleted && unit.unitType !== 'department').length,
    roles: source.roles.filter((role) => !role.deleted).length,
  };
}
