import type { Status } from '@orgstream/control-api';

/** What the demo shows: headings, lines, and on a terminal one line that is redrawn. */
export interface Screen {
  heading(text: string): void;
  line(text: string): void;
  /** Replaces the last progress line on a terminal; elsewhere at most one line per 2 s, and none that says the same again. */
  progress(text: string): void;
}

const QUIET_MS = 2_000;

export function createScreen(out: NodeJS.WriteStream): Screen {
  let open = false;
  let last = { text: '', atMs: -Infinity };
  const close = (): void => {
    if (open) out.write('\n');
    open = false;
  };
  return {
    heading(text) {
      close();
      out.write(`\n${out.isTTY ? `\x1b[1m${text}\x1b[0m` : `== ${text}`}\n`);
    },
    line(text) {
      close();
      out.write(`${text}\n`);
    },
    progress(text) {
      if (out.isTTY) {
        // A line that wraps could not be taken back.
        out.write(`\r\x1b[K${text.slice(0, out.columns - 1)}`);
        open = true;
      } else if (text !== last.text && performance.now() - last.atMs > QUIET_MS) {
        last = { text, atMs: performance.now() };
        out.write(`${text}\n`);
      }
    },
  };
}

/** `eu1.1 ███████░░ 812/1000 people (live)` for each integration. */
export function progressOf(status: Status): string {
  return status.integrations
    .map(({ tenant, people, state }) => {
      const total = people.inStep + people.outstanding + people.parked;
      const done = state === 'live' || state === 'first_sync' ? total - people.outstanding : 0;
      const share = total === 0 ? 0 : done / total;
      const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░');
      return `${tenant} ${bar} ${done}/${total} people (${state ?? 'new'})`;
    })
    .join('   ');
}
