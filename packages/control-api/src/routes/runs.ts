import { z } from 'zod';
import {
  line,
  ObjectKind,
  OperationName,
  page,
  paging,
  RunItemStateName,
  RunKindName,
  RunStateName,
  SourceId,
  Uuid,
} from '../common.ts';
import { Attempt, ObjectDetail, ObjectState, ObjectSummary } from '../objects.ts';
import type { Route } from '../route.ts';
import { askedAnswers } from './asked.ts';
import { AskedRun, Command, Decision, ObjectsAction, Replay, Run, RunItem, StartRun } from '../runs.ts';

const params = z.object({ integration: Uuid });
const byRun = z.object({ run: Uuid });
const errorCode = line(60).optional();

export const runRoutes = {
  listRuns: {
    method: 'get',
    path: '/v1/integrations/{integration}/runs',
    role: 'viewer',
    about: 'tenant',
    summary: 'List runs',
    params,
    query: z.strictObject({ ...paging, kind: RunKindName.optional(), state: RunStateName.optional() }),
    answers: { 200: { description: 'A page, newest first.', schema: page(Run) } },
    example: { query: { kind: 'gap' } },
  },
  startRun: {
    method: 'post',
    path: '/v1/integrations/{integration}/runs',
    role: 'operator',
    about: 'tenant',
    summary: 'Start a run',
    description:
      'sync while a planned gap run is open approves that one ("Initiate synchronisation"). drift compares the target with what was applied; undo goes back to recorded before-images. Kinds that need approval wait for a decision; settings takes role admin.',
    params,
    body: StartRun,
    answers: {
      201: { description: 'The run.', schema: AskedRun },
      202: { description: 'Asked for; the sink has not answered yet.', schema: AskedRun },
    },
    example: { body: { kind: 'undo', scope: { kind: 'person', id: '7' }, dryRun: true } },
  },
  getRun: {
    method: 'get',
    path: '/v1/runs/{run}',
    role: 'viewer',
    about: 'tenant',
    summary: 'Show a run',
    params: byRun,
    answers: { 200: { description: 'The run.', schema: Run } },
  },
  listRunItems: {
    method: 'get',
    path: '/v1/runs/{run}/items',
    role: 'viewer',
    about: 'tenant',
    summary: 'List what a run does, object by object, with before and after',
    params: byRun,
    query: z.strictObject({
      ...paging,
      state: RunItemStateName.optional(),
      operation: OperationName.optional(),
      kind: ObjectKind.optional(),
      code: errorCode,
    }),
    answers: { 200: { description: 'A page, in the order of the plan.', schema: page(RunItem) } },
    example: { query: { operation: 'deactivate' } },
  },
  decideRun: {
    method: 'post',
    path: '/v1/runs/{run}/decision',
    role: 'operator',
    about: 'tenant',
    summary: 'Approve, reject, pause, resume or cancel a run',
    params: byRun,
    body: Decision,
    answers: {
      200: { description: 'The run, as it is now.', schema: AskedRun },
      202: { description: 'Asked for; the sink has not answered yet.', schema: AskedRun },
    },
    example: { body: { decision: 'approve', operation: 'rename' } },
  },
  listReplays: {
    method: 'get',
    path: '/v1/replays',
    role: 'viewer',
    about: 'list',
    summary: 'List replays of the topic',
    query: z.strictObject(paging),
    answers: { 200: { description: 'A page, newest first.', schema: page(Run) } },
  },
  startReplay: {
    method: 'post',
    path: '/v1/replays',
    role: 'operator',
    about: 'tenant',
    summary: 'Read a topic again',
    description: 'Without a tenant it takes a token of role admin that is not bound to tenants.',
    body: Replay,
    answers: askedAnswers,
    example: { body: { what: 'facts', tenant: 'eu1.42' } },
  },
  getCommand: {
    method: 'get',
    path: '/v1/commands/{command}',
    role: 'viewer',
    about: 'tenant',
    summary: 'Show what became of a command that was answered with 202',
    params: z.object({ command: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER) }),
    answers: { 200: { description: 'The command.', schema: Command } },
  },
  listObjects: {
    method: 'get',
    path: '/v1/integrations/{integration}/objects',
    role: 'viewer',
    about: 'tenant',
    summary: 'List objects: held, parked, match cases, in step',
    params,
    query: z.strictObject({
      ...paging,
      state: ObjectState.optional(),
      code: errorCode,
      kind: ObjectKind.optional(),
      operation: OperationName.optional().describe('Held or outstanding for this operation.'),
      text: line(200).optional().describe('Source id, or part of a name or an e-mail.'),
    }),
    answers: { 200: { description: 'A page, by kind and id.', schema: page(ObjectSummary) } },
    example: { query: { state: 'conflict' } },
  },
  getObject: {
    method: 'get',
    path: '/v1/integrations/{integration}/objects/{kind}/{id}',
    role: 'viewer',
    about: 'tenant',
    summary: 'Why: everything on record about one object',
    params: z.object({ integration: Uuid, kind: ObjectKind, id: SourceId }),
    query: z.strictObject({
      explain: z
        .stringbool({ truthy: ['true'], falsy: ['false'] })
        .default(true)
        .describe('Ask planner and target too; takes up to 3 s.'),
    }),
    answers: { 200: { description: 'Facts, decision, calls.', schema: ObjectDetail } },
  },
  actOnObjects: {
    method: 'post',
    path: '/v1/integrations/{integration}/objects/actions',
    role: 'operator',
    about: 'tenant',
    summary: 'Approve, reject, release, retry, resolve match cases',
    params,
    body: ObjectsAction,
    answers: askedAnswers,
    example: { body: { action: 'adopt', objects: [{ kind: 'person', id: '7' }], targetId: 1_042 } },
  },
  listAttempts: {
    method: 'get',
    path: '/v1/integrations/{integration}/attempts',
    role: 'viewer',
    about: 'tenant',
    summary: 'List calls to the target, with before and after',
    params,
    query: z.strictObject({
      ...paging,
      kind: ObjectKind.optional(),
      id: SourceId.optional(),
      run: Uuid.optional(),
      state: Attempt.shape.state.optional(),
      code: errorCode,
    }),
    answers: { 200: { description: 'A page, newest first.', schema: page(Attempt) } },
    example: { query: { state: 'failed' } },
  },
} as const satisfies Record<string, Route>;
