/** Signals a reaper sends first; after a grace time it is always SIGKILL. */
export type LastSignal = 'SIGKILL' | 'SIGQUIT' | 'SIGTERM';

/** What a process tells its reaper, one JSON per line. */
export type ReaperMessage =
  | { readonly op: 'watch'; readonly pid: number; readonly signal: LastSignal }
  | { readonly op: 'forget'; readonly pid: number }
  | { readonly op: 'folder'; readonly path: string }
  | { readonly op: 'forgetFolder'; readonly path: string };

/** Environment variable every guarded child carries, so that one not yet announced is found all the same (Linux). */
export const MARKER = 'ORGSTREAM_REAPER';
