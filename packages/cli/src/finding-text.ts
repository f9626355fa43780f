import type { Finding } from '@orgstream/control-api';
import { oneLine, withStep } from './output.ts';

/** A finding of control in a line, with its next step. */
export const sayFinding = ({ level, code, message, remedy }: Finding): string =>
  `${level} ${code}: ${withStep(message, remedy)}`;

/** What was noticed besides, to a person: standard output is the answer's. */
export function tellFindings(findings: readonly Finding[]): void {
  if (!process.stderr.isTTY) return;
  for (const finding of findings) process.stderr.write(`${oneLine(sayFinding(finding))}\n`);
}
