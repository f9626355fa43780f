export { openEnvironment, type Environment } from './environment.ts';
export { run } from './program.ts';
export { readStatus, type Status } from './status.ts';
