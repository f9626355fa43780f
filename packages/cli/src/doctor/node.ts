import { broken, ok } from './finding.ts';
import type { Check } from './check.ts';

/** Below it types are not stripped, and nothing would have started. */
const OLDEST_MAJOR = 24;

export const nodeCheck: Check = {
  area: 'node',
  deadlineMs: 1_000,
  remedy: 'try again',
  run: () => {
    const { node } = process.versions;
    const fits = Number(node.split('.')[0]) >= OLDEST_MAJOR;
    return Promise.resolve([
      fits ? ok(`Node ${node}`) : broken(`Node ${node} is too old`, `install Node ${OLDEST_MAJOR} or newer`),
    ]);
  },
};
