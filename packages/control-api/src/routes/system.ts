import { z } from 'zod';
import { line, page, paging, SourceName, TenantKey, Uuid } from '../common.ts';
import type { Route } from '../route.ts';
import { askedAnswers } from './asked.ts';
import {
  AuditEntry,
  CreatedToken,
  CreateToken,
  Erase,
  SetStop,
  Snapshot,
  Source,
  Status,
  Stop,
  Tenant,
  Token,
} from '../system.ts';

const waitMs = z.coerce
  .number()
  .int()
  .min(0)
  .max(3_000)
  .default(0)
  .describe('How long a source may take to pass what was committed before the question.');

export const systemRoutes = {
  getStatus: {
    method: 'get',
    path: '/v1/status',
    role: 'viewer',
    about: 'list',
    summary: 'Is everybody in step, and if not, where does it wait?',
    query: z.strictObject({ waitMs }),
    answers: { 200: { description: 'Hop by hop, in the order the data flows.', schema: Status } },
  },
  stream: {
    method: 'get',
    path: '/v1/stream',
    role: 'viewer',
    about: 'list',
    summary: 'Server-sent events: `run`, `integration`, `channel` and `stop` as they change',
    description:
      'Data of an event is the object as the routes show it. First comes what is open now; with Last-Event-ID, what changed since.',
    query: z.strictObject({ integration: Uuid.optional() }),
    answers: { 200: { description: 'Events, until the client goes.', contentType: 'text/event-stream' } },
  },
  listTenants: {
    method: 'get',
    path: '/v1/tenants',
    role: 'viewer',
    about: 'list',
    summary: 'List tenants',
    query: z.strictObject(paging),
    answers: { 200: { description: 'A page, by key.', schema: page(Tenant) } },
  },
  listSnapshots: {
    method: 'get',
    path: '/v1/tenants/{tenant}/snapshots',
    role: 'viewer',
    about: 'tenant',
    summary: 'List snapshots of a tenant, and whether they were proved',
    params: z.object({ tenant: TenantKey }),
    query: z.strictObject(paging),
    answers: { 200: { description: 'A page, newest first.', schema: page(Snapshot) } },
  },
  erasePerson: {
    method: 'post',
    path: '/v1/persons/erase',
    role: 'admin',
    about: 'tenant',
    summary: 'Erase a person from everything orgstream keeps',
    description:
      'Learningbank is not touched. Topics keep their records until retention and compaction have passed; the answer says how long.',
    body: Erase,
    answers: askedAnswers,
    example: { body: { tenant: 'eu1.42', person: '7' } },
  },
  listSources: {
    method: 'get',
    path: '/v1/sources',
    role: 'viewer',
    about: 'list',
    summary: 'List sources',
    query: z.strictObject(paging),
    answers: { 200: { description: 'A page, by name.', schema: page(Source) } },
  },
  snapshotSource: {
    method: 'post',
    path: '/v1/sources/{source}/snapshots',
    role: 'operator',
    about: 'tenant',
    summary: 'Read a source or one tenant again, while the stream goes on',
    description:
      'Without a tenant all of the source: a lost slot or publication is made anew; this takes a token that is not bound to tenants.',
    params: z.object({ source: SourceName }),
    body: z.strictObject({ tenant: TenantKey.optional() }),
    answers: askedAnswers,
    example: { body: { tenant: 'eu1.42' } },
  },
  getStop: {
    method: 'get',
    path: '/v1/stop',
    role: 'viewer',
    about: 'nobody',
    summary: 'Is the stop button pressed?',
    answers: { 200: { description: 'The stop button.', schema: Stop } },
  },
  setStop: {
    method: 'put',
    path: '/v1/stop',
    role: 'operator',
    about: 'all',
    summary: 'Press or release the stop button: all sending, everywhere',
    body: SetStop,
    answers: { 200: { description: 'The stop button.', schema: Stop } },
    example: { body: { stopped: true, reason: 'bad import at the source' } },
  },
  listTokens: {
    method: 'get',
    path: '/v1/tokens',
    role: 'admin',
    about: 'list',
    summary: 'List tokens',
    query: z.strictObject(paging),
    answers: { 200: { description: 'A page, oldest first.', schema: page(Token) } },
  },
  createToken: {
    method: 'post',
    path: '/v1/tokens',
    role: 'admin',
    about: 'tenant',
    summary: 'Make a token',
    description: 'A token that is bound to tenants can make only tokens bound to some of them.',
    body: CreateToken,
    secret: true,
    answers: { 201: { description: 'The token.', schema: CreatedToken } },
    example: { body: { name: 'console', role: 'operator', tenants: ['eu1.42'] } },
  },
  revokeToken: {
    method: 'delete',
    path: '/v1/tokens/{token}',
    role: 'admin',
    about: 'tenant',
    summary: 'Revoke a token, at once',
    params: z.object({ token: Uuid }),
    answers: { 204: { description: 'Revoked.' } },
  },
  listAudit: {
    method: 'get',
    path: '/v1/audit',
    role: 'admin',
    about: 'list',
    summary: 'Who changed what, and with what outcome',
    query: z.strictObject({
      ...paging,
      tenant: TenantKey.optional(),
      integration: Uuid.optional(),
      action: line(60).optional(),
    }),
    answers: { 200: { description: 'A page, newest first.', schema: page(AuditEntry) } },
    example: { query: { action: 'changeIntegration' } },
  },
  getOpenApi: {
    method: 'get',
    path: '/v1/openapi.json',
    role: null,
    about: 'nobody',
    summary: 'This API as OpenAPI 3.1',
    answers: { 200: { description: 'The document.', schema: z.record(z.string(), z.unknown()) } },
  },
} as const satisfies Record<string, Route>;
