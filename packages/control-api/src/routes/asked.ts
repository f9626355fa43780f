import { AskedCommand } from '../system.ts';

/** Answers of a route that asks a service to do something, and waits a little. */
export const askedAnswers = {
  200: { description: 'Done.', schema: AskedCommand },
  202: { description: 'Asked for, and not done yet: the command says how it goes on.', schema: AskedCommand },
} as const;
