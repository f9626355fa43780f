import type { Command } from 'commander';

/** What every command has: a sentence, at least one example, and `--json`. */
export interface LeafText {
  readonly description: string;
  /** Command lines without the leading `orgstream`, each with what it does. */
  readonly examples: readonly (readonly [line: string, what?: string])[];
  /** More than a sentence, below the options. */
  readonly notes?: string;
}

/** Options that every command takes. */
export interface LeafOptions {
  readonly json: boolean;
}

/** Adds a command that does something (as opposed to one that only groups others). */
export function leaf(parent: Command, nameAndArguments: string, text: LeafText): Command {
  return parent
    .command(nameAndArguments)
    .description(text.description)
    .option('--json', 'as JSON, for scripts', false)
    .addHelpText('after', after(text));
}

/** Adds a command that groups others; alone it prints its help. */
export function group(parent: Command, name: string, description: string): Command {
  return parent.command(name).description(description);
}

function after({ examples, notes }: LeafText): string {
  const lines = examples.map(([line, what]) => `  ${what === undefined ? '' : `# ${what}\n  `}orgstream ${line}`);
  return `\n${notes === undefined ? '' : `${notes}\n\n`}Examples:\n${lines.join('\n')}\n`;
}
