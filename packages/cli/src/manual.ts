import type { Command, Option } from 'commander';
import { exitCodeTable } from './exit-codes.ts';
import { createProgram } from './program.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``;

/** `docs/cli.md`, made from the command tree, so that it says what `--help` says. */
export function manual(): string {
  const nothing = (): never => {
    throw new Error('no command is run for the manual');
  };
  const program = createProgram({
    environment: nothing,
    control: nothing,
    finish: nothing,
    signal: new AbortController().signal,
  });
  return `# The command line

Made from the command tree of \`packages/cli\` by \`npm run generate\`. On a clone \`npm run orgstream -- <command>\`, by default
against what \`npm run dev\` started; elsewhere \`orgstream <command>\`.

Nearly every command is a client of the admin API: \`ORGSTREAM_URL\` and \`ORGSTREAM_TOKEN\`, else \`controlUrl\` and \`adminToken\` of
\`.orgstream/stack.json\`. \`migrate\`, \`topics apply\`, \`schemas\`, \`source\`, \`doctor\` and \`token create --local\` touch
infrastructure: \`DATABASE_URL\`, \`KAFKA_BROKERS\`, \`REGISTRY_URL\`, \`ORGSTREAM_SECRET_KEY\`.

- An integration is named by its id, or by its tenant (\`eu1.42\`) where that has one.
- An object is \`person/7\`, \`unit/12\` or \`role/3\`, by source id; \`person/7@<hash>\` is refused when it is another now.
- \`--json\` makes the answer one JSON document (\`--watch\` and \`run watch\`: one a line). The answer is on standard output,
  everything else on standard error: errors as one sentence with the next step, progress as a bar on a terminal, as lines elsewhere.
- Secrets come from the environment, a file or standard input, never from the command line: of \`channel set\` the sender's
  password from \`ORGSTREAM_SENDER_PASSWORD\`, else from standard input. \`source add\` takes a URL there too: give \`--url -\`.
- What cannot easily be taken back asks on a terminal, and takes \`--yes\` elsewhere.

## Exit codes

| code | when |
|---|---|
${exitCodeTable.map(([number, meaning]) => `| ${number} | ${cell(meaning)} |`).join('\n')}

${leaves(program).map(section).join('\n')}`;
}

/** Every command that does something, in the order of the help. */
export function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

/** `orgstream run list`. */
export function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function section(command: Command): string {
  const description = command.description();
  const rows = [
    ...command.registeredArguments.map((argument) => [
      code(argument.required ? `<${argument.name()}>` : `[${argument.name()}]`),
      argument.description,
    ]),
    ...command.options.filter(({ long }) => long !== '--json').map(optionRow),
  ];
  return [
    `## ${pathOf(command)}`,
    '',
    `${description[0]!.toUpperCase()}${description.slice(1).replace(/[.]$/, '')}.`,
    ...(rows.length === 0 ? [] : ['', '| | |', '|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)]),
    '',
    '```sh',
    examplesOf(command),
    '```',
    '',
  ].join('\n');
}

function optionRow(option: Option): readonly string[] {
  const choices = option.argChoices ? ` (${option.argChoices.join(', ')})` : '';
  const standard =
    option.defaultValue === undefined || option.defaultValue === false
      ? ''
      : `; default ${String(option.defaultValue)}`;
  const must = option.mandatory ? ', required' : '';
  return [code(option.flags), cell(`${option.description}${choices}${standard}${must}`)];
}

/** The examples that `--help` shows. */
export function examplesOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return (text.split('Examples:\n')[1] ?? '').replaceAll(/^ {2}/gm, '').trim();
}
