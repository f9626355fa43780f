import { manualOf, codes, type ErrorCode } from '@orgstream/core';
import type { Run } from '@orgstream/control-api';
import type { Cli } from './cli.ts';
import { exitCodes } from './exit-codes.ts';
import { show } from './output.ts';
import { poll } from './poll.ts';
import { createProgress, type Progress } from './progress.ts';

/** A run, and whether all that is left of it is held. */
export interface RunEnd {
  readonly run: Run;
  readonly held: boolean;
}

const ended = ({ state }: Run): boolean => state === 'done' || state === 'cancelled' || state === 'failed';
const waitsForApproval = ({ state, needsApproval, decidedBy }: Run): boolean =>
  state === 'planned' && needsApproval && decidedBy === null;

/** Waits until a run ends, waits for approval, or has nothing left but what is held. Shows how far it has come. */
export async function followRun(
  cli: Cli,
  run: Run,
  options: { readonly timeout: number; readonly progress?: Progress; readonly onRun?: (run: Run) => void },
): Promise<RunEnd> {
  const progress = options.progress ?? createProgress();
  try {
    return await poll(() => look(cli, run.id), {
      done: ({ run: now, held }) => held || ended(now) || waitsForApproval(now),
      onLook: ({ run: now }) => {
        options.onRun?.(now);
        progress.update(progressOf(now));
      },
      what: `run ${run.id}`,
      timeoutSeconds: options.timeout,
      intervalMs: 500,
      signal: cli.signal,
    });
  } finally {
    progress.stop();
  }
}

async function look(cli: Cli, id: string): Promise<RunEnd> {
  const control = cli.control();
  const run = await control.getRun({ params: { run: id }, signal: cli.signal });
  if (run.state !== 'applying' || run.paused) return { run, held: false };
  const some = async (state: 'planned' | 'approved' | 'held'): Promise<boolean> =>
    (await control.listRunItems({ params: { run: id }, query: { state, limit: 1 } })).items.length > 0;
  const held = (await some('held')) && !(await some('approved')) && !(await some('planned'));
  return { run, held };
}

function progressOf(run: Run): Parameters<Progress['update']>[0] {
  const { done = 0, total = 0, calls, perSecond, etaSeconds } = run.progress;
  const notes = [
    ...(typeof calls === 'number' ? [`${calls} calls`] : []),
    ...(typeof perSecond === 'number' ? [`${perSecond.toFixed(1)}/s`] : []),
    ...(typeof etaSeconds === 'number' ? [`${Math.round(etaSeconds)} s left`] : []),
  ];
  return { label: `${run.kind} ${run.paused ? 'paused' : run.state}`, done, total, note: notes.join(', ') };
}

/** Says how a run stands and what comes next, and ends the command line accordingly. */
export function endWith(cli: Cli, end: RunEnd, options: { readonly json: boolean; readonly quiet?: boolean }): void {
  const { run, held } = end;
  if (run.state === 'failed' || run.state === 'cancelled') cli.finish(exitCodes.failed);
  else if (held || waitsForApproval(run)) cli.finish(exitCodes.held);
  if (!options.quiet) show(run, options, () => describeRun(run, held));
}

/** A run in a few lines: where it stands, what its plan counts, and the next step. */
export function describeRun(run: Run, held = false): string {
  const { done, total } = run.progress;
  return [
    `${run.kind} run ${run.id}: ${stateOf(run)}${run.dryRun ? ' (dry run)' : ''}`,
    ...countLines(run),
    ...(total !== undefined && total > 0 ? [`progress: ${done ?? 0} of ${total}`] : []),
    ...nextSteps(run, held),
  ].join('\n');
}

/** What happened to people and units while an integration was off, as the gap report has it. */
const gapWords: readonly string[] = ['created', 'changed', 'moved', 'left', 'deleted'];

/** How much it is; of a gap first what was missed, then what brings it into step. */
function countLines({ kind, counts }: Run): readonly string[] {
  const named = Object.entries(counts).filter(([, n]) => n > 0);
  const first = ['items', 'parked'];
  const say = (some: typeof named): string => some.map(([what, n]) => `${what} ${n}`).join(', ');
  const missed = kind === 'gap' ? gapWords.flatMap((word) => named.filter(([what]) => what === word)) : [];
  const plan = [
    ...first.flatMap((word) => named.filter(([what]) => what === word)),
    ...named.filter((one) => !first.includes(one[0]) && !missed.includes(one)),
  ];
  return [...(missed.length > 0 ? [`missed: ${say(missed)}`] : []), ...(plan.length > 0 ? [`plan: ${say(plan)}`] : [])];
}

function stateOf(run: Run): string {
  if (run.paused && !ended(run)) return `${run.state}, paused`;
  if (run.code === null) return run.state === 'done' && run.counts['items'] === 0 ? 'done, nothing to do' : run.state;
  return `${run.state}, ${run.code}${run.message === null ? '' : `: ${run.message}`}`;
}

function nextSteps(run: Run, held: boolean): readonly string[] {
  const look = `look: \`orgstream run items ${run.id}\``;
  if (run.code !== null && run.code in codes && ended(run)) return [`next: ${manualOf(run.code as ErrorCode).remedy}`];
  if (waitsForApproval(run))
    return [look, `next: \`orgstream run approve ${run.id}\`, or \`orgstream run reject ${run.id}\``];
  if (held) {
    return [
      `look: \`orgstream run items ${run.id} --state held\``,
      `next: \`orgstream run approve ${run.id}\`, or \`orgstream run reject ${run.id}\``,
    ];
  }
  if (run.paused && !ended(run)) return [`next: \`orgstream run resume ${run.id}\``];
  if (run.dryRun && run.state === 'done' && (run.counts['items'] ?? 0) > 0) return [look];
  return [];
}
