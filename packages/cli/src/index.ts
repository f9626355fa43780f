export { manual } from './manual.ts';
export { run } from './program.ts';
