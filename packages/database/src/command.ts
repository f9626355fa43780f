import type { ErrorCode, Operation, RunKind, RunScope } from '@orgstream/core';
import type { Knex } from 'knex';

interface ObjectKey {
  readonly kind: 'unit' | 'role' | 'person';
  readonly id: string;
}

/** What an operator decides about a run. `items` or `operation` narrow approve and reject; without them all of it. */
export interface RunDecision {
  readonly run: string;
  readonly decision: 'approve' | 'reject' | 'pause' | 'resume' | 'cancel';
  readonly items?: readonly (ObjectKey & { readonly hash?: string })[];
  readonly operation?: Operation;
  readonly by: string;
}

/**
 * What an operator decides about objects. approve, reject: what the brake holds; release: what is undone, rejected or
 * ignored; retry: what is parked; adopt (`targetId`), create_new, ignore, move_link, detach: match cases and links.
 */
export interface ObjectsAction {
  readonly integration: string;
  readonly action:
    'approve' | 'reject' | 'release' | 'retry' | 'adopt' | 'create_new' | 'ignore' | 'move_link' | 'detach';
  /** These, or all that are held for `operation`, or all that are held. `hash`: as it was when the operator looked. */
  readonly objects?: readonly (ObjectKey & { readonly hash?: string })[];
  readonly operation?: Operation;
  readonly all?: true;
  readonly targetId?: number;
  readonly by: string;
}

/** What a service can be asked to do. The payload names objects by their keys only. */
export type Command =
  | {
      readonly addressee: 'ziik-cdc';
      readonly kind: 'snapshot';
      readonly payload: {
        readonly source: string;
        readonly tenant?: string;
        readonly reason: string;
        /** Slot and publication anew where they are lost: epoch up. */
        readonly recreate?: boolean;
        /** Also where they are well: what they hold is in the snapshot too. */
        readonly newEpoch?: boolean;
      };
    }
  /** Reads `ziik.changes` again from the beginning, through the mapping as it is now, before it goes on. */
  | { readonly addressee: 'normalizer'; readonly kind: 'renormalise'; readonly payload: { readonly by: string } }
  /** Any replica of the sink. */
  | {
      readonly addressee: 'learningbank-sink';
      readonly kind: 'replay';
      /** `from`: ISO time; default the beginning of the topic. */
      readonly payload: { readonly tenant?: string; readonly from?: string; readonly by?: string };
    }
  | {
      readonly addressee: 'learningbank-sink';
      readonly kind: 'erase';
      readonly payload: { readonly tenant: string; readonly person: string; readonly by: string };
    }
  /** The topic was re-created or the cluster is another one, and an operator says so. */
  | {
      readonly addressee: 'learningbank-sink';
      readonly kind: 'topic.accept';
      readonly payload: { readonly by: string };
    }
  /** The sink that owns the integration's platform. */
  | {
      readonly addressee: 'learningbank-sink';
      readonly kind: 'run.start';
      readonly payload: {
        readonly integration: string;
        readonly kind: RunKind;
        readonly scope: RunScope;
        readonly dryRun: boolean;
        /** Of `settings`: the version that is to come into force. */
        readonly settingsVersion?: number;
        readonly by: string;
      };
    }
  | {
      readonly addressee: 'learningbank-sink';
      readonly kind: 'run.decide';
      readonly payload: RunDecision & { readonly integration: string };
    }
  | { readonly addressee: 'learningbank-sink'; readonly kind: 'objects.act'; readonly payload: ObjectsAction }
  /** Brings one person into step now, whatever lane it is in: somebody stands at the door. Any replica of the sink. */
  | {
      readonly addressee: 'learningbank-sink';
      readonly kind: 'person.sync';
      readonly payload: { readonly integration: string; readonly person: string; readonly by: string };
    }
  /** Queues a test message to one person; its row of the ledger is the answer. */
  | {
      readonly addressee: 'notification-bridge';
      readonly kind: 'notification.test';
      readonly payload: {
        readonly integration: string;
        readonly person: string;
        /** Of this type; default: a line that says what it is. */
        readonly type?: string;
        readonly by: string;
      };
    }
  /** Queues what failed or was skipped again, unless it may have been sent. */
  | {
      readonly addressee: 'notification-bridge';
      readonly kind: 'notification.retry';
      readonly payload: { readonly integration: string; readonly id: number; readonly by: string };
    }
  /** What was written in the sender's direct conversation with one person, newest page; nothing is stored. */
  | {
      readonly addressee: 'notification-bridge';
      readonly kind: 'conversation.read';
      readonly payload: { readonly integration: string; readonly person: string; readonly limit: number };
    }
  /** Forgets a person's rows: asked for by the sink once the person is in `sink.erased`. */
  | {
      readonly addressee: 'notification-bridge' | 'edge';
      readonly kind: 'person.forget';
      readonly payload: {
        readonly tenant: string;
        readonly person: string;
        /** The person's Learningbank users: ids are those of a platform, so each with its integration. */
        readonly receivers: readonly { readonly integration: string; readonly receiver: string }[];
      };
    }
  /** Desired, applied and observed of one object, side by side: asks the planner, and the target. */
  | {
      readonly addressee: 'learningbank-sink';
      readonly kind: 'explain';
      readonly payload: ObjectKey & { readonly integration: string };
    };

