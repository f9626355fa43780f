import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test, vi } from 'vitest';
import { createProgram } from './program.ts';

const root = join(import.meta.dirname, '../../..');
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md') && name !== 'cli.md');
const pages = ['README.md', ...docs.map((name) => `docs/${name}`), 'deploy/alerts.yml'];

class Asked extends Error {}
const ask = (): never => {
  throw new Asked();
};
const cli = { environment: ask, control: ask, finish: () => {}, signal: new AbortController().signal };

/** What stands for a value. */
const samples: Readonly<Record<string, string>> = {
  '<tenant>': 'eu1.42',
  '<run>': '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10',
  '<id>': '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10',
  '"$id"': '0f8c2f0e-6c0b-4a56-9a3e-2c1d7f9b8a10',
  '<hash>': '1f0c9a2b',
  '<no>': '1031',
  '<e-mail>': 'academy@acme.example',
  '<name>': 'eu1',
};

/** Command lines of a page: in blocks of shell, and in the text between backticks. */
function linesOf(page: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) => block!.split('\n'));
  const shell = blocks.flatMap(
    (line) => line.replace(/(^|\s)# .*$/, '').match(/\borgstream (?:-- )?[a-z<-][^|;]*/g) ?? [],
  );
  const inline = [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`((?:npm run )?orgstream [^`]+)`/g)];
  return [...shell, ...inline.map(([, line]) => line!)].map((line) =>
    line
      .replaceAll(/\s+/g, ' ')
      .replace(/^(npm run )?orgstream (-- )?/, '')
      .replaceAll('\\|', '|')
      .trim(),
  );
}

function wordsOf(line: string): readonly string[] {
  const bare = line
    .replaceAll(/[[\]]/g, '')
    .replaceAll(/<(?:tenant|run|id|hash|no|e-mail|name)>|"\$id"/g, (one) => samples[one]!);
  const words = (bare.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll(/^["']|["']$/g, ''));
  const end = words.findIndex((word) => ['<', '>'].includes(word));
  // `bash|zsh|fish`, `approve|reject`: any of them.
  return (end === -1 ? words : words.slice(0, end)).map((word) =>
    /^[a-z]+(\|[a-z]+)+$/.test(word) ? word.split('|')[0]! : word,
  );
}

/** How far the words lead into the tree, and what is left. */
function resolve(words: readonly string[]): { readonly command: Command; readonly rest: readonly string[] } {
  let command = createProgram(cli);
  let depth = 0;
  for (; depth < words.length; depth += 1) {
    const next = command.commands.find((one) => one.name() === words[depth]);
    if (!next) break;
    command = next;
  }
  if (command.name() === 'objects' && words[depth]?.startsWith('--'))
    command = command.commands.find((one) => one.name() === 'list')!;
  return { command, rest: words.slice(depth) };
}

/** A mention of a command or an option, not a line to type; or one that reads a file. */
function isMention(command: Command, rest: readonly string[]): boolean {
  if (rest.length === 0 || rest.includes('--help')) return true;
  if (rest.some((word) => word.includes('…') || /\.json$|^-$/.test(word))) return true;
  const last = command.options.find(({ long }) => long === rest.at(-1));
  return last !== undefined && !last.isBoolean() && last.long !== '--wait';
}

const lines = pages.flatMap((page) => linesOf(page).map((line) => [page, line] as const));

test('there are many', () => expect(lines.length).toBeGreaterThan(120));

describe.each(lines)('%s: orgstream %s', (_, line) => {
  test('is a command, with options that it has, and is understood', async () => {
    const words = wordsOf(line);
    if (words[0] === '<command>' || words[0] === '--help') return;
    const { command, rest } = resolve(words);
    expect(command.name(), 'a command').not.toBe('orgstream');
    if (command.commands.length > 0)
      expect(rest, 'a command of this group').toEqual(rest.filter((word) => word.startsWith('-')));
    const options = [...command.options.map(({ long }) => long), '--help'];
    for (const word of rest) if (word.startsWith('--')) expect(options).toContain(word);
    if (isMention(command, rest)) return;
    expect(await understood(words), 'understood').toBe(true);
  });
});

/** It comes to the point where something is asked of somebody, or of the operator. */
async function understood(words: readonly string[]): Promise<true | string> {
  const silent = [process.stdout, process.stderr].map((out) => vi.spyOn(out, 'write').mockReturnValue(true));
  try {
    await createProgram(cli).parseAsync([...words], { from: 'user' });
    return true;
  } catch (error) {
    return error instanceof Asked || /give --yes/.test(String(error)) ? true : String(error);
  } finally {
    for (const one of silent) one.mockRestore();
  }
}
