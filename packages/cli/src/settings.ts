import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '@orgstream/core';
import { BrokerConfig, DatabaseConfig, readConfig, RegistryConfig, SecretConfig } from '@orgstream/runtime';
import { z } from 'zod';

/** Every setting of the CLI. A command needs only those it uses. */
const Config = z.object({
  ORGSTREAM_URL: z.url({ protocol: /^https?$/ }).describe('Base URL of control.'),
  ORGSTREAM_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be one word')
    .describe('Bearer token for control; the first one comes from `orgstream token create --local --name first`.'),
  ...DatabaseConfig.shape,
  KAFKA_BROKERS: BrokerConfig.shape.KAFKA_BROKERS,
  REGISTRY_URL: RegistryConfig.shape.REGISTRY_URL,
  ...SecretConfig.shape,
});
export type SettingName = keyof z.infer<typeof Config>;
/** In the order in which a page shows them. */
export const settingNames = Object.keys(Config.shape) as readonly SettingName[];

export interface Settings {
  /** Throws CONFIG_INVALID, naming the variable, when it is missing or malformed. */
  read(name: SettingName): string;
  /** Several that belong together, those left out with their defaults. Throws CONFIG_INVALID. */
  readAll<S extends z.ZodObject>(schema: S): z.infer<S>;
  has(name: SettingName): boolean;
  /** Password of a sender user, for `channel set`. Not among what doctor looks for: it belongs to one command line. */
  readonly senderPassword: string | undefined;
  /** Where browsers and Learningbank reach the edge, where that is known; nothing is asked of it but whether it answers. */
  readonly edgeUrl: string | undefined;
  /** /metrics of each service of the stack that `npm run dev` started; empty elsewhere. */
  readonly metricsUrls: Readonly<Record<string, readonly string[]>>;
}

/** Where `.orgstream/stack.json` has what. */
const inStackFile: Readonly<Record<SettingName, string>> = {
  ORGSTREAM_URL: 'controlUrl',
  ORGSTREAM_TOKEN: 'adminToken',
  DATABASE_URL: 'postgresUrl',
  KAFKA_BROKERS: 'kafkaBrokers',
  REGISTRY_URL: 'registryUrl',
  ORGSTREAM_SECRET_KEY: 'secretKey',
};

const StackFile = z.looseObject({
  edgeUrl: z.string().optional(),
  metricsUrls: z.record(z.string(), z.array(z.string())).default({}),
});

function readStackFile(cwd: string): z.infer<typeof StackFile> {
  const path = join(cwd, '.orgstream', 'stack.json');
  if (!existsSync(path)) return StackFile.parse({});
  try {
    return StackFile.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new AppError('CONFIG_INVALID', '.orgstream/stack.json is not what `npm run dev` writes: start that anew', {
      cause,
    });
  }
}

/** The environment wins over the stack file, setting by setting; but a URL of control is never given another's token. */
export function openSettings(env: NodeJS.ProcessEnv, cwd: string): Settings {
  const stack = readStackFile(cwd);
  const fromStack = (name: string): string | undefined => {
    if (name === 'ORGSTREAM_TOKEN' && env['ORGSTREAM_URL']) return undefined;
    const at = inStackFile[name as SettingName] as string | undefined;
    const value = at === undefined ? undefined : stack[at];
    return typeof value === 'string' ? value : undefined;
  };
  const raw = (name: string): string | undefined => env[name] || fromStack(name);
  const readAll = <S extends z.ZodObject>(schema: S): z.infer<S> => {
    const given = Object.keys(schema.shape).map((name) => [name, raw(name)] as const);
    try {
      return readConfig(schema, Object.fromEntries(given));
    } catch (cause) {
      if (!(cause instanceof AppError)) throw cause;
      const text = `${cause.message}; set it, or start \`npm run dev\`, whose stack is the default`;
      throw new AppError('CONFIG_INVALID', text, { cause });
    }
  };
  return {
    senderPassword: env['ORGSTREAM_SENDER_PASSWORD'] || undefined,
    edgeUrl: env['EDGE_PUBLIC_URL'] || stack.edgeUrl,
    metricsUrls: stack.metricsUrls,
    has: (name) => raw(name) !== undefined,
    readAll,
    read: (name) => String(readAll(z.object({ [name]: Config.shape[name] }))[name]),
  };
}
