import { CommonConfig, DatabaseConfig, KafkaConfig, SecretConfig, whole } from '@orgstream/runtime';
import { z } from 'zod';

export const Config = z.object({
  ...CommonConfig.shape,
  ...KafkaConfig.shape,
  ...DatabaseConfig.shape,
  ...SecretConfig.shape,
  EDGE_HOST: z.string().min(1).default('127.0.0.1').describe('Address that the edge listens on.'),
  EDGE_PORT: whole(0, 65_535).default(8081).describe('Port of the edge; 0 = any free one.'),
  EDGE_PUBLIC_URL: z
    .url()
    .transform((url) => url.replace(/\/+$/, ''))
    .describe('Address under which browsers and Learningbank reach the edge; shortcuts and hooks begin with it.'),
  EDGE_TRUST_PROXY: whole(0, 10)
    .default(0)
    .describe(
      'Proxies in front of it whose X-Forwarded-For is believed. 0 = none: the address is that of the connection.',
    ),
  EDGE_REQUESTS_PER_MINUTE: whole(1, 1_000_000)
    .default(1_200)
    .describe(
      'Visits a minute and address without an assertion that holds, at most. Many people may sit behind one address.',
    ),
  EDGE_LOGINS_PER_PERSON: whole(1, 10_000).default(20).describe('Logins a minute and person, at most.'),
  EDGE_PLATFORM_CALLS_PER_MINUTE: whole(1, 1_000_000)
    .default(48)
    .describe(
      'Calls a minute and platform for logins, at most: with those for polls 20 % of what a platform takes; the rest is for the sink.',
    ),
  EDGE_CALL_TIMEOUT_MS: whole(100, 30_000).default(4_000).describe('Deadline of one call to Learningbank.'),
  EDGE_JUST_IN_TIME_MS: whole(0, 10_000)
    .default(3_000)
    .describe('How long a login waits for somebody who is not in Learningbank yet to be brought there.'),
  EDGE_LOGIN_EVENT_DAYS: whole(1, 3_650).default(90).describe('Days for which login events are kept.'),
  EDGE_HOOKS_PER_MINUTE: whole(1, 10_000_000)
    .default(60_000)
    .describe('Notifications a minute and integration that its hook takes, at most.'),
  EDGE_POLL_MS: whole(100, 3_600_000)
    .default(10_000)
    .describe('How often a platform without hooks is asked for notifications.'),
  EDGE_POLL_CALLS_PER_MINUTE: whole(1, 1_000_000)
    .default(12)
    .describe('Calls a minute and integration for polls and notification types, at most; besides those of logins.'),
  EDGE_TYPES_MS: whole(100, 86_400_000)
    .default(600_000)
    .describe("How often a platform's notification types are read anew."),
  DATABASE_POOL: whole(1, 100).default(10).describe('Postgres connections at most.'),
});
export type Config = z.infer<typeof Config>;
