import { Command } from 'commander';
import { exitCodes, exitCodeTable } from './exit-codes.ts';
import { addAuditCommand } from './commands/audit.ts';
import { addChannelCommands } from './commands/channel.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addConversationCommands } from './commands/conversation.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEraseCommand } from './commands/erase.ts';
import { addInfrastructureCommands } from './commands/infrastructure.ts';
import { addIntegrationCommands } from './commands/integration.ts';
import { addIssuerCommands } from './commands/issuer.ts';
import { addLoginCommands } from './commands/login.ts';
import { addNotificationCommands } from './commands/notification.ts';
import { addObjectsCommands } from './commands/objects.ts';
import { addReplayCommands } from './commands/replay.ts';
import { addRunCommands } from './commands/run.ts';
import { addSnapshotCommand } from './commands/snapshot.ts';
import { addSourceCommands } from './commands/source.ts';
import { addStartCommands } from './commands/start-run.ts';
import { addStatusCommand } from './commands/status.ts';
import { addStopCommands } from './commands/stop.ts';
import { addTenantCommands } from './commands/tenant.ts';
import { addTokenCommands } from './commands/token.ts';
import { addWhyCommand } from './commands/why.ts';
import type { Cli } from './cli.ts';
import { openEnvironment, type Environment } from './environment.ts';
import { explain, oneLine } from './output.ts';

const settingsText = `
Settings come from the environment, else from the stack that \`npm run dev\` started:
  ORGSTREAM_URL, ORGSTREAM_TOKEN                   the admin API; nearly every command
  DATABASE_URL, KAFKA_BROKERS, REGISTRY_URL,       migrate, topics apply, schemas, source, doctor,
  ORGSTREAM_SECRET_KEY                             token create --local

Exit codes:
${exitCodeTable.map(([code, meaning]) => `  ${String(code).padStart(3)}  ${meaning}`).join('\n')}

\`orgstream <command> --help\` shows examples.
`;

/** commander's complaints in our words: `--tenant: 42 is not …`, one line. */
function oneSentence(text: string): string {
  const said = text
    .trim()
    .replace(/^error: /, '')
    .replace(/^option '(?:-\w, )?(--[\w-]+)[^']*' argument '.*?' is invalid\. /s, '$1: ')
    .replace(/^command-argument value '.*?' is invalid for argument '(\S+)'\. /s, '<$1>: ')
    .replaceAll(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');
  return `orgstream: ${said}; \`--help\` after the command shows how it is used\n`;
}

/** The whole command tree. */
export function createProgram(cli: Cli): Command {
  const program = new Command('orgstream')
    .description('keeps Learningbank in step with Ziik')
    .configureOutput({ outputError: (text, write) => write(oneSentence(text)) })
    .exitOverride()
    .addHelpText('after', settingsText);
  program.commandsGroup('Set up and examine:');
  addInfrastructureCommands(program, cli);
  addSourceCommands(program, cli);
  addTokenCommands(program, cli);
  addDoctorCommand(program, cli);
  addCompletionCommand(program);
  program.commandsGroup('Look:');
  addStatusCommand(program, cli);
  addTenantCommands(program, cli);
  addObjectsCommands(program, cli);
  addWhyCommand(program, cli);
  addAuditCommand(program, cli);
  program.commandsGroup('Operate:');
  addIntegrationCommands(program, cli);
  addStartCommands(program, cli);
  addRunCommands(program, cli);
  addStopCommands(program, cli);
  addReplayCommands(program, cli);
  addSnapshotCommand(program, cli);
  addEraseCommand(program, cli);
  program.commandsGroup('Chat and login:');
  addChannelCommands(program, cli);
  addNotificationCommands(program, cli);
  addConversationCommands(program, cli);
  addLoginCommands(program, cli);
  addIssuerCommands(program, cli);
  return program;
}

/** Runs one command line; returns the exit code. Errors are one sentence on stderr. */
export async function run(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<number> {
  let opened: Environment | undefined;
  let exitCode: number = exitCodes.done;
  const environment = (): Environment => (opened ??= openEnvironment(env, cwd));
  const cli: Cli = {
    environment,
    control: () => environment().control(),
    finish: (code) => {
      exitCode = code;
    },
    signal,
  };
  try {
    await createProgram(cli).parseAsync([...argv], { from: 'user' });
    return signal.aborted ? exitCodes.interrupted : exitCode;
  } catch (error) {
    if (isCommanderError(error)) return Number(error.exitCode) === 0 ? exitCodes.done : exitCodes.usage;
    const explained = explain(error);
    process.stderr.write(`orgstream: ${oneLine(explained.text)}\n`);
    return explained.exitCode;
  } finally {
    await opened?.[Symbol.asyncDispose]();
  }
}

/** What commander has said itself already. */
function isCommanderError(error: unknown): error is Error & { readonly exitCode: unknown } {
  if (!(error instanceof Error) || !('exitCode' in error) || !('code' in error)) return false;
  return String(error.code).startsWith('commander.');
}
