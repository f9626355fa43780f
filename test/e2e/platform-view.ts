import type { OracleOptions } from '@orgstream/oracle';
import {
  callPlatform,
  listCalls,
  proveInStep,
  readStackFile,
  waitConverged,
  type Joined,
  type LoggedCall,
  type StackFile,
} from '@orgstream/world';
import type pg from 'pg';
import { expect } from 'vitest';

/** What the Learningbank simulator says is true; only what tests look at. */
export interface TargetState {
  readonly defaults: {
    readonly departmentId: number;
    readonly permissionTypeId: number;
    readonly jobProfileId: number | null;
  };
  readonly departments: readonly {
    readonly id: number;
    readonly name: string;
    readonly parentId: number | null;
    readonly externalId: string | null;
    readonly isTop: boolean;
  }[];
  readonly permissionTypes: readonly {
    readonly id: number;
    readonly name: string;
    readonly externalId: string | null;
    readonly isSystem: boolean;
  }[];
  readonly jobProfiles: readonly { readonly id: number; readonly name: string }[];
  readonly users: readonly {
    readonly id: number;
    readonly email: string | null;
    readonly firstName: string;
    readonly lastName: string;
    readonly language: string;
    readonly isActive: boolean;
    readonly externalId: string | null;
    readonly departmentIds: readonly number[];
    readonly permissionTypeIds: readonly number[];
    readonly jobProfileId: number | null;
  }[];
}

/** A row of `sink.work`: what is outstanding, parked or waiting. */
export interface Work {
  readonly kind: string;
  readonly id: string;
  readonly state: string;
  readonly code: string | null;
}

export interface ProveOptions {
  readonly deadlineMs?: number;
  /**
   * What is to be kept back: `{ 'person 7': 'EMAIL_MISSING' }`. Default: nothing. `any` after a random history: whatever
   * the oracle says the rules keep back is kept back, and nothing else.
   */
  readonly parked?: Readonly<Record<string, string>> | 'any';
  readonly oracle?: OracleOptions;
}

/** One integration, seen from both ends. */
export interface PlatformView {
  readonly joined: Joined;
  target(): Promise<TargetState>;
  /** The user of a person, by our marker. */
  user(personId: string): Promise<TargetState['users'][number] | undefined>;
  /** The department of a unit, by our marker. */
  department(unitId: string): Promise<TargetState['departments'][number] | undefined>;
  /** The permission type of a role, by our marker. */
  permissionType(roleId: string): Promise<TargetState['permissionTypes'][number] | undefined>;
  /** Rows of `sink.work` of this integration. */
  work(): Promise<readonly Work[]>;
  /** Objects that are kept back, as `prove` takes them. */
  parked(): Promise<Readonly<Record<string, string>>>;
  /** Everything committed so far is at the target. */
  converge(deadlineMs?: number): Promise<void>;
  /** `converge`, then compares source and target object by object with code that knows nothing of the pipeline. */
  prove(options?: number | ProveOptions): Promise<void>;
  /** Calls that the platform has received after the call of this number; reads and logins included. */
  calls(since?: number): Promise<readonly LoggedCall[]>;
  /** Runs `work`, waits until the target is in step again, and answers the writes the platform received meanwhile. */
  writesOf(work: () => Promise<unknown>): Promise<readonly LoggedCall[]>;
  /** Calls the platform as an administrator of the customer would. */
  byHand(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Injects a fault into this platform. */
  fault(fault: Readonly<Record<string, unknown>>): Promise<void>;
  healFaults(): Promise<void>;
}

/** Looks at an integration through the simulator's own eyes and our database. */
export function viewOf(path: string, file: StackFile, joined: Joined, database: pg.Pool): PlatformView {
  const sim = `${file.learningbankSimUrl}/_sim`;
  const target = async (): Promise<TargetState> =>
    (await (await fetch(`${sim}/state?platform=${joined.platform.id}`)).json()) as TargetState;
  const marked = <T extends { readonly externalId: string | null }>(all: readonly T[], kind: string, id: string) =>
    all.find((one) => one.externalId === `${joined.tenant}:${kind}:${id}`);
  const converge = async (deadlineMs = 90_000): Promise<void> => {
    await waitConverged(await readStackFile(path), { deadlineMs, integrations: [joined.integration] });
  };
  const view: PlatformView = {
    joined,
    target,
    user: async (id) => marked((await target()).users, 'person', id),
    department: async (id) => marked((await target()).departments, 'unit', id),
    permissionType: async (id) => marked((await target()).permissionTypes, 'role', id),
    work: async () => readWork(database, joined.integration),
    parked: async () => blocked(await view.work()),
    converge,
    async prove(given = {}) {
      const options = typeof given === 'number' ? { deadlineMs: given } : given;
      await converge(options.deadlineMs);
      await expectInStep(view, file, options);
    },
    calls: (since = 0) => listCalls(file, joined.platform, since),
    async writesOf(work) {
      const last = (await view.calls()).at(-1)?.seq ?? 0;
      await work();
      await converge();
      return (await view.calls(last)).filter(({ method, route }) => method !== 'GET' && route !== '/auth/token');
    },
    byHand: (method, at, body) => callPlatform(joined.platform, method, at, body),
    async fault(fault) {
      const response = await fetch(`${sim}/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ platform: joined.platform.id, ...fault }),
      });
      expect(response.status, await response.text()).toBe(201);
    },
    async healFaults() {
      const faults = (await (await fetch(`${sim}/faults`)).json()) as { id: number; platform?: number | null }[];
      const own = faults.filter((one) => one.platform === joined.platform.id);
      await Promise.all(own.map((one) => fetch(`${sim}/faults/${one.id}`, { method: 'DELETE' })));
    },
  };
  return view;
}

async function readWork(database: pg.Pool, integration: string): Promise<readonly Work[]> {
  const sql = 'select kind, id, state, code from sink.work where integration_id = $1 order by kind, id';
  return (await database.query<Work>(sql, [integration])).rows;
}

const blocked = (work: readonly Work[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    work
      .filter(({ state }) => state === 'parked' || state === 'conflict' || state === 'held')
      .map(({ kind, id, code }) => [`${kind} ${id}`, code ?? '']),
  );

async function expectInStep(view: PlatformView, file: StackFile, options: ProveOptions): Promise<void> {
  const { mismatches, duplicates, parked, compared } = await proveInStep(file, view.joined, options.oracle);
  const kept = await view.parked();
  const site = `site ${view.joined.siteId}, kept back: ${JSON.stringify(kept)}`;
  expect({ mismatches, duplicates }, site).toEqual({ mismatches: [], duplicates: [] });
  expect(compared, site).toBeGreaterThan(0);
  // The oracle's WAITING is a person whose unit or role is kept back; it may be in step in everything else.
  const byRule = parked.filter(({ code }) => code !== 'WAITING').map(({ kind, sourceId }) => `${kind} ${sourceId}`);
  expect(Object.keys(kept), `${site}: what the rules keep back is on record`).toEqual(expect.arrayContaining(byRule));
  if (options.parked !== 'any') expect(kept, `${site}: what is kept back`).toEqual(options.parked ?? {});
}
