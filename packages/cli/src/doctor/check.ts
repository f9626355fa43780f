import type { Environment } from '../environment.ts';
import { broken, findingOf, type Finding } from './finding.ts';

/** A part of the examination that does not depend on the others. */
export interface Check {
  /** What it is about; findings are shown under it. */
  readonly area: string;
  /** Half a minute of silence of one part must not keep the others from being told. */
  readonly deadlineMs: number;
  /** What to do when nothing is heard within the deadline. */
  readonly remedy: string;
  run(environment: Environment): Promise<readonly Finding[]>;
}

export type AreaFinding = Finding & { readonly area: string };

/** All checks at once, each with its deadline, in their order; a failing one is a finding. */
export async function examine(checks: readonly Check[], environment: Environment): Promise<readonly AreaFinding[]> {
  const all = await Promise.all(checks.map((check) => within(check, environment)));
  return all.flat();
}

async function within(check: Check, environment: Environment): Promise<readonly AreaFinding[]> {
  const { promise: late, resolve } = Promise.withResolvers<readonly Finding[]>();
  const seconds = check.deadlineMs / 1_000;
  const timer = setTimeout(() => resolve([broken(`no answer within ${seconds} s`, check.remedy)]), check.deadlineMs);
  try {
    const findings = await Promise.race([Promise.resolve().then(() => check.run(environment)), late]);
    return findings.map((finding) => ({ area: check.area, ...finding }));
  } catch (error) {
    return [{ area: check.area, ...findingOf(error, { doing: `looking at ${check.area}`, remedy: check.remedy }) }];
  } finally {
    clearTimeout(timer);
  }
}
