import { CommonConfig, DatabaseConfig, KafkaConfig, SecretConfig, whole } from '@orgstream/runtime';
import { z } from 'zod';
import { vendorHostsPattern } from './vendor-hosts.ts';

export const Config = z.object({
  ...CommonConfig.shape,
  ...KafkaConfig.shape,
  ...DatabaseConfig.shape,
  ...SecretConfig.shape,
  CONTROL_HOST: z.string().min(1).default('127.0.0.1').describe('Address that the admin API listens on.'),
  CONTROL_PORT: whole(0, 65_535).default(8080).describe('Port of the admin API; 0 = any free one.'),
  CONTROL_TRUST_PROXY: whole(0, 10)
    .default(0)
    .describe(
      'Proxies in front of it whose X-Forwarded-For is believed. 0 = none: the address is that of the connection.',
    ),
  CONTROL_AUDIENCE: z
    .string()
    .regex(/^[!-~]{1,200}$/, 'must be 1 to 200 visible characters')
    .default('control')
    .describe(
      'The `aud` that assertions for signing in must carry. Several installations that trust one issuer: one of its own for each, or what was signed for one opens another.',
    ),
  CONTROL_VENDOR_HOSTS: z
    .string()
    .regex(vendorHostsPattern, 'must be host names or *.suffix, comma-separated, without spaces')
    .or(z.literal(''))
    .default('')
    .describe(
      'Hosts of platforms, Ziiks and key sets, `*.suffix` for all below one, comma-separated: other addresses, and any that are not https, are refused when they are given. None = any address. Set it in production: administrators of customers give addresses too, and services connect to them from inside.',
    ),
  CONTROL_REFUSED_PER_MINUTE: whole(1, 100_000)
    .default(20)
    .describe(
      'Refused log-ins a minute and address, after which new tokens from the address get 429 until the minute is over.',
    ),
  CONTROL_WAIT_MS: whole(0, 20_000)
    .default(3_000)
    .describe('How long a request waits for a service to do what it asks, before the answer is 202.'),
  CONTROL_STREAMS: whole(1, 10_000).default(200).describe('Event streams open at once, at most.'),
  CONTROL_KEEP_ALIVE_MS: whole(100, 60_000)
    .default(10_000)
    .describe('How often an idle event stream says that it lives, and its token is looked at again.'),
  CONTROL_AUDIT_DAYS: whole(1, 36_500).default(730).describe('Days for which lines of the audit are kept.'),
  DATABASE_POOL: whole(1, 100).default(10).describe('Postgres connections at most.'),
});
export type Config = z.infer<typeof Config>;
