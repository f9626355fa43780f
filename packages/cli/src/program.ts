import { Command } from 'commander';
import { addInfrastructureCommands } from './commands/infrastructure.ts';
import { addIntegrationCommands } from './commands/integration.ts';
import { addResyncCommands } from './commands/resync.ts';
import { addSourceCommands } from './commands/source.ts';
import { addStatusCommand } from './commands/status.ts';
import { openEnvironment, type Environment } from './environment.ts';
import { exitCodes, explain } from './output.ts';

/** The whole command tree; `environment` is opened on first use. */
function createProgram(environment: () => Environment): Command {
  const program = new Command('orgstream')
    .description('keeps Learningbank in step with Ziik')
    .showHelpAfterError()
    .exitOverride()
    .addHelpText(
      'after',
      '\nSettings come from the environment (DATABASE_URL, KAFKA_BROKERS, REGISTRY_URL, ORGSTREAM_SECRET_KEY), else from the stack that `npm run dev` started.' +
        '\nExit codes: 0 done, 1 not done, 2 wrong usage or settings, 75 may succeed later.',
    );
  addInfrastructureCommands(program, environment);
  addSourceCommands(program, environment);
  addIntegrationCommands(program, environment);
  addResyncCommands(program, environment);
  addStatusCommand(program, environment);
  return program;
}

/** Runs one command line; returns the exit code. Errors are one sentence on stderr. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<number> {
  let opened: Environment | undefined;
  const program = createProgram(() => (opened ??= openEnvironment(env, cwd)));
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCodes.done;
  } catch (error) {
    if (
      error instanceof Error &&
      'exitCode' in error &&
      'code' in error &&
      String(error.code).startsWith('commander.')
    ) {
      return Number(error.exitCode) === 0 ? exitCodes.done : exitCodes.usage;
    }
    const { text, exitCode } = explain(error);
    process.stderr.write(`orgstream: ${text}\n`);
    return exitCode;
  } finally {
    await opened?.[Symbol.asyncDispose]();
  }
}
