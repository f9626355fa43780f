/** `npm run check`: format, generated files, types, lint, directions, unused code, unit tests. Fast, needs no stack. */
import { checks, runStep, type Step } from './run-steps.ts';
import { stopSignal } from './shutdown.ts';

const unit: Step = { name: 'unit tests', command: 'vitest', args: ['run', '--project', 'unit'] };
const signal = stopSignal();
const failed: string[] = [];
for (const step of [...checks, unit]) {
  if (signal.aborted) break;
  console.log(`── ${step.name}`);
  const { code } = await runStep(step, signal);
  if (code !== 0) failed.push(step.name);
}
console.log(failed.length === 0 ? 'all checks passed' : `not passed: ${failed.join(', ')}`);
process.exitCode = failed.length === 0 && !signal.aborted ? 0 : 1;
