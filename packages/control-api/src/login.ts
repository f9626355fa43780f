import { z } from 'zod';
import { Code, Instant, line, SourceName, TenantKey, Uuid } from './common.ts';

export const LoginSetting = z.object({
  integration: Uuid,
  version: z.int().describe('The ETag; 0: never changed.'),
  enabled: z.boolean().describe('false: nobody is let in, and no shortcut is shown.'),
  webMenu: z.boolean().describe('Shortcut in the left menu of the web.'),
  app: z.boolean().describe('Shortcut in the app.'),
  changedBy: z.string().nullable(),
  changedAt: Instant.nullable(),
});
export type LoginSetting = z.infer<typeof LoginSetting>;

export const ChangeLogin = z
  .strictObject({ enabled: z.boolean(), webMenu: z.boolean(), app: z.boolean() })
  .partial()
  .refine((edit) => Object.values(edit).some((value) => value !== undefined), 'names nothing to change')
  .meta({ minProperties: 1 });

export const LoginOutcome = z.enum(['admitted', 'refused']);

/** A login, or a look at the shortcuts: ids and codes, no tokens, no addresses. */
export const LoginEvent = z.object({
  no: z.int(),
  at: Instant,
  kind: z.enum(['login', 'shortcuts']),
  person: z.string().nullable().describe('Source id; null: the assertion did not hold.'),
  name: z.string().nullable(),
  outcome: LoginOutcome,
  code: Code.nullable(),
  justInTime: z.boolean().describe('The person was synced at that moment.'),
  deepLink: z.boolean(),
  tookMs: z.int(),
});
export type LoginEvent = z.infer<typeof LoginEvent>;

const keyFields = {
  kid: line(200).optional(),
  use: z.literal('sig').optional(),
  key_ops: z.array(z.literal('verify')).max(1).optional(),
};
const base64url = (min: number, max: number) =>
  z
    .string()
    .min(min)
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/, 'must be base64url');

/** A public key: of a private one the field that makes it so is refused. */
const Jwk = z.discriminatedUnion('kty', [
  z.strictObject({
    kty: z.literal('OKP'),
    crv: z.literal('Ed25519'),
    x: base64url(43, 43),
    alg: z.enum(['EdDSA', 'Ed25519']).optional(),
    ...keyFields,
  }),
  z.strictObject({
    kty: z.literal('RSA'),
    n: base64url(342, 1_366).describe('2048 bits at least.'),
    e: base64url(1, 8),
    alg: z.literal('RS256').optional(),
    ...keyFields,
  }),
]);

const Jwks = z.strictObject({ keys: z.array(Jwk).min(1).max(20) });

const JwksUrl = z
  .url({ protocol: /^https?$/ })
  .max(500)
  .refine(
    (url) => !URL.canParse(url) || isSafe(new URL(url)),
    'must be https (or loopback), without user and fragment',
  );

function isSafe({ protocol, hostname, username, password, hash }: URL): boolean {
  if ([username, password, hash].some((part) => part !== '')) return false;
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

export const CreateIssuer = z
  .strictObject({
    iss: line(500).describe('As it stands in the assertions.'),
    source: SourceName,
    tenant: TenantKey.optional().describe('Left out: every tenant of the source.'),
    product: z.enum(['ziik', 'tamigo']).default('ziik'),
    jwksUrl: JwksUrl.optional(),
    jwks: Jwks.optional().describe('Instead of an address: the public keys.'),
  })
  .refine(({ jwksUrl, jwks }) => (jwksUrl === undefined) !== (jwks === undefined), {
    path: ['jwksUrl'],
    message: 'give one of jwksUrl and jwks',
  });
export type CreateIssuer = z.infer<typeof CreateIssuer>;

/** Who may sign assertions, and for whom. */
export const Issuer = z.object({
  id: z.string(),
  iss: z.string(),
  source: z.string(),
  tenant: z.string().nullable().describe('null: every tenant of the source.'),
  product: z.enum(['ziik', 'tamigo']),
  jwksUrl: z.string().nullable(),
  keys: z.array(z.string()).describe('Ids of the configured keys; empty where they come from an address.'),
  createdBy: z.string().nullable(),
  createdAt: Instant,
});
export type Issuer = z.infer<typeof Issuer>;

export const IssuerId = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'must be an id as it was answered')
  .describe('`id` as listed.');

export const CreateSession = z.strictObject({
  assertion: z
    .string()
    .min(1)
    .max(8_192)
    .describe('A signed assertion (JWT) whose `aud` is this installation (`control`, unless configured); taken once.'),
});

export const Session = z.object({
  token: z.string().describe('The bearer token. It is not shown again.'),
  expiresAt: Instant,
  tenant: z.string(),
  person: z.string().describe('Source id of the administrator.'),
});
