export { manual } from './manual.ts';
export { run } from './program.ts';
export type { Status } from '@orgstream/status';
