import { compareTenant, type Comparison, type OracleOptions } from '@orgstream/oracle';
import { createIntegration, createDatabase as openDatabase } from '@orgstream/database';
import { defaultSettings, tenantKey, type IntegrationSettings } from '@orgstream/core';
import { createSecretBox } from '@orgstream/runtime';
import { createPlatform, type Platform } from './platform.ts';
import type { StackFile } from './stack-file.ts';

/** A site of Ziik joined to a platform of its own. */
export interface Joined {
  readonly siteId: string;
  readonly tenant: string;
  readonly integration: string;
  readonly platform: Platform;
  readonly settings: IntegrationSettings;
}

/** Joins a site to a platform; the first sync starts by itself. */
export async function join(
  file: StackFile,
  siteId: string,
  options: {
    readonly name: string;
    /** Default: `sync`, which contains the login too. */
    readonly product?: 'sync' | 'login';
    readonly platform?: Readonly<Record<string, unknown>>;
    readonly settings?: Partial<IntegrationSettings>;
    /** Default: the platform's. */
    readonly credentials?: Platform['credentials'];
  },
): Promise<Joined> {
  const platform = await createPlatform(file.learningbankSimUrl, {
    name: options.name,
    rateLimitPerMinute: 0,
    ...options.platform,
  });
  const settings = { ...defaultSettings, ...options.settings };
  const tenant = tenantKey(file.source, siteId);
  const db = openDatabase(file.postgresUrl, { max: 1 });
  try {
    const integration = await createIntegration(db, {
      tenant,
      name: options.name,
      product: options.product ?? 'sync',
      platformUrl: platform.url,
      credentials: createSecretBox(file.secretKey).seal(JSON.stringify(options.credentials ?? platform.credentials)),
      settings,
    });
    return { siteId, tenant, integration, platform, settings };
  } finally {
    await db.destroy();
  }
}

/** Calls a platform has received; token calls are neither reads nor writes. */
export interface CallCount {
  readonly total: number;
  readonly reads: number;
  readonly writes: number;
}

/** Calls a platform has received since it was made. */
export async function countCalls(file: StackFile, platform: Platform): Promise<CallCount> {
  const response = await fetch(`${file.learningbankSimUrl}/_sim/calls?summary&platform=${platform.id}`);
  // The log's newest number counts the calls of all platforms.
  const { total, reads, writes } = (await response.json()) as CallCount;
  return { total, reads, writes };
}

/** A call in a platform's log. */
export interface LoggedCall {
  readonly seq: number;
  readonly method: string;
  readonly route: string;
  readonly path: string;
  readonly status: number;
  readonly objectId: number | null;
  readonly atMs: number;
  readonly durationMs: number;
  /** The injected fault that struck. */
  readonly fault?: string;
  readonly body?: unknown;
}

/** A platform's call log after `since`. */
export async function listCalls(file: StackFile, platform: Platform, since = 0): Promise<readonly LoggedCall[]> {
  const response = await fetch(`${file.learningbankSimUrl}/_sim/calls?platform=${platform.id}&since=${since}`);
  return (await response.json()) as readonly LoggedCall[];
}

/** Compares a tenant's source rows with its platform, object by object, by the oracle (none of the planner's code). */
export async function proveInStep(file: StackFile, joined: Joined, options: OracleOptions = {}): Promise<Comparison> {
  const response = await fetch(`${file.learningbankSimUrl}/_sim/state?platform=${joined.platform.id}`);
  return compareTenant({
    ziik: file.ziikPostgresUrl,
    siteId: joined.siteId,
    source: file.source,
    state: await response.json(),
    options: {
      uniqueUnits: joined.settings.uniqueUnits,
      keepForeignDepartments: joined.settings.keepForeignDepartments,
      protectedEmails: joined.settings.protectedEmails,
      filters: joined.settings.filters,
      defaultDepartmentId: joined.settings.defaults.departmentId,
      defaultPermissionTypeIds: joined.settings.defaults.permissionTypeIds,
      ...options,
    },
  });
}
