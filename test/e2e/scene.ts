import { brakedOperations, type IntegrationSettings } from '@orgstream/core';
import {
  createRandom,
  generateOrganisation,
  insertOrganisation,
  randomChanges,
  type GeneratedOrganisation,
  type OrganisationOptions,
  type PlannedOrganisation,
} from '@orgstream/simulator-ziik';
import { join, readStackFile, type StackFile } from '@orgstream/world';
import { until } from '@orgstream/testkit';
import pg from 'pg';
import { expect } from 'vitest';
import { viewOf, type PlatformView, type ProveOptions } from './platform-view.ts';

export type { PlatformView, ProveOptions, TargetState, Work } from './platform-view.ts';

type JoinOptions = Pick<SceneOptions, 'platform' | 'product' | 'settings' | 'unsynced'>;

/** One tenant of the shared world with a platform of its own, and the eyes to look at both ends. */
export interface Scene extends PlatformView, AsyncDisposable {
  /** Where everything is, read anew: pids change when a service was killed. */
  file(): Promise<StackFile>;
  readonly ziik: pg.Pool;
  readonly siteId: string;
  readonly organisation: GeneratedOrganisation;
  /** Our own database. */
  readonly database: pg.Pool;
  /** Joins the same tenant to one more platform. */
  joinAgain(options?: JoinOptions): Promise<PlatformView>;
  /** So many random changes, as in daily life. From then on `prove` takes whatever the rules keep back. */
  change(count: number, seed: number): Promise<void>;
}

/** Path of the shared world's stack file. */
export function worldPath(): string {
  const path = process.env['ORGSTREAM_WORLD'];
  if (!path) throw new Error('no world: run by `npm test -- e2e`, or set ORGSTREAM_WORLD to a stack file');
  return path;
}

export interface SceneOptions {
  readonly organisation?: Partial<OrganisationOptions>;
  /** This very organisation instead of a generated one. */
  readonly plan?: PlannedOrganisation;
  readonly platform?: Readonly<Record<string, unknown>>;
  readonly product?: 'sync' | 'login';
  readonly settings?: Parameters<typeof join>[2]['settings'];
  /** Changes the source after it was generated and before it is joined. */
  readonly before?: (ziik: pg.Pool, organisation: GeneratedOrganisation) => Promise<void>;
  /** Do not wait for the first sync. */
  readonly unsynced?: boolean;
}

const TOP_DEPARTMENT = 'The academy';

/** Scenes are small and much happens to them within ten minutes: the brake is no part of them unless they ask for it. */
const unlimited = { count: 1_000_000, share: 1, dayShare: 1 };
const noBrake = Object.fromEntries(
  brakedOperations.map((operation) => [operation, unlimited]),
) as unknown as IntegrationSettings['brake'];

/** Generates a small organisation, joins it to a platform of its own and waits for the first sync. */
export async function openScene(options: SceneOptions = {}): Promise<Scene> {
  const path = worldPath();
  const file = await readStackFile(path);
  const ziik = new pg.Pool({ connectionString: file.ziikPostgresUrl, max: 3 });
  const database = new pg.Pool({ connectionString: file.postgresUrl, max: 2 });
  const organisation = options.plan
    ? await insertOrganisation(ziik, options.plan)
    : await generateOrganisation(ziik, {
        seed: seedOf(expect.getState().currentTestName ?? ''),
        units: 12,
        people: 30,
        withoutEmail: 0,
        expired: 0,
        ...options.organisation,
      });
  const { siteId } = organisation;
  await options.before?.(ziik, organisation);
  let changed = false;
  const joinTo = async (to: JoinOptions): Promise<PlatformView> => {
    const joined = await join(file, siteId, {
      name: `Scene ${siteId}`,
      ...(to.product ? { product: to.product } : {}),
      platform: { ...to.platform, topDepartmentName: TOP_DEPARTMENT },
      settings: { brake: noBrake, ...to.settings },
    });
    const view = withDefaults(viewOf(path, file, joined, database), () => changed);
    if (!to.unsynced) await view.converge();
    return view;
  };
  return {
    ...(await joinTo(options)),
    file: () => readStackFile(path),
    ziik,
    siteId,
    organisation,
    database,
    joinAgain: (again = {}) => joinTo(again),
    async change(count, seed) {
      changed = true;
      await randomChanges(ziik, siteId, { random: createRandom(seed), count });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([ziik.end(), database.end()]);
    },
  };
}

/** Every proof sees to it that the top department's name was never changed. */
function withDefaults(view: PlatformView, isRandom: () => boolean): PlatformView {
  return {
    ...view,
    prove: (given = {}) => {
      const options: ProveOptions = typeof given === 'number' ? { deadlineMs: given } : given;
      const parked = isRandom() ? { parked: 'any' as const } : {};
      return view.prove({ ...parked, ...options, oracle: { topDepartmentName: TOP_DEPARTMENT, ...options.oracle } });
    },
  };
}

/** A test draws the same organisation each time. */
function seedOf(name: string): number {
  return Buffer.from(name).reduce((hash, byte) => (hash * 31 + byte) % 1_000_003, 7);
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
