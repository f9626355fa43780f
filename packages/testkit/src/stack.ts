import { AppError } from '@orgstream/core';
import { areFilesCached } from './embedded/files.ts';
import { hasMaven, installedJava } from './embedded/java.ts';
import { startEmbedded } from './embedded/embedded-stack.ts';
import { startExternal } from './external-stack.ts';
import { run } from './run.ts';
import { EMBEDDED_NEEDS } from './stack-needs.ts';
import { stackKinds, type Stack, type StackKind, type StackOptions } from './stack-types.ts';

/**
 * Starts PostgreSQL, Kafka and the schema registry. They end with this process, also when it is killed.
 * Throws CONFIG_INVALID for an unknown STACK, STACK_UNAVAILABLE when nothing here can run one.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const env = options.env ?? process.env;
  const say = options.say ?? ((line: string) => process.stderr.write(`${line}\n`));
  const wanted = options.kind ?? requestedKind(env);
  if (wanted === 'embedded') requireEmbedded(await lookAround());
  switch (wanted ?? (await chooseKind(await lookAround()))) {
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
  /** True as well when Maven has done its work already. */
  readonly maven: boolean;
  readonly docker: () => Promise<boolean>;
}

/** Embedded where Java and Maven are, else containers where an engine answers. */
export async function chooseKind(machine: Capabilities): Promise<StackKind> {
  if (missingForEmbedded(machine) === undefined) return 'embedded';
  if (await machine.docker()) return 'testcontainers';
  throw new AppError(
    'STACK_UNAVAILABLE',
    `nothing here can run Postgres and Kafka: install ${EMBEDDED_NEEDS}, or start a Docker engine`,
  );
}

/** Throws STACK_UNAVAILABLE, naming what to install, when the embedded stack cannot run on this machine. */
export function requireEmbedded(machine: Capabilities): void {
  const missing = missingForEmbedded(machine);
  if (missing === undefined) return;
  throw new AppError('STACK_UNAVAILABLE', `STACK=embedded needs ${EMBEDDED_NEEDS}: ${missing}`);
}

function missingForEmbedded({ javaMajor, maven }: Capabilities): string | undefined {
  if (javaMajor === undefined) return 'java does not answer';
  if (javaMajor < 17) return `this is Java ${javaMajor}`;
  return maven ? undefined : 'mvn does not answer';
}

async function lookAround(): Promise<Capabilities> {
  const [javaMajor, maven] = await Promise.all([installedJava(), areFilesCached() || hasMaven()]);
  return { javaMajor, maven, docker: dockerAnswers };
}

async function dockerAnswers(): Promise<boolean> {
  return (await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeoutMs: 5_000 })).ok;
}
