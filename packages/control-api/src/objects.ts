import { z } from 'zod';
import {
  Code,
  Facts,
  Instant,
  ObjectKind,
  ObjectRef,
  OperationName,
  RunItemStateName,
  RunKindName,
  Uuid,
} from './common.ts';

export const objectStates = ['in_step', 'ready', 'waiting', 'held', 'parked', 'conflict'] as const;
export const ObjectState = z.enum(objectStates);

/** One object of an integration in a list. */
export const ObjectSummary = z.object({
  kind: ObjectKind,
  id: z.string(),
  name: z.string().nullable(),
  state: ObjectState.describe('in_step: nothing is outstanding. conflict: a match case, an operator decides.'),
  lane: z.enum(['leaver', 'live', 'bulk', 'gap']).nullable(),
  code: Code.nullable(),
  operations: z.array(OperationName).describe('What it would do, as last assessed.'),
  hash: z.string().nullable(),
  run: Uuid.nullable(),
  targetId: z.int().nullable(),
  since: Instant.nullable().describe('When the oldest change that is outstanding was committed at the source.'),
});
export type ObjectSummary = z.infer<typeof ObjectSummary>;

const SourcePosition = z.object({ epoch: z.string(), lsn: z.string() });

export const Attempt = z.object({
  no: z.int(),
  kind: ObjectKind,
  id: z.string(),
  op: z.string(),
  targetId: z.int().nullable(),
  state: z.enum(['sent', 'done', 'failed', 'unknown']),
  operations: z.array(OperationName),
  approved: z.boolean(),
  before: Facts.nullable(),
  after: Facts.nullable(),
  cause: SourcePosition.describe('Source position of the change that led to it.'),
  run: Uuid.nullable(),
  status: z.int().nullable().describe("HTTP status of Learningbank's answer; 0 = none came."),
  code: Code.nullable(),
  sentAt: Instant,
  finishedAt: Instant.nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

const Fact = z.object({
  kind: z.enum(['unit', 'role', 'person', 'membership', 'assignment']),
  id: z.string(),
  deleted: z.boolean(),
  position: SourcePosition.extend({ seq: z.int(), offset: z.string() }),
  committedAt: Instant,
  rejected: Code.nullable().describe('A newer record could not be mapped: its code.'),
  fields: Facts,
});

/** Everything on record about one object, in the order in which it happened: facts, decision, calls. */
export const ObjectDetail = z.object({
  integration: Uuid,
  tenant: z.string(),
  kind: ObjectKind,
  id: z.string(),
  name: z.string().nullable(),
  state: ObjectState,
  summary: z.string().describe('One sentence: where it stands and why.'),
  facts: z.array(Fact).describe('The object, and what of a person hangs on it.'),
  work: z
    .object({
      state: ObjectState,
      lane: z.enum(['leaver', 'live', 'bulk', 'gap']),
      code: Code.nullable(),
      rule: z.string().nullable().describe('The rule that holds it back, in words.'),
      remedy: z.string().nullable(),
      detail: z.unknown(),
      waitsFor: ObjectRef.nullable(),
      operations: z.array(OperationName),
      hash: z.string().nullable(),
      hold: z.object({ code: Code, hash: z.string().nullable() }).nullable(),
      forRun: z.string().nullable(),
      run: Uuid.nullable(),
      cause: SourcePosition,
      attempts: z.int(),
      committedAt: Instant,
      markedAt: Instant,
      nextAt: Instant,
    })
    .nullable()
    .describe('What is outstanding; null: in step.'),
  link: z
    .object({
      targetId: z.int(),
      madeByUs: z.boolean(),
      isTop: z.boolean(),
      applied: Facts,
      linkedAt: Instant,
      updatedAt: Instant,
    })
    .nullable(),
  resolution: z
    .object({
      action: z.enum(['adopt', 'create_new', 'ignore']),
      targetId: z.int().nullable(),
      decidedBy: z.string().nullable(),
      decidedAt: Instant,
    })
    .nullable()
    .describe('What an operator decided about it.'),
  runs: z.array(
    z.object({
      run: Uuid,
      kind: RunKindName,
      state: RunItemStateName,
      operations: z.array(OperationName),
      code: Code.nullable(),
      createdAt: Instant,
    }),
  ),
  attempts: z.array(Attempt).describe('The newest 100, newest first.'),
  explained: z
    .unknown()
    .describe('Desired, applied and observed, as planner and target say now; null with a note otherwise.'),
  explainedNote: z.string().nullable(),
});
export type ObjectDetail = z.infer<typeof ObjectDetail>;
