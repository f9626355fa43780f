/** How a command ends, for scripts. */
export const exitCodes = {
  /** Done, or accepted. */
  done: 0,
  /** Refused, not done, or something is broken; the message says why and what to do. */
  failed: 1,
  /** Wrong usage or settings: nothing was asked for. */
  usage: 2,
  /** Planned, and waits for approval; or done but for objects that are held. */
  held: 3,
  /** Something does not answer, or takes longer; the same command may succeed later. */
  later: 75,
  /** Ended by Ctrl-C; what was asked for goes on. */
  interrupted: 130,
} as const;

/** The table of `orgstream --help` and docs/cli.md. */
export const exitCodeTable: readonly (readonly [code: number, meaning: string])[] = [
  [exitCodes.done, 'done, or accepted (with --no-wait)'],
  [exitCodes.failed, 'refused, not done, or something is broken; the message says why and what to do'],
  [exitCodes.usage, 'wrong usage or settings; nothing was asked for'],
  [exitCodes.held, 'planned and waits for approval, or done but for objects that are held'],
  [exitCodes.later, 'something does not answer, or takes longer than --timeout; the same command may succeed later'],
  [exitCodes.interrupted, 'ended by Ctrl-C; what was asked for goes on'],
];
