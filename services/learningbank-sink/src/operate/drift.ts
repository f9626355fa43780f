import type { User } from '@orgstream/clients';
import { AppError } from '@orgstream/core';
import { errorFacts, type Knex } from '@orgstream/database';
import type { ObjectKind, TargetId } from '../model.ts';
import { assess, behaviourOf, loadPlanInputs, ownerMark } from '../plan/index.ts';
import { markDependants } from '../reconcile/dependants.ts';
import { markOwners } from '../reconcile/link-store.ts';
import { targetPages } from '../reconcile/listing.ts';
import { readTarget } from '../reconcile/read-back.ts';
import type { NewItem, RunContext, RunPlanner } from '../runs/kind.ts';
import { objectsOf } from '../runs/scope-store.ts';
import { driftOf, type DriftRules, type Found } from './drift-compare.ts';
import {
  believeObserved,
  type LinkSeen,
  noteRepaired,
  readClock,
  readLinkedAmong,
  readLinkedIds,
  readLinksTo,
  writeProof,
} from './drift-store.ts';
import { type Applied, readNames } from './terms.ts';

/** Looks at an object that is being written meanwhile; after that it is taken to be in step. */
const looks = 3;
const batch = 200;

/**
 * Drift: the whole target against what we applied. Nothing of the target is stored: a page is compared and forgotten.
 * Repairing believes what was seen; the planner, asked again, does the rest.
 */
export const driftPlanner: RunPlanner = {
  async *plan(context) {
    const { db, integration, run } = context;
    if (integration.state !== 'live') {
      throw new AppError('ACTION_NOT_POSSIBLE', 'looking for drift: the first sync is not done yet');
    }
    const provedAt = await readClock(db);
    const scan = new Scan(context, await rulesOf(context));
    let differing = 0;
    for await (const drifted of scan.differences()) {
      const items = await itemsOf(context, drifted);
      differing += items.length;
      if (items.length > 0) yield items;
    }
    // A part of it proves nothing of the rest.
    if (context.signal.aborted || !('all' in run.scope)) return;
    await writeProof(db, { integrationId: integration.id, provedAt, known: scan.known, differing });
  },
  async apply(tx, { integration, run }, items) {
    // Nothing of the source caused it.
    const cause = { causeEpoch: 0, causeLsn: 0, committedAtMs: run.createdAtMs };
    const believed = await believeObserved(tx, integration.id, items);
    if ('all' in run.scope) await noteRepaired(tx, integration.id, believed.length);
    for (const gone of believed.filter(({ kind, gone: isGone }) => isGone && kind !== 'person')) {
      const key = { integrationId: integration.id, ...gone };
      await markDependants(tx, { key, tenant: integration.tenant, cause });
    }
  },
};

/** A linked object that is not at the target as we applied it. */
interface Drifted {
  readonly link: LinkSeen;
  readonly observed: Applied | null;
}

async function rulesOf({ db, integration, policy }: RunContext): Promise<DriftRules> {
  const { units } = await readNames(db, integration.id);
  const { defaultDepartmentId } = policy.catalogue;
  return {
    keepForeignDepartments: policy.settings.keepForeignDepartments,
    followUnits: behaviourOf(policy.settings).follow,
    isOurs: (id) => id === defaultDepartmentId || id === policy.settings.defaults.departmentId || units.has(id),
  };
}

/** One look at everything, or at what is in the scope of the run. */
class Scan {
  /** Objects compared. */
  known = 0;
  readonly #context: RunContext;
  readonly #rules: DriftRules;
  readonly #seen: Readonly<Record<ObjectKind, Set<TargetId>>> = { unit: new Set(), role: new Set(), person: new Set() };

  constructor(context: RunContext, rules: DriftRules) {
    this.#context = context;
    this.#rules = rules;
  }

  /** Each object that differs once, in batches. */
  differences(): AsyncIterable<readonly Drifted[]> {
    return 'all' in this.#context.run.scope ? this.#everything() : this.#among();
  }

