import type { CommandHandlers } from '../runs/commands.ts';
import { createObjectsAct, type Exclusively } from './act.ts';
import { explain } from './explain.ts';

/** Commands about objects, answered by the owner of their platform. */
export function createObjectHandlers(exclusively: Exclusively): CommandHandlers {
  return { 'objects.act': createObjectsAct(exclusively), explain };
}
