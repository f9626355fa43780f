import { z } from 'zod';
import {
  Code,
  Facts,
  Instant,
  line,
  ObjectKind,
  ObjectRef,
  OperationName,
  RunItemStateName,
  RunKindName,
  RunStateName,
  SourceId,
  TenantKey,
  Uuid,
} from './common.ts';
import { SettingsEdit } from './settings.ts';

export const Scope = z
  .union([
    z.strictObject({ all: z.literal(true) }),
    z.strictObject({ kind: ObjectKind, id: SourceId }),
    z.strictObject({ run: Uuid }),
  ])
  .describe('Everything, one object by its source id, or (undo) what a run did.');

export const Run = z.object({
  id: Uuid,
  integration: Uuid.nullable().describe('null: a replay of the topic.'),
  tenant: z.string().nullable().describe('null with no integration: of all tenants.'),
  kind: RunKindName,
  scope: z.unknown(),
  state: RunStateName,
  isFirst: z.boolean(),
  dryRun: z.boolean(),
  needsApproval: z.boolean(),
  paused: z.boolean(),
  settingsVersion: z.int().nullable(),
  plannerVersion: z.int().nullable(),
  counts: z.record(z.string(), z.number()).describe('Of the plan: objects per operation, `items`, `parked`.'),
  progress: z
    .looseObject({
      done: z.number().optional(),
      total: z.number().optional(),
      calls: z.number().optional(),
      perSecond: z.number().nullish(),
      etaSeconds: z.number().nullish(),
    })
    .describe('How far it has come.'),
  code: Code.nullable(),
  message: z.string().nullable(),
  requestedBy: z.string().nullable(),
  decidedBy: z.string().nullable(),
  createdAt: Instant,
  plannedAt: Instant.nullable(),
  startedAt: Instant.nullable(),
  finishedAt: Instant.nullable(),
  updatedAt: Instant,
});
export type Run = z.infer<typeof Run>;

export const RunItem = z.object({
  no: z.int(),
  kind: ObjectKind,
  id: z.string(),
  name: z.string().nullable().describe('As the source has it now.'),
  operations: z.array(OperationName),
  before: Facts.nullable(),
  after: Facts.nullable(),
  hash: z.string().nullable().describe('Fingerprint of the desired state; an approval of an item is bound to it.'),
  state: RunItemStateName,
  code: Code.nullable(),
  detail: z.unknown(),
});
export type RunItem = z.infer<typeof RunItem>;

/** A run that was asked for. `run` is null while the sink has not taken the command yet: ask for the command. */
export const AskedRun = z.object({ command: z.int().nullable(), run: Run.nullable() });
export type AskedRun = z.infer<typeof AskedRun>;

export const StartRun = z.strictObject({
  kind: RunKindName,
  scope: Scope.default({ all: true }),
  dryRun: z.boolean().default(false).describe('Plan and show, apply nothing.'),
  settings: SettingsEdit.optional().describe('Kind `settings` only: the edit that is to be planned.'),
});

export const Decision = z.strictObject({
  decision: z.enum(['approve', 'reject', 'pause', 'resume', 'cancel']),
  items: z
    .array(z.strictObject({ kind: ObjectKind, id: SourceId, hash: line(200).optional() }))
    .min(1)
    .max(1_000)
    .optional()
    .describe(
      'approve, reject: only these. `hash`: as it was looked at; refused with ITEM_CHANGED when it is another now.',
    ),
  operation: OperationName.optional().describe('approve, reject: only items with this operation.'),
});

/** A command that a service was asked for. */
export const Command = z.object({
  id: z.int(),
  addressee: z.string(),
  kind: z.string(),
  state: z.enum(['new', 'running', 'done', 'failed']),
  result: z.unknown(),
  code: Code.nullable(),
  message: z.string().nullable(),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Command = z.infer<typeof Command>;

export const Replay = z.strictObject({
  what: z
    .enum(['facts', 'renormalise', 'accept_topic'])
    .describe(
      '`facts`: read directory.changes again. `renormalise`: read ziik.changes again, through the mapping as it is now. `accept_topic`: the topic was re-created or the cluster is another one, and that is right.',
    ),
  tenant: TenantKey.optional().describe('`facts` only: this tenant; else all.'),
  from: z.iso.datetime({ offset: true }).optional().describe('`facts` only: since then; else from the beginning.'),
});

export const ObjectsAction = z.strictObject({
  action: z.enum(['approve', 'reject', 'release', 'retry', 'adopt', 'create_new', 'ignore', 'move_link', 'detach']),
  objects: z
    .array(z.strictObject({ ...ObjectRef.shape, hash: line(200).optional() }))
    .min(1)
    .max(1_000)
    .optional(),
  operation: OperationName.optional().describe('Instead of objects: all that are held for this operation.'),
  all: z.literal(true).optional().describe('Instead of objects: all that are held.'),
  targetId: z.int().min(1).optional().describe('adopt, move_link: the object at the target.'),
});