  /** One object, with what hangs on it: each is asked for by its id. */
  async *#among(): AsyncIterable<readonly Drifted[]> {
    const { db, integration, run } = this.#context;
    for await (const objects of objectsOf(db, integration, { scope: run.scope, forRun: null, size: batch })) {
      yield* this.#oneByOne(await readLinkedAmong(db, integration.id, objects));
    }
  }

  /** By the pages of the target, then what they did not show. */
  async *#everything(): AsyncIterable<readonly Drifted[]> {
    const { db, integration, platform, session, signal, log } = this.#context;
    const again: { readonly kind: ObjectKind; readonly targetId: TargetId }[] = [];
    let lookedAt = await readClock(db);
    const pages = targetPages({
      session,
      stopped: () => signal.aborted,
      onTrouble: (error) => {
        log.debug({ ...errorFacts(error), integration: integration.id }, 'page of the target asked for again');
        return Promise.resolve();
      },
    });
    for await (const objects of pages) {
      const kind = objects[0]!.kind;
      const byId = new Map<TargetId, Found>(objects.map(({ object }) => [object.id, object]));
      for (const id of byId.keys()) this.#seen[kind].add(id);
      if (kind === 'person') await this.#noteOwners(objects.map(({ object }) => object as User));
      const whose = { integrationId: integration.id, platform };
      const links = await readLinksTo(db, whose, { kind, targetIds: [...byId.keys()], lookedAt });
      for (const { targetId } of links.filter(({ busy }) => busy)) again.push({ kind, targetId });
      yield links.filter(({ busy }) => !busy).flatMap((link) => this.#drifted(link, byId.get(link.targetId)!));
      lookedAt = await readClock(db);
    }
    if (signal.aborted) return;
    const linked = await readLinkedIds(db, integration.id);
    this.known = linked.length;
    const missed = linked.filter(({ kind, targetId }) => !this.#seen[kind].has(targetId));
    yield* this.#oneByOne([...again, ...missed]);
  }

  /** Who has become an Owner, or is none any more, since it was linked. */
  async #noteOwners(users: readonly User[]): Promise<void> {
    const { db, integration, platform, policy } = this.#context;
    const isOwner = (user: User): boolean => ownerMark(user.permissionTypeIds, policy.catalogue).owner === true;
    const owners = users.filter(isOwner).map(({ id }) => id);
    await markOwners(db, { integrationId: integration.id, platform }, { among: users.map(({ id }) => id), owners });
  }

  /** What a page did not show, or showed while it was written, is asked for by its id. */
  async *#oneByOne(
    objects: readonly { readonly kind: ObjectKind; readonly targetId: TargetId }[],
  ): AsyncIterable<readonly Drifted[]> {
    for (let at = 0; at < objects.length; at += batch) {
      const drifted: Drifted[] = [];
      for (const object of objects.slice(at, at + batch)) {
        if (this.#context.signal.aborted) return;
        drifted.push(...(await this.#look(object.kind, object.targetId)));
      }
      yield drifted;
    }
  }

  async #look(kind: ObjectKind, targetId: TargetId): Promise<readonly Drifted[]> {
    const { db, integration, platform, session } = this.#context;
    const whose = { integrationId: integration.id, platform };
    for (let look = 1; look <= looks; look += 1) {
      const lookedAt = await readClock(db);
      const found = await readTarget(session, kind, targetId);
      const [link] = await readLinksTo(db, whose, { kind, targetIds: [targetId], lookedAt });
      if (!link) return [];
      if (!link.busy) return this.#drifted(link, found);
    }
    return [];
  }

  #drifted(link: LinkSeen, found: Found): readonly Drifted[] {
    const drift = driftOf(link, found, this.#rules);
    return drift ? [{ link, observed: drift.observed }] : [];
  }
}

/**
 * What the planner would do, did it know what was observed: in a transaction that believes it and is rolled back. Nothing
 * to do = the source wants it so, or it is left alone.
 */
async function itemsOf(context: RunContext, drifted: readonly Drifted[]): Promise<readonly NewItem[]> {
  if (drifted.length === 0) return [];
  const { db, integration, policy } = context;
  const details = drifted.map(({ link: { kind, id, applied }, observed }) => ({
    kind,
    id,
    detail: { applied, observed },
  }));
  const tx = await db.transaction();
  try {
    await believeObserved(tx, integration.id, details);
    const inputs = await loadPlanInputs(oneByOne(tx), integration, details);
    return details.flatMap(({ kind, id, detail }): readonly NewItem[] => {
      const { operations, before, after, hash, code } = assess(inputs.get(`${kind}/${id}`)!, policy);
      if (operations.length === 0 && code === null) return [];
      return [{ kind, id, operations, before, after, hash, code, detail }];
    });
  } finally {
    await tx.rollback();
  }
}

/** One connection takes one query at a time; who asks for many at once is served one by one. */
function oneByOne(tx: Knex): Knex {
  let last: Promise<unknown> = Promise.resolve();
  const raw = (sql: string, bindings: object): Promise<unknown> =>
    (last = last.then(async (): Promise<unknown> => tx.raw(sql, bindings as never)));
  return { raw } as unknown as Knex;
}
