import type { ErrorCode } from '@orgstream/core';
import type { Action, ObjectKind, Outcome } from '../model.ts';

type Detail = Readonly<Record<string, unknown>>;

export const settled: Outcome = { kind: 'settled' };
export const tenantGone: Outcome = { kind: 'halt', code: 'TENANT_GONE' };
export const topUnitChanged: Outcome = { kind: 'halt', code: 'TOP_UNIT_CHANGED' };

export function act(...actions: readonly [Action, ...Action[]]): Outcome {
  return { kind: 'actions', actions };
}

export function park(code: ErrorCode, detail?: Detail): Outcome {
  return detail ? { kind: 'park', code, detail } : { kind: 'park', code };
}

export function conflict(code: ErrorCode, detail?: Detail): Outcome {
  return detail ? { kind: 'conflict', code, detail } : { kind: 'conflict', code };
}

export function waitFor(kind: ObjectKind, id: string, code?: ErrorCode): Outcome {
  return code ? { kind: 'wait', on: { kind, id }, code } : { kind: 'wait', on: { kind, id } };
}
