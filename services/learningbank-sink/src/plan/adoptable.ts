import type { Candidate } from '../model.ts';
import type { Resolution } from './facts.ts';

/**
 * What an operator decided to adopt, if the target still has it: inactive, matched twice or with rights as it may be. What
 * is linked by another object stays with it: a link is moved, never taken.
 */
export function adoptable(
  candidates: readonly Candidate[],
  resolution: Resolution | null | undefined,
): Candidate | undefined {
  if (resolution?.action !== 'adopt') return undefined;
  return candidates.find(({ targetId, linkedBy }) => targetId === resolution.targetId && !linkedBy);
}
