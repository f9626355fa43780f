import type { Stack, StackOptions } from './stack-types.ts';
export function startTestcontainers(_options: StackOptions): Promise<Stack> {
  throw new Error('not yet');
}
