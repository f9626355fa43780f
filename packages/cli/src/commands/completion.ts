import { Argument, type Command, type Option } from 'commander';
import { leaf, type LeafOptions } from '../leaf.ts';
import { show } from '../output.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** `completion`: a script that the shell evaluates; made from the command tree, so it knows everything. */
export function addCompletionCommand(program: Command): void {
  leaf(program, 'completion', {
    description: 'print the completion script of a shell',
    examples: [
      ['completion bash > /etc/bash_completion.d/orgstream'],
      ['completion zsh > "${fpath[1]}/_orgstream"'],
      ['completion fish > ~/.config/fish/completions/orgstream.fish'],
    ],
  })
    .addArgument(new Argument('<shell>', 'your shell').choices(shells))
    .action((shell: Shell, options: LeafOptions) => {
      show({ shell, script: scripts[shell](wordsOf(program)) }, options, ({ script }) => script.trimEnd());
    });
}

/** What may follow a command path: subcommands and options, and the values an option takes. */
interface Node {
  /** `''`, `run`, `run list`, … */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
  readonly choices: readonly { readonly option: string; readonly values: readonly string[] }[];
}

function wordsOf(program: Command): readonly Node[] {
  const nodes: Node[] = [];
  const visit = (command: Command, path: string): void => {
    const visible = (option: Option): boolean => !option.hidden;
    const options = command.options.filter(visible);
    nodes.push({
      path,
      words: [
        ...command.commands.map((sub) => ({ word: sub.name(), about: sub.description() })),
        ...options.map((option) => ({ word: option.long ?? option.short!, about: option.description })),
        ...command.registeredArguments
          .flatMap(({ argChoices }) => argChoices ?? [])
          .map((word) => ({ word, about: '' })),
        { word: '--help', about: 'how it is used' },
      ],
      choices: options.flatMap(({ long, argChoices }) =>
        long && argChoices ? [{ option: long, values: argChoices }] : [],
      ),
    });
    for (const sub of command.commands) visit(sub, path === '' ? sub.name() : `${path} ${sub.name()}`);
  };
  visit(program, '');
  return nodes;
}

/** The command path in what was typed: words that are no options, as long as they are known. */
const bashPath = `  local path="" word next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) continue ;; esac
    next="\${path:+$path }$word"
    case "$next" in
      KNOWN) path="$next" ;;
    esac
  done`;

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

function bash(nodes: readonly Node[]): string {
  const known = nodes.flatMap(({ path }) => (path === '' ? [] : [`"${path}"`])).join('|');
  const words = nodes.map(
    ({ path, words: all }) => `    "${path}") words="${all.map(({ word }) => word).join(' ')}" ;;`,
  );
  const values = nodes.flatMap(({ path, choices }) =>
    choices.map(({ option, values: all }) => `    "${path}:${option}") words="${all.join(' ')}" ;;`),
  );
  return `# bash completion for orgstream
_orgstream() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" words=""
${bashPath.replace('KNOWN', known)}
  case "$path" in
${words.join('\n')}
  esac
  case "$path:$before" in
${values.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _orgstream orgstream
`;
}

/** zsh runs the function of bash: one thing to get right. */
const zsh = (nodes: readonly Node[]): string =>
  `#compdef orgstream
autoload -U +X bashcompinit && bashcompinit
${bash(nodes)}`;

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, words, choices }) => {
    const at = `__orgstream_at ${quote(path)}`;
    return words.map(({ word, about }) => {
      const values = choices.find(({ option }) => option === word)?.values;
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-a ${quote(word)}`;
      const takes = values ? ` -x -a ${quote(values.join(' '))}` : '';
      return `complete -c orgstream -n ${quote(at)} ${what}${takes} -d ${quote(about)}`;
    });
  });
  const known = nodes.flatMap(({ path }) => (path === '' ? [] : [quote(path)])).join(' ');
  return `# fish completion for orgstream
function __orgstream_at
  set -l path ''
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and continue
    set -l next (string trim -- "$path $word")
    contains -- $next ${known}; and set path $next
  end
  test "$path" = "$argv[1]"
end
complete -c orgstream -f
${lines.join('\n')}
`;
}

const scripts: Readonly<Record<Shell, (nodes: readonly Node[]) => string>> = { bash, zsh, fish };
