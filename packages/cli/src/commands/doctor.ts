import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examine, type AreaFinding, type Check } from '../doctor/check.ts';
import { chatCheck } from '../doctor/chat.ts';
import { controlCheck } from '../doctor/control.ts';
import { integrationsCheck } from '../doctor/integrations.ts';
import { generationCheck, kafkaCheck } from '../doctor/kafka.ts';
import { loginCheck } from '../doctor/login.ts';
import { nodeCheck } from '../doctor/node.ts';
import { postgresCheck } from '../doctor/postgres.ts';
import { registryCheck } from '../doctor/registry.ts';
import { servicesCheck } from '../doctor/services.ts';
import { settingsCheck } from '../doctor/settings.ts';
import { sourcesCheck } from '../doctor/sources.ts';
import { exitCodes } from '../exit-codes.ts';
import { leaf, type LeafOptions } from '../leaf.ts';
import { show } from '../output.ts';

const checks: readonly Check[] = [
  nodeCheck,
  settingsCheck,
  postgresCheck,
  kafkaCheck,
  generationCheck,
  registryCheck,
  controlCheck,
  sourcesCheck,
  servicesCheck,
  integrationsCheck,
  chatCheck,
  loginCheck,
];

/** `doctor`: everything that is reachable and configured, finding by finding, each with its remedy. */
export function addDoctorCommand(program: Command, cli: Cli): void {
  leaf(program, 'doctor', {
    description: 'examine everything that is reachable and configured, finding by finding, each with its remedy',
    notes: 'Ends with 1 when something is broken; warnings alone end with 0. It works while half of it is down.',
    examples: [['doctor'], ['doctor --json | jq ".findings[] | select(.level == \\"broken\\")"']],
  })
    .option('--verbose', 'show what is as it should be, too', false)
    .action(async (options: LeafOptions & { verbose: boolean }) => {
      const findings = await examine(checks, cli.environment());
      const ok = !findings.some(({ level }) => level === 'broken');
      if (!ok) cli.finish(exitCodes.failed);
      show({ ok, findings }, options, () => renderFindings(findings, options.verbose));
    });
}

const marks = { ok: 'ok     ', warning: 'warning', broken: 'broken ' } as const;

/** The findings as text; an area with nothing to say is one line. */
export function renderFindings(findings: readonly AreaFinding[], verbose: boolean): string {
  const areas = [...new Set(findings.map(({ area }) => area))];
  const lines = areas.flatMap((area) => {
    const own = findings.filter((finding) => finding.area === area);
    const told = verbose ? own : own.filter(({ level }) => level !== 'ok');
    const shown = told.length > 0 ? told : own.slice(0, 1);
    return shown.flatMap(({ level, code, message, remedy }) => [
      `${marks[level]}  ${area.padEnd(12)}  ${code === null ? '' : `${code}: `}${message}`,
      ...(remedy === null ? [] : [`${' '.repeat(23)}→ ${remedy}`]),
    ]);
  });
  const count = (level: AreaFinding['level']): number => findings.filter((finding) => finding.level === level).length;
  const verdict =
    count('broken') > 0
      ? `${count('broken')} broken, ${count('warning')} to look at`
      : count('warning') > 0
        ? `nothing is broken, ${count('warning')} to look at`
        : 'everything is as it should be';
  return [...lines, verdict].join('\n');
}
