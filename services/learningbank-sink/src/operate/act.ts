import { AppError } from '@orgstream/core';
import type { Knex, ObjectsAction } from '@orgstream/database';
import { sleep } from '@orgstream/runtime';
import { notifyWork } from '../ingest/work-store.ts';
import type { ObjectKey } from '../model.ts';
import type { WorkKey } from '../reconcile/keys.ts';
import { readTarget } from '../reconcile/read-back.ts';
import type { CommandContext, CommandHandler } from '../runs/commands.ts';
import { adoptableOf, judgeAction, type Refusal } from './act-judge.ts';
import * as store from './act-store.ts';

/** Runs `work` while the reconciler leaves the object alone; false when it has it in hand. */
export type Exclusively = (key: WorkKey, work: () => Promise<void>) => Promise<boolean>;

/** What became of an action. */
interface Acted {
  /** Objects that are now as the operator wants them. */
  readonly done: number;
  readonly refused: readonly (ObjectKey & Refusal)[];
}

/** How long an object in hand is waited for: far more than a call takes. */
const patienceMs = 15_000;
/** Refusals that are named; of more only the number is known. */
const named = 100;

/**
 * Carries out what an operator decides about objects. Each object is looked at in the transaction that acts, so two
 * operators at once, or the same command twice, do no harm. What is done to a link is done while nobody works on the object.
 */
export function createObjectsAct(exclusively: Exclusively): CommandHandler<'objects.act'> {
  return async (payload, context) => {
    if (payload.action === 'adopt') await assertThere(payload, context);
    const acted = needsHands(payload.action)
      ? await withHands(exclusively, payload, context)
      : await context.fenced((tx) => actOn(tx, payload, context));
    const [first] = acted.refused;
    if (first && acted.done === 0) throw new AppError(first.code, first.message);
    return { ...acted, refused: acted.refused.slice(0, named), refusedTotal: acted.refused.length };
  };
}

/** True for what changes links: a call under way would write its own idea of the link afterwards. */
const needsHands = (action: ObjectsAction['action']): boolean => action === 'move_link' || action === 'detach';

/** One object after another, each with whom it concerns in nobody's hands. */
async function withHands(exclusively: Exclusively, payload: ObjectsAction, context: CommandContext): Promise<Acted> {
  const { id: integrationId } = context.integration;
  let done = 0;
  const refused: (ObjectKey & Refusal)[] = [];
  for (const object of objectsOf(payload)) {
    const one = { ...payload, objects: [object] };
    const others = await whomItConcerns(context, payload, object);
    const keys = [object, ...others].map(({ kind, id }) => ({ integrationId, kind, id }));
    const acted = await inNobodysHands(exclusively, keys, () => context.fenced((tx) => actOn(tx, one, context)));
    done += acted.done;
    refused.push(...acted.refused);
  }
  return { done, refused };
}

async function whomItConcerns(
  { db, integration }: CommandContext,
  { action }: ObjectsAction,
  object: ObjectKey,
): Promise<readonly ObjectKey[]> {
  if (action !== 'move_link') return [];
  const [standing] = await store.readStanding(db, integration, [object]);
  const holder = standing?.detail?.['person'];
  return typeof holder === 'string' ? [{ kind: 'person', id: holder }] : [];
}

async function inNobodysHands<T>(
  exclusively: Exclusively,
  [key, ...rest]: readonly WorkKey[],
  work: () => Promise<T>,
): Promise<T> {
  if (!key) return work();
  const deadline = performance.now() + patienceMs;
  for (;;) {
    let result: { readonly value: T } | undefined;
    const free = await exclusively(key, async () => {
      result = { value: await inNobodysHands(exclusively, rest, work) };
    });
    if (free) return result!.value;
    if (performance.now() >= deadline) {
      throw new AppError('ACTION_NOT_POSSIBLE', `${key.kind} ${key.id} is being written just now: try again`);
    }
    await sleep(25);
  }
}

function objectsOf({ objects, action }: ObjectsAction): NonNullable<ObjectsAction['objects']> {
  if (!objects || objects.length === 0) throw new AppError('REQUEST_INVALID', `${action}: name the objects`);
  return objects;
}

async function actOn(tx: Knex, payload: ObjectsAction, context: CommandContext): Promise<Acted> {
  const { integration } = context;
  const asked = await chosen(tx, payload, integration.id);
  const byKey = new Map(asked.map((one) => [`${one.kind}/${one.id}`, one]));
  const standing = await store.readStanding(tx, integration, [...byKey.values()]);
  const refused: (ObjectKey & Refusal)[] = [];
  const fit: store.Standing[] = [];
  let done = 0;
  for (const object of standing) {
    const { kind, id } = object;
    const { hash } = byKey.get(`${kind}/${id}`)!;
    const verdict = judgeAction(payload.action, object, { hash, targetId: payload.targetId });
    if (verdict === 'done') done += 1;
    else if (verdict) refused.push({ kind, id, ...verdict });
    else fit.push(object);
  }
  if (fit.length > 0) {
    await carryOut(tx, { payload, context, objects: fit });
    await notifyWork(tx, [integration.id]);
  }
  return { done: done + fit.length, refused };
}

