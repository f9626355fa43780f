import { AppError, factKey, isAppError, partitionOf, rejectedKey, topics } from '@orgstream/core';
import {
  carryOutCommands,
  type Command,
  type CommandRow,
  errorFacts,
  finishCommand,
  insertCommand,
  type Knex,
  postgresError,
  touchCommand,
} from '@orgstream/database';
import type { Kafka, OutRecord, Producer } from '@orgstream/kafka';
import { type Logger, sleep } from '@orgstream/runtime';
import {
  countCallsUnderWay,
  deleteRows,
  type ErasedIds,
  type ErasedRows,
  type Erasure,
  readErasedIds,
  registerErased,
  type RemainingUser,
} from './erase-store.ts';
import { type Retained, retainedTopics } from './retained.ts';

export interface EraseOptions {
  readonly db: Knex;
  readonly kafka: Pick<Kafka, 'createProducer'>;
  readonly log: Logger;
  readonly now: () => Date;
  /** Default `directory.changes`. */
  readonly topic?: string;
  /** How often commands are looked for, default 1 s. */
  readonly pollMs?: number;
  /** How long a call about the person that is under way is waited for, default 15 s. */
  readonly callsMs?: number;
}

/** The answer to an erasure: what was done, and what is left where. */
interface Erased {
  readonly rows: ErasedRows;
  readonly tombstones: number;
  readonly retained: readonly Retained[];
  /** Users in Learningbank: nothing was changed there. */
  readonly target: readonly RemainingUser[];
  readonly notes: readonly string[];
}

type Payload = Extract<Command, { kind: 'erase' }>['payload'];

/** Carries out `erase` commands, one at a time; any replica may. */
export function createErase(options: EraseOptions): { run(signal: AbortSignal): Promise<void> } {
  const { db, log, pollMs = 1_000 } = options;
  return {
    run: (signal) =>
      carryOutCommands(
        {
          db,
          addressee: 'learningbank-sink',
          kinds: ['erase'],
          log,
          pause: () => sleep(pollMs, signal),
          carryOut: (command) => carryOut(options, command, signal),
        },
        signal,
      ),
  };
}

async function carryOut(options: EraseOptions, command: CommandRow, signal: AbortSignal): Promise<void> {
  const { db, log } = options;
  const { tenant, by } = command.payload as Payload;
  try {
    const result = await erase(options, command, signal);
    await finishCommand(db, command.id, { result });
    log.info({ tenant, by, tombstones: result.tombstones }, 'person erased');
  } catch (error) {
    // Stopped in the middle: whoever takes the command next does it again, from the beginning.
    if (signal.aborted) return;
    const known = isAppError(error) ? error : postgresError(error, 'erasing a person');
    log.warn({ ...errorFacts(error), tenant }, 'person not erased');
    // Trouble that passes: the command stays as it is, with what it remembers, and is taken again once it is stale.
    if (isAppError(known) && known.disposition === 'retry') return;
    const code = isAppError(known) ? known.code : 'UNEXPECTED';
    const message = isAppError(known) ? known.message : 'see the log of the sink; ask again';
    await finishCommand(db, command.id, { code, message });
  }
}

/**
 * Erases one person. Every step may be repeated: first the register, so that nothing comes back from here on; then what
 * has to be remembered, into the command; then the rows, twice, for who was writing meanwhile; then the tombstones.
 */
async function erase(options: EraseOptions, command: CommandRow, signal: AbortSignal): Promise<Erased> {
  const { db } = options;
  const erasure = command.payload as Payload;
  if (!(await registerErased(db, erasure))) {
    throw new AppError('NOT_FOUND', `erasing a person: there is no tenant ${erasure.tenant}`);
  }
  const underWay = await awaitCalls(options, erasure, signal);
  const ids = merged(idsOf(command.result), await readErasedIds(db, erasure));
  await touchCommand(db, command.id, ids);
  const rows = summed(await deleteRows(db, erasure), await deleteRows(db, erasure));
  const tombstones = await bury(options, erasure, ids);
  await askNeighbours(db, erasure, ids);
  return {
    rows,
    tombstones,
    retained: retainedTopics(options.now()),
    target: ids.target,
    notes: notesOf(ids.target, underWay),
  };
}

/** A call that was made before the register was seen ends by itself; returns how many did not in time. */
async function awaitCalls({ db, callsMs = 15_000 }: EraseOptions, erasure: Erasure, signal: AbortSignal) {
  const deadline = performance.now() + callsMs;
  for (;;) {
    const calls = await countCallsUnderWay(db, erasure);
    if (calls === 0 || performance.now() >= deadline || signal.aborted) return calls;
    await sleep(100, signal);
  }
}

/** Bridge and edge keep rows of their own about the person. Asked twice they do it twice, which does no harm. */
async function askNeighbours(db: Knex, { tenant, person }: Erasure, { target }: ErasedIds): Promise<void> {
  const receivers = target.map(({ integration, targetId }) => ({ integration, receiver: String(targetId) }));
  const payload = { tenant, person, receivers };
  for (const addressee of ['notification-bridge', 'edge'] as const) {
    await insertCommand(db, { addressee, kind: 'person.forget', payload });
  }
}

async function bury(options: EraseOptions, { tenant, person }: Erasure, ids: ErasedIds): Promise<number> {
  const { kafka, topic = topics.directoryChanges } = options;
  const keys = [
    ['person', person] as const,
    ...ids.memberships.map((id) => ['membership', id] as const),
    ...ids.assignments.map((id) => ['assignment', id] as const),
  ].flatMap(([kind, id]) => [factKey(tenant, kind, id), rejectedKey(tenant, kind, id)]);
  await using producer: Producer = await kafka.createProducer();
  const partition = partitionOf(tenant, await producer.partitions(topic));
  await producer.writer(topic, partition).append(keys.map((key): OutRecord => ({ key, value: null })));
  return keys.length;
}

/** What an earlier try, broken off, had stored. */
function idsOf(result: unknown): ErasedIds {
  const { memberships = [], assignments = [], target = [] } = (result ?? {}) as Partial<ErasedIds>;
  return { memberships, assignments, target };
}

function merged(a: ErasedIds, b: ErasedIds): ErasedIds {
  const known = new Set(b.target.map(({ integration }) => integration));
  return {
    memberships: [...new Set([...a.memberships, ...b.memberships])],
    assignments: [...new Set([...a.assignments, ...b.assignments])],
    target: [...a.target.filter(({ integration }) => !known.has(integration)), ...b.target],
  };
}

function summed(a: ErasedRows, b: ErasedRows): ErasedRows {
  return Object.fromEntries(Object.keys(a).map((table) => [table, (a[table] ?? 0) + (b[table] ?? 0)]));
}

function notesOf(target: readonly RemainingUser[], underWay: number): readonly string[] {
  const users = target.map(({ targetId, platform }) => `${targetId} of ${platform}`);
  return [
    'The notification bridge and the edge were asked to forget their rows about the person; each does so as soon as it runs.',
    'The source keeps its own row: as long as it has the person, its changes and snapshots bring it into the topics again, where the sink skips it. Erase it there, then ask once more.',
    users.length === 0
      ? 'No Learningbank user was linked.'
      : `Learningbank is left as it is: user ${users.join(', ')} remains, with its history, and is no longer synced. Delete or anonymise it there.`,
    ...(underWay === 0 ? [] : ['A call about this person was under way and had no answer yet: look in Learningbank.']),
  ];
}
