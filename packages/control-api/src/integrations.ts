import { z } from 'zod';
import { ChannelStatus } from './chat.ts';
import { bareUrl, Code, Finding, Instant, line, TenantKey, Uuid } from './common.ts';
import { SettingsEdit } from './settings.ts';

/** What a platform's "API keys (credentials)" set holds; the token may be absent where the host names the platform. */
const Credentials = z.strictObject({
  username: line(320),
  password: z.string().min(1).max(1_000),
  token: z.string().min(1).max(4_000).optional(),
});

const PlatformUrl = bareUrl("Base URL of the platform's API, with its version.");

export const CreateIntegration = z.strictObject({
  tenant: TenantKey,
  name: line(80).default('Learningbank').describe('Label of the shortcut that people see in Ziik.'),
  product: z.enum(['sync', 'login']).default('sync').describe('sync: people are synchronised; login: login only.'),
  platformUrl: PlatformUrl,
  credentials: Credentials,
  settings: SettingsEdit.optional().describe('What differs from the defaults.'),
  protectOwners: z
    .boolean()
    .default(true)
    .describe("Add the e-mails of the platform's Owners to `protectedEmails`, where the platform answers in time."),
});

export const ChangeIntegration = z
  .strictObject({
    name: line(80).optional().describe('Role admin.'),
    credentials: Credentials.optional().describe('Role admin.'),
    enabled: z.boolean().optional().describe('false: nothing is sent; changes are kept for the gap report.'),
    paused: z.boolean().optional().describe('true: nothing is sent until it is false again.'),
    shadow: z.boolean().optional().describe('true: planned and recorded, not sent.'),
  })
  .refine((edit) => Object.values(edit).some((value) => value !== undefined), 'names nothing to change')
  .meta({ minProperties: 1 });

const people = z.object({ inStep: z.int(), outstanding: z.int(), parked: z.int() });

export const Integration = z.object({
  id: Uuid,
  tenant: z.string(),
  tenantName: z.string().nullable(),
  name: z.string(),
  product: z.enum(['sync', 'login']),
  platformUrl: z.string(),
  platform: z.string().nullable().describe('Host and platform id, known after the first log-in.'),
  enabled: z.boolean(),
  paused: z.boolean(),
  shadow: z.boolean(),
  generation: z.int().describe('The ETag.'),
  settingsVersion: z.int(),
  preset: z.string(),
  createdAt: Instant,
  state: z.string().nullable().describe('Of the sink; null: it has not met the integration yet.'),
  code: Code.nullable(),
  message: z.string().nullable(),
  firstSync: z
    .object({ startedAt: Instant.nullable(), doneAt: Instant.nullable(), total: z.int().nullable() })
    .nullable(),
  drift: z
    .object({ provedAt: Instant, known: z.int(), differing: z.int() })
    .nullable()
    .describe('Last comparison of the target with what was applied.'),
});
export type Integration = z.infer<typeof Integration>;

export const CreatedIntegration = z.object({ integration: Integration, findings: z.array(Finding) });

export const Verification = z.object({
  ok: z.boolean().describe('No finding is an error.'),
  findings: z.array(Finding),
  proposed: z.object({ protectedEmails: z.array(z.string()).describe('Owners that are not protected.') }),
});

/** How an integration is doing. Counts are of people; `work` counts all objects. */
export const IntegrationStatus = z.object({
  id: Uuid,
  tenant: z.string(),
  tenantName: z.string().nullable(),
  name: z.string(),
  product: z.enum(['sync', 'login']),
  source: z.string(),
  enabled: z.boolean(),
  paused: z.boolean(),
  shadow: z.boolean(),
  state: z.string().nullable(),
  code: Code.nullable(),
  converged: z
    .boolean()
    .describe(
      'Everything committed at the source before the question is at the target, but for what is parked or held.',
    ),
  people,
  work: z.object({ outstanding: z.int(), parked: z.int() }),
  held: z.int(),
  heldLeavers: z.int(),
  gap: z.int().describe('Objects that wait for "Initiate synchronisation".'),
  oldestWorkMs: z.number().nullable().describe('Commit time of the oldest change not yet at the target, Unix ms.'),
  parkedByCode: z.record(z.string(), z.int()),
  heldByCode: z.record(z.string(), z.int()),
  brakes: z
    .array(z.object({ kind: z.string(), operation: z.string(), applied: z.int(), pending: z.int(), allowed: z.int() }))
    .describe('Operations that are tripped now.'),
  openRun: z
    .object({ id: Uuid, kind: z.string(), state: z.string(), needsApproval: z.boolean(), progress: z.unknown() })
    .nullable(),
  drift: Integration.shape.drift,
  channel: ChannelStatus.nullable().describe('null: there is no Ziik channel.'),
  login: z.object({
    enabled: z.boolean(),
    refusedLastHour: z.int().describe('Logins refused in the last hour.'),
    refusedByCode: z.record(z.string(), z.int()),
  }),
});
export type IntegrationStatus = z.infer<typeof IntegrationStatus>;
