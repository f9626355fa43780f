import type { AskedRun } from '@orgstream/control-api';
import type { RunKind, RunScope } from '@orgstream/core';
import type { Deps } from './deps.ts';
import { readRun } from './stores/run-store.ts';

/** Asks the sink for a run; 201 with the run, or 202 while nobody has answered. */
export async function askRun(
  deps: Deps,
  request: {
    readonly integration: string;
    readonly kind: RunKind;
    readonly scope: RunScope;
    readonly dryRun: boolean;
    readonly settingsVersion?: number;
    readonly by: string;
  },
): Promise<{ readonly status: 201 | 202; readonly body: AskedRun }> {
  const asked = await deps.commands.ask({ addressee: 'learningbank-sink', kind: 'run.start', payload: request });
  const id = runOf(asked.result);
  const run = id === undefined ? undefined : await readRun(deps.db, id);
  return { status: run ? 201 : 202, body: { command: asked.id, run: run ?? null } };
}

/** The run that a command's result names. */
function runOf(result: unknown): string | undefined {
  const run = (result as { readonly run?: unknown } | null)?.run;
  return typeof run === 'string' ? run : undefined;
}
