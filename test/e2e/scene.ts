import {
  createRandom,
  generateOrganisation,
  randomChanges,
  type GeneratedOrganisation,
  type OrganisationOptions,
} from '@orgstream/simulator-ziik';
import { join, proveInStep, readStackFile, waitConverged, type Joined, type StackFile } from '@orgstream/world';
import { until } from '@orgstream/testkit';
import pg from 'pg';
import { expect } from 'vitest';

/** What the Learningbank simulator says is true; only what tests look at. */
export interface TargetState {
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
  readonly jobProfiles: readonly { readonly id: number; readonly name: string; readonly isDefault: boolean }[];
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

/** One tenant of the shared world with a platform of its own, and the eyes to look at both ends. */
export interface Scene extends AsyncDisposable {
  /** Where everything is, read anew: pids change when a service was killed. */
  file(): Promise<StackFile>;
  readonly ziik: pg.Pool;
  readonly siteId: string;
  readonly organisation: GeneratedOrganisation;
  readonly joined: Joined;
  target(): Promise<TargetState>;
  /** The user of a person, by our marker. */
  user(personId: string): Promise<TargetState['users'][number] | undefined>;
  /** The department of a unit, by our marker. */
  department(unitId: string): Promise<TargetState['departments'][number] | undefined>;
  /** Rows of `sink.work` of this integration: what is outstanding, parked, waiting. */
  work(): Promise<
    readonly { readonly kind: string; readonly id: string; readonly state: string; readonly code: string | null }[]
  >;
  /** Everything committed so far is at the target. */
  converge(deadlineMs?: number): Promise<void>;
  /** `converge`, then compares source and target object by object with code that knows nothing of the pipeline. */
  prove(deadlineMs?: number): Promise<void>;
  change(count: number, seed: number): Promise<void>;
  /** Injects a fault into this scene's platform. */
  fault(fault: Readonly<Record<string, unknown>>): Promise<void>;
  healFaults(): Promise<void>;
}

/** Path of the shared world's stack file. */
export function worldPath(): string {
  const path = process.env['ORGSTREAM_WORLD'];
  if (!path) throw new Error('no world: run by `npm test -- e2e`, or set ORGSTREAM_WORLD to a stack file');
  return path;
}

export interface SceneOptions {
  readonly organisation?: Partial<OrganisationOptions>;
  readonly platform?: Readonly<Record<string, unknown>>;
  readonly settings?: Parameters<typeof join>[2]['settings'];
  /** Changes the source after it was generated and before it is joined. */
  readonly before?: (ziik: pg.Pool, organisation: GeneratedOrganisation) => Promise<void>;
  /** Do not wait for the first sync. */
  readonly unsynced?: boolean;
}

let seed = Date.now() % 1_000_000;

/** Generates a small organisation, joins it to a platform of its own and waits for the first sync. */
export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const path = worldPath();
  const file = await readStackFile(path);
  const ziik = new pg.Pool({ connectionString: file.ziikPostgresUrl, max: 3 });
  const database = new pg.Pool({ connectionString: file.postgresUrl, max: 2 });
  const organisation = await generateOrganisation(ziik, {
    seed: (seed += 1),
    units: 12,
    people: 30,
    withoutEmail: 0,
    expired: 0,
    ...options.organisation,
  });
  await options.before?.(ziik, organisation);
  const joined = await join(file, organisation.siteId, {
    name: `Scene ${organisation.siteId}`,
    ...(options.platform ? { platform: options.platform } : {}),
    ...(options.settings ? { settings: options.settings } : {}),
  });
  const sim = `${file.learningbankSimUrl}/_sim`;
  const target = async (): Promise<TargetState> =>
    (await (await fetch(`${sim}/state?platform=${joined.platform.id}`)).json()) as TargetState;
  const converge = async (deadlineMs = 90_000): Promise<void> => {
    await waitConverged(await readStackFile(path), { deadlineMs, integrations: [joined.integration] });
  };
  const scene: Scene = {
    file: () => readStackFile(path),
    ziik,
    siteId: organisation.siteId,
    organisation,
    joined,
    target,
    user: async (id) => (await target()).users.find((u) => u.externalId === `${joined.tenant}:person:${id}`),
    department: async (id) => (await target()).departments.find((d) => d.externalId === `${joined.tenant}:unit:${id}`),
    work: async () =>
      (
        await database.query(
          'select kind, id, state, code from sink.work where integration_id = $1 order by kind, id',
          [joined.integration],
        )
      ).rows,
    converge,
    async prove(deadlineMs) {
      await converge(deadlineMs);
      const { mismatches, duplicates, compared } = await proveInStep(file, joined);
      expect({ mismatches, duplicates }).toEqual({ mismatches: [], duplicates: [] });
      expect(compared).toBeGreaterThan(0);
    },
    async change(count, with_) {
      await randomChanges(ziik, organisation.siteId, { random: createRandom(with_), count });
    },
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
      await Promise.all(
        faults
          .filter((f) => f.platform === joined.platform.id)
          .map((f) => fetch(`${sim}/faults/${f.id}`, { method: 'DELETE' })),
      );
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([ziik.end(), database.end()]);
    },
  };
  if (!options.unsynced) await converge();
  return scene;
}

/** SIGKILLs a service of the shared world and waits until its supervisor has started another. */
export async function killService(name: string): Promise<void> {
  const [pid] = (await readStackFile(worldPath())).pids[name] ?? [];
  if (pid === undefined) throw new Error(`${name} does not run`);
  process.kill(pid, 'SIGKILL');
  await until(
    async () => {
      const [now] = (await readStackFile(worldPath())).pids[name] ?? [];
      return now !== undefined && now !== pid;
    },
    { deadlineMs: 60_000, what: `${name} to be restarted`, intervalMs: 100 },
  );
}
