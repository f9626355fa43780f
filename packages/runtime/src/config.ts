import { AppError } from '@orgstream/core';
import { z } from 'zod';

/**
 * Reads a service's settings from the environment, once. A bad value refuses to start: CONFIG_INVALID, naming each
 * variable and what it takes, never its value (it may be a secret). An empty variable counts as absent.
 */
export function readConfig<S extends z.ZodObject>(schema: S, env: NodeJS.ProcessEnv): z.infer<S> {
  const given = Object.fromEntries(Object.keys(schema.shape).flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const name = String(issue.path[0] ?? '');
    const about = (schema.shape[name] as z.ZodType | undefined)?.description;
    return `${name}: ${name in given ? issue.message : 'is missing'}${about ? ` (${about})` : ''}`;
  });
  throw new AppError('CONFIG_INVALID', `configuration: ${problems.join('; ')}`, {
    variables: result.error.issues.map((issue) => String(issue.path[0])),
  });
}

/** A whole number between two bounds, both allowed. */
export const whole = (min: number, max: number): z.ZodCoercedNumber => z.coerce.number().int().min(min).max(max);

/** Settings that every service has. */
export const CommonConfig = z.object({
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least severe log level that is written.'),
  OPS_HOST: z.string().default('127.0.0.1').describe('Address that /metrics, /livez and /readyz listen on.'),
  OPS_PORT: whole(0, 65_535).default(9464).describe('Port of /metrics, /livez and /readyz; 0 = any free one.'),
});

/** How brokers are reached. */
export const BrokerConfig = z.object({
  KAFKA_BROKERS: z.string().min(1).describe('host:port of brokers, comma-separated.'),
  KAFKA_TLS: z
    .stringbool({ truthy: ['true'], falsy: ['false'] })
    .default(false)
    .describe('`true` = TLS. Certificates of an authority of your own: NODE_EXTRA_CA_CERTS, a file that Node reads.'),
  KAFKA_TLS_CERT_FILE: z.string().optional().describe('Client certificate, a PEM file, where brokers ask for one.'),
  KAFKA_TLS_KEY_FILE: z.string().optional().describe('Its private key, a PEM file.'),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
    .optional()
    .describe('How to sign in to the brokers; none = without. `plain` only with TLS.'),
  KAFKA_SASL_USERNAME: z.string().optional().describe('Who signs in.'),
  KAFKA_SASL_PASSWORD: z.string().optional().describe('Their password.'),
});
export type BrokerSettings = z.infer<typeof BrokerConfig>;

/** How the schema registry is reached. */
export const RegistryConfig = z.object({
  REGISTRY_URL: z.url().describe('Base URL of the Confluent-compatible schema registry.'),
  REGISTRY_USERNAME: z.string().optional().describe('For a registry with basic authentication.'),
  REGISTRY_PASSWORD: z.string().optional().describe('The password that goes with it.'),
});
export type RegistrySettings = z.infer<typeof RegistryConfig>;

/** Settings of a service that uses Kafka. */
export const KafkaConfig = z.object({ ...BrokerConfig.shape, ...RegistryConfig.shape });

/** Settings of a service that is a member of a consumer group. */
export const ConsumerConfig = z.object({
  ...KafkaConfig.shape,
  KAFKA_SESSION_TIMEOUT_MS: whole(1_000, 300_000)
    .default(30_000)
    .describe('A replica silent for so long loses its partitions. Lower = a killed one is replaced sooner.'),
});

/** Settings of a service that uses our Postgres. */
export const DatabaseConfig = z.object({
  DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres://')
    .describe('Our Postgres: postgres://user:password@host:port/database.'),
});

/** Settings of a service that reads or writes sealed secrets. */
export const SecretConfig = z.object({
  ORGSTREAM_SECRET_KEY: z
    .string()
    .regex(
      /^[a-z0-9-]{1,16}:[0-9a-f]{64}(,[a-z0-9-]{1,16}:[0-9a-f]{64})*$/,
      'must be <key id>:<64 hex digits>, more keys after commas',
    )
    .describe('AES-256 keys that seal secrets, <key id>:<64 hex digits>; the first seals, all open.'),
});
