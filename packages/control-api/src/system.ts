import { z } from 'zod';
import { Code, Facts, Instant, line, roles, SourceId, TenantKey, Uuid } from './common.ts';
import { IntegrationStatus } from './integrations.ts';

export const Tenant = z.object({
  key: z.string(),
  name: z.string().nullable(),
  source: z.string(),
  integrations: z.array(Uuid),
  people: z.int(),
  provedSnapshotAt: Instant.nullable().describe('End of the newest proved snapshot.'),
});

export const Stop = z.object({
  stopped: z.boolean(),
  reason: z.string().nullable(),
  changedBy: z.string().nullable(),
  changedAt: Instant,
});

export const SetStop = z.strictObject({ stopped: z.boolean(), reason: line(500).optional() });

export const Source = z.object({
  name: z.string(),
  state: z.string(),
  code: Code.nullable(),
  message: z.string().nullable(),
  snapshotsOpen: z.int(),
  retainedWalBytes: z.number().nullable().describe('WAL that the slot keeps the source from removing.'),
  lagBytes: z.number().nullable().describe('WAL committed and not yet published; null: unknown, or not asked for.'),
  committedAt: Instant.nullable().describe('Commit time of the newest published transaction.'),
});
export type Source = z.infer<typeof Source>;

export const Status = z.object({
  stop: Stop,
  integrations: z.array(IntegrationStatus),
  sources: z.array(Source),
  lag: z
    .object({ normalizerRecords: z.int().nullable(), ingestRecords: z.int().nullable() })
    .describe('Records not yet finished by each hop; null: cannot be read.'),
});
export type Status = z.infer<typeof Status>;

export const Snapshot = z.object({
  id: z.string(),
  state: z.enum(['started', 'counted', 'proved', 'unproved', 'superseded']),
  startedAt: Instant,
  endedAt: Instant.nullable(),
  detail: z.unknown(),
});

export const AskedCommand = z.object({
  command: z.int(),
  state: z.enum(['new', 'running', 'done']),
  result: z.unknown(),
});
export type AskedCommand = z.infer<typeof AskedCommand>;

export const Erase = z.strictObject({ tenant: TenantKey, person: SourceId });

export const Token = z.object({
  id: Uuid,
  name: z.string(),
  role: z.enum(roles),
  tenants: z.array(z.string()).nullable().describe('null: all tenants.'),
  person: z.string().nullable().describe('Of a session: the administrator of that Ziik who signed in.'),
  createdBy: z.string().nullable(),
  createdAt: Instant,
  expiresAt: Instant.nullable(),
  revokedAt: Instant.nullable(),
  lastUsedAt: Instant.nullable(),
});
export type Token = z.infer<typeof Token>;

export const CreateToken = z.strictObject({
  name: line(80),
  role: z.enum(roles),
  tenants: z.array(TenantKey).min(1).max(1_000).optional().describe('Left out: all tenants.'),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
});

export const CreatedToken = Token.extend({ secret: z.string().describe('The bearer token. It is not shown again.') });

export const AuditEntry = z.object({
  no: z.int(),
  at: Instant,
  actor: z.string(),
  token: Uuid.nullable(),
  action: z.string(),
  tenant: z.string().nullable(),
  integration: Uuid.nullable(),
  object: Facts.describe('Ids and names of what was changed.'),
  outcome: z.string().describe('`ok`, or the code it was refused with.'),
  requestId: z.string().nullable(),
});
