import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@orgstream/core';
import { createDatabase, type Knex } from '@orgstream/database';
import { createKafka, type Kafka } from '@orgstream/kafka';
import {
  createSecretBox,
  readConfig,
  DatabaseConfig,
  KafkaConfig,
  SecretConfig,
  type SecretBox,
} from '@orgstream/runtime';
import { z } from 'zod';

/** What the CLI needs from the environment; by default it is that of the stack `npm run dev` started. */
const Config = z.object({
  ...DatabaseConfig.shape,
  ...KafkaConfig.shape,
  ...SecretConfig.shape,
});
type Name = keyof z.infer<typeof Config>;

/** Made lazily, so that a command needs only the settings it uses. */
export interface Environment extends AsyncDisposable {
  setting(name: Name): string;
  db(): Knex;
  kafka(): Kafka;
  secrets(): SecretBox;
}

/** Settings that a running `npm run dev` offers through `.orgstream/stack.json`. */
function fromStackFile(cwd: string): Partial<Record<Name, string>> {
  const path = join(cwd, '.orgstream', 'stack.json');
  if (!existsSync(path)) return {};
  const stack = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  return {
    ...(stack['postgresUrl'] ? { DATABASE_URL: stack['postgresUrl'] } : {}),
    ...(stack['kafkaBrokers'] ? { KAFKA_BROKERS: stack['kafkaBrokers'] } : {}),
    ...(stack['registryUrl'] ? { REGISTRY_URL: stack['registryUrl'] } : {}),
    ...(stack['secretKey'] ? { ORGSTREAM_SECRET_KEY: stack['secretKey'] } : {}),
  };
}

/** The environment wins over the stack file, setting by setting. */
export function openEnvironment(env: NodeJS.ProcessEnv, cwd: string): Environment {
  const stack = fromStackFile(cwd);
  const resources = new AsyncDisposableStack();
  const setting = (name: Name): string => {
    const shape = z.object({ [name]: Config.shape[name] });
    try {
      return String(readConfig(shape, { [name]: env[name] ?? stack[name] })[name]);
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      throw new AppError(
        'CONFIG_INVALID',
        `${cause.message}; set it, or start \`npm run dev\`, whose stack is the default`,
        { cause },
      );
    }
  };
  let db: Knex | undefined;
  return {
    setting,
    db() {
      if (!db) {
        const opened = createDatabase(setting('DATABASE_URL'), { max: 3, name: 'orgstream-cli' });
        resources.defer(() => opened.destroy());
        db = opened;
      }
      return db;
    },
    kafka: () => createKafka({ brokers: setting('KAFKA_BROKERS').split(','), clientId: 'orgstream-cli' }),
    secrets: () => createSecretBox(setting('ORGSTREAM_SECRET_KEY')),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
