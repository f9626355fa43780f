import type { AskedRun } from '@orgstream/control-api';
import { isAppError, type RunKind, type RunScope } from '@orgstream/core';
import { dropSettings } from '@orgstream/database';
import type { Deps } from './deps.ts';
import { readRun } from './stores/run-store.ts';

interface RunRequest {
  readonly integration: string;
  readonly kind: RunKind;
  readonly scope: RunScope;
  readonly dryRun: boolean;
  /** Written for this run. */
  readonly settingsVersion?: number;
  readonly by: string;
}

/** Asks the sink for a run; 201 with the run, or 202 while nobody has answered. */
export async function askRun(
  deps: Deps,
  request: RunRequest,
): Promise<{ readonly status: 201 | 202; readonly body: AskedRun }> {
  const asked = await deps.commands
    .ask({ addressee: 'learningbank-sink', kind: 'run.start', payload: request })
    .catch((error: unknown) => takeBack(deps, request, error));
  const id = runOf(asked.result);
  const run = id === undefined ? undefined : await readRun(deps.db, id);
  return { status: run ? 201 : 202, body: { command: asked.id, run: run ?? null } };
}

/** A version of the settings whose run was refused would seem to wait for it for ever. */
async function takeBack({ db }: Deps, { integration, settingsVersion }: RunRequest, error: unknown): Promise<never> {
  if (settingsVersion !== undefined && isAppError(error)) await dropSettings(db, integration, settingsVersion);
  throw error;
}

/** The run that a command's result names. */
function runOf(result: unknown): string | undefined {
  const run = (result as { readonly run?: unknown } | null)?.run;
  return typeof run === 'string' ? run : undefined;
}
