/**
 * `npm test`: the checks, then every test: unit, integration (real Postgres, Kafka, registry), e2e and faults on the whole
 * stack. The last line counts them: `N passed, N failed`. Arguments narrow it: `npm test -- unit`, `npm test -- e2e`.
 */
import { checks, runStep, type Step } from './run-steps.ts';
import { stopSignal } from './shutdown.ts';

const signal = stopSignal();
const wanted = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };

function project(name: string): Step {
  return {
    name,
    command: 'vitest',
    args: [
      'run',
      '--project',
      name,
      '--reporter=default',
      '--reporter=json',
      `--outputFile=.orgstream/test-${name}.json`,
    ],
  };
}

async function runChecks(): Promise<void> {
  for (const step of checks) {
    if (signal.aborted) return;
    console.log(`── ${step.name}`);
    const { code } = await runStep(step, signal);
    if (code === 0) sum.passed += 1;
    else sum.failed += 1;
  }
}

/** Counts come from vitest's own report; a run that left none, or failed without a failed test, counts as failed. */
async function runProject(name: string): Promise<void> {
  if (signal.aborted) return;
  console.log(`── ${name} tests`);
  const { readFile, rm } = await import('node:fs/promises');
  const report = `.orgstream/test-${name}.json`;
  await rm(report, { force: true });
  const { code } = await runStep(project(name), signal);
  const text = await readFile(report, 'utf8').catch(() => '{}');
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0 } = JSON.parse(text) as Record<string, number>;
  sum.passed += numPassedTests;
  sum.failed += code !== 0 && numFailedTests === 0 ? 1 : numFailedTests;
  sum.skipped += numPendingTests;
}

if (wanted.length === 0 || wanted.includes('check')) await runChecks();
for (const name of ['unit', 'integration', 'e2e']) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  // The world that is broken on purpose mostly waits: it runs beside the world that is not.
  await Promise.all([name, ...(name === 'e2e' ? ['own-world'] : [])].map(runProject));
}
if (signal.aborted) sum.failed += 1;
console.log(`${sum.passed} passed, ${sum.failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ''}`);
process.exitCode = sum.failed === 0 && sum.passed > 0 ? 0 : 1;
