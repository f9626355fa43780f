import { AppError } from '@orgstream/core';
import { areFilesCached } from './embedded/files.ts';
import { hasMaven, installedJava } from './embedded/java.ts';
import { startEmbedded } from './embedded/embedded-stack.ts';
import { startExternal } from './external-stack.ts';
import { run } from './run.ts';
import { stackKinds, type Stack, type StackKind, type StackOptions } from './stack-types.ts';

/** What the embedded stack needs, in words. */
export const EMBEDDED_NEEDS = 'Java 17 or newer and Maven (`java` and `mvn` on the PATH)';

/**
 * Starts PostgreSQL, Kafka and the schema registry. They end with this process, also when it is killed.
 * Throws CONFIG_INVALID for an unknown STACK, STACK_UNAVAILABLE when nothing here can run one.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const env = options.env ?? process.env;
  const say = options.say ?? ((line: string) => process.stderr.write(`${line}\n`));
  const kind = options.kind ?? requestedKind(env) ?? (await detectKind());
  switch (kind) {
    case 'embedded':
      return await startEmbedded({ ...options, say });
    case 'testcontainers':
      // Only here: the library is large and refuses older Nodes at import.
      return await (await import('./testcontainers-stack.ts')).startTestcontainers({ ...options, say });
    case 'external':
      return await startExternal(env);
  }
}

/** The kind `STACK` asks for; undefined = choose. */
export function requestedKind(env: NodeJS.ProcessEnv): StackKind | undefined {
  const wanted = env['STACK'];
  if (wanted === undefined || wanted === '') return undefined;
  const kind = stackKinds.find((one) => one === wanted);
  if (kind === undefined) {
    throw new AppError(
      'CONFIG_INVALID',
      `STACK is "${wanted}"; it takes ${stackKinds.join(', ')}, or nothing to choose`,
    );
  }
  return kind;
}

/** What this machine has to run a stack with. */
export interface Capabilities {
  readonly javaMajor: number | undefined;
  readonly maven: boolean;
  readonly docker: () => Promise<boolean>;
}

/** Embedded where Java and Maven are, else containers where an engine answers. */
export async function chooseKind(machine: Capabilities): Promise<StackKind> {
  if ((machine.javaMajor ?? 0) >= 17 && machine.maven) return 'embedded';
  if (await machine.docker()) return 'testcontainers';
  throw new AppError(
    'STACK_UNAVAILABLE',
    `nothing here can run Postgres and Kafka: install ${EMBEDDED_NEEDS}, or start a Docker engine`,
  );
}

async function detectKind(): Promise<StackKind> {
  const [javaMajor, maven] = await Promise.all([installedJava(), areFilesCached() || hasMaven()]);
  return await chooseKind({ javaMajor, maven, docker: dockerAnswers });
}

async function dockerAnswers(): Promise<boolean> {
  return (await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })).ok;
}
