import type { Command } from 'commander';
import { personId, tenantKey } from '../arguments.ts';
import { settleCommand, withWait, type WaitOptions } from '../asked.ts';
import { confirm, type Cli } from '../cli.ts';
import { leaf } from '../leaf.ts';
import { print, printJson } from '../output.ts';

interface EraseOptions extends WaitOptions {
  readonly tenant: string;
  readonly person: string;
  readonly yes: boolean;
}

/** `erase`: everything about a person. */
export function addEraseCommand(program: Command, cli: Cli): void {
  withWait(
    leaf(program, 'erase', {
      description: 'erase a person from everything orgstream keeps; Learningbank and Ziik are not touched',
      notes: 'Topics keep their records until retention and compaction have passed; the answer says how long.',
      examples: [['erase --tenant eu1.42 --person 7 --yes']],
    }),
    true,
  )
    .requiredOption('--tenant <source.site>', "the person's tenant", tenantKey)
    .requiredOption('--person <id>', "the person's id in Ziik", personId)
    .option('--yes', 'do not ask', false)
    .action(async (options: EraseOptions) => {
      const { tenant, person } = options;
      await confirm(cli, `erase person ${person} of ${tenant} from everything orgstream keeps`, options);
      const asked = await cli.control().erasePerson({ body: { tenant, person } });
      const done = await settleCommand(cli, asked, { ...options, what: 'erasing' });
      if (options.json) return printJson(done ?? asked);
      print(done ? renderErased(done.result) : `asked for, command ${asked.command}`);
    });
}

/** What the sink answers; fields that are not there are left out. */
interface Erased {
  readonly rows?: Readonly<Record<string, number>>;
  readonly tombstones?: number;
  readonly notes?: readonly string[];
  readonly retained?: readonly {
    readonly topic: string;
    readonly what: string;
    readonly until: string | null;
    readonly policy: string;
  }[];
}

/** What was erased, and what remains where, until when. */
function renderErased(result: unknown): string {
  const { rows = {}, tombstones = 0, notes = [], retained = [] } = (result ?? {}) as Erased;
  const gone = Object.entries(rows).flatMap(([what, n]) => (n > 0 ? [`${n} ${what}`] : []));
  return [
    `erased: ${gone.join(', ') || 'nothing was there'}; ${tombstones} tombstones written`,
    ...retained.map(
      ({ topic, what, until, policy }) => `remains in ${topic} ${until ?? 'until compaction'}: ${what} (${policy})`,
    ),
    ...notes,
  ].join('\n');
}