export type Addressee = Command['addressee'];

export interface CommandRow {
  readonly id: number;
  readonly addressee: Addressee;
  readonly kind: Command['kind'];
  readonly payload: Command['payload'];
  readonly state: 'new' | 'running' | 'done' | 'failed';
  readonly result: unknown;
  readonly code: ErrorCode | null;
  readonly message: string | null;
  /** Since it was asked for, by the clock of Postgres. */
  readonly ageMs: number;
}

type RawCommand = Omit<CommandRow, 'id' | 'ageMs'> & { readonly id: string; readonly age_ms: string };

const columns = `id, addressee, kind, payload, state, result, code, message, extract(epoch from now() - created_at) * 1000 as age_ms`;

function toCommand({ age_ms, ...row }: RawCommand): CommandRow {
  return { ...row, id: Number(row.id), ageMs: Number(age_ms) };
}

const channel = (addressee: Addressee): string => `orgstream_command_${addressee.replaceAll('-', '_')}`;

/** The one way to ask a service for something: a row, and a NOTIFY that spares it the wait for its 1 s poll. */
export async function insertCommand(db: Knex, command: Command): Promise<number> {
  const { rows } = await db.raw<{ rows: { id: string }[] }>(
    `insert into control.command (addressee, kind, payload) values (?, ?, ?) returning id, pg_notify(?, '')`,
    [command.addressee, command.kind, JSON.stringify(command.payload), channel(command.addressee)],
  );
  return Number(rows[0]!.id);
}

/** Which commands of an addressee are meant. */
export interface CommandFilter {
  readonly kinds?: readonly Command['kind'][];
  /** Only commands about one of these integrations. */
  readonly integrations?: readonly string[];
}

/**
 * Takes the oldest new command of an addressee, and makes it `running`; undefined when there is none. `running` ones of
 * a dead process are taken again after `staleMs`: commands are idempotent.
 */
export async function takeCommand(
  db: Knex,
  addressee: Addressee,
  { kinds, integrations, staleMs = 60_000 }: CommandFilter & { readonly staleMs?: number } = {},
): Promise<CommandRow | undefined> {
  const { rows } = await db.raw<{ rows: RawCommand[] }>(
    `update control.command set state = 'running', updated_at = now()
      where id = (select id from control.command
                   where addressee = :addressee
                     and (state = 'new' or (state = 'running' and updated_at < now() - :staleMs * interval '1 ms'))
                     and (cast(:kinds as text[]) is null or kind = any(cast(:kinds as text[])))
                     and (cast(:integrations as text[]) is null or payload ->> 'integration' = any(cast(:integrations as text[])))
                   order by id limit 1 for update skip locked)
      returning ${columns}`,
    {
      addressee,
      staleMs,
      kinds: kinds ? [...kinds] : null,
      integrations: integrations ? [...integrations] : null,
    },
  );
  return rows[0] && toCommand(rows[0]);
}

/** Keeps a long command from being taken by another replica, and stores its progress. */
export async function touchCommand(db: Knex, id: number, result: unknown): Promise<void> {
  await db.raw(`update control.command set updated_at = now(), result = ? where id = ?`, [JSON.stringify(result), id]);
}

export async function finishCommand(
  db: Knex,
  id: number,
  outcome: { readonly result?: unknown; readonly code?: ErrorCode; readonly message?: string },
): Promise<void> {
  await db.raw(
    `with finished as (
       update control.command set state = ?, result = ?, code = ?, message = ?, updated_at = now() where id = ? returning id)
     select pg_notify('orgstream_command_done', id::text) from finished`,
    [
      outcome.code === undefined ? 'done' : 'failed',
      outcome.result === undefined ? null : JSON.stringify(outcome.result),
      outcome.code ?? null,
      outcome.message ?? null,
      id,
    ],
  );
}

export async function readCommand(db: Knex, id: number): Promise<CommandRow | undefined> {
  const { rows } = await db.raw<{ rows: RawCommand[] }>(`select ${columns} from control.command where id = ?`, [id]);
  return rows[0] && toCommand(rows[0]);
}

/** Forgets a command with its answer: who asked has read it. */
export async function forgetCommand(db: Knex, id: number): Promise<void> {
  await db.raw(`delete from control.command where id = ?`, [id]);
}

/** Forgets commands that ended long ago: their payloads name people. Those that are open stay, however old. */
export async function forgetCommands(db: Knex, days: number): Promise<void> {
  await db.raw(
    `delete from control.command where state in ('done', 'failed') and updated_at < now() - ? * interval '1 day'`,
    [days],
  );
}

/** Forgets conversations that were read, and that nobody waited for. */
export async function forgetConversations(db: Knex): Promise<void> {
  await db.raw(
    `delete from control.command where kind = 'conversation.read' and created_at < now() - interval '10 minutes'`,
  );
}

/** Takes back what nobody has taken yet: who asked has gone. */
export async function withdrawCommand(db: Knex, id: number): Promise<void> {
  await db.raw(`delete from control.command where id = ? and state = 'new'`, [id]);
}