/** The objects an action names, or all that it can be about. */
async function chosen(
  tx: Knex,
  payload: ObjectsAction,
  integrationId: string,
): Promise<NonNullable<ObjectsAction['objects']>> {
  const { action, objects, operation, all } = payload;
  if (objects) return objectsOf(payload);
  const what = ({ approve: 'undecided', reject: 'undecided', release: 'kept', retry: 'parked' } as const)[
    action as 'retry'
  ];
  if (!what || (!all && operation === undefined)) return objectsOf(payload);
  const whole = await store.readWhole(tx, integrationId, what, operation);
  if (whole.length === 0) throw new AppError('ACTION_NOT_POSSIBLE', `${action}: there is no such object`);
  return whole;
}

interface Fitting {
  readonly payload: ObjectsAction;
  readonly context: CommandContext;
  readonly objects: readonly store.Standing[];
}

async function carryOut(tx: Knex, { payload, context, objects }: Fitting): Promise<void> {
  const { id } = context.integration;
  const { action, by } = payload;
  switch (action) {
    case 'approve':
      return store.approve(tx, id, objects);
    case 'reject':
      return store.reject(tx, id, objects);
    case 'release':
      return store.release(tx, id, objects);
    case 'retry':
      return store.retry(tx, id, objects);
    case 'create_new':
    case 'ignore':
      await store.resolve(tx, id, { objects, action, targetId: null, by });
      return store.mark(tx, id, objects);
    case 'adopt':
      return adopt(tx, { payload, context, objects });
    case 'move_link':
      return moveLink(tx, id, objects[0]!);
    case 'detach':
      return detach(tx, { payload, context, objects });
  }
}

async function adopt(tx: Knex, { payload, context, objects }: Fitting): Promise<void> {
  const { platform, integration } = context;
  const [object] = objects;
  if (objects.length > 1 || !object) throw new AppError('REQUEST_INVALID', 'adopting: one object at a time');
  const { kind } = object;
  const targetId = payload.targetId ?? adoptableOf(object)!;
  const linker = await store.readLinker(tx, { platform, kind, targetId });
  if (linker) {
    const whose = linker.integrationId === integration.id ? `${kind} ${linker.id}` : 'another integration';
    throw new AppError('ACTION_NOT_POSSIBLE', `adopting: ${targetId} is linked by ${whose}; detach it there first`);
  }
  await store.resolve(tx, integration.id, { objects, action: 'adopt', targetId, by: payload.by });
  await store.mark(tx, integration.id, objects);
  await store.letRivalsWait(tx, integration.id, object);
}

/** Before the transaction: it must not wait for the target. */
async function assertThere(payload: ObjectsAction, context: CommandContext): Promise<void> {
  const { db, integration, way } = context;
  const [object] = await store.readStanding(db, integration, objectsOf(payload));
  if (!object || judgeAction('adopt', object, { targetId: payload.targetId }) !== null) return;
  if (!way) throw new AppError('PLATFORM_PAUSED', 'adopting: there is no way to the platform at present');
  const targetId = payload.targetId ?? adoptableOf(object)!;
  if (await readTarget(way.session, object.kind, targetId)) return;
  throw new AppError('NOT_FOUND', `adopting: the platform has no such object ${targetId}`);
}

/** The old one keeps no link and is not looked at: it has left. */
async function moveLink(tx: Knex, integrationId: string, object: store.Standing): Promise<void> {
  const from = String(object.detail!['person']);
  await assertAtRest(tx, integrationId, [object, { kind: 'person', id: from }]);
  const { id: to } = object;
  await store.moveLink(tx, integrationId, { from, to });
  await store.mark(tx, integrationId, [object]);
}

async function detach(tx: Knex, { payload, context, objects }: Fitting): Promise<void> {
  const { id } = context.integration;
  await assertAtRest(tx, id, objects);
  await store.removeLinks(tx, id, objects);
  await store.resolve(tx, id, { objects, action: 'ignore', targetId: null, by: payload.by });
  await store.mark(tx, id, objects);
}

/** A call of which nobody knows whether it happened is looked into first: it could bring the link back. */
async function assertAtRest(tx: Knex, integrationId: string, objects: readonly ObjectKey[]): Promise<void> {
  for (const object of objects) {
    if ((await store.countOpenCalls(tx, integrationId, object)) === 0) continue;
    const { kind, id } = object;
    throw new AppError(
      'ACTION_NOT_POSSIBLE',
      `${kind} ${id} has a call whose outcome is not known yet: try again later`,
    );
  }
}
