import type { Status } from '@orgstream/control-api';

/** What the demo shows: headings, lines, and on a terminal one line that is redrawn. */
export interface Screen {
  heading(text: string): void;
  line(text: string): void;
  /** Replaces the last progress line on a terminal; elsewhere at most one line per 2 s. */
  progress(text: string): void;
}

const QUIET_MS = 2_000;

export function createScreen(out: NodeJS.WriteStream): Screen {
  let open = false;
  let lastMs = -Infinity;
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
        out.write(`\r\x1b[K${text}`);
        open = true;
      } else if (performance.now() - lastMs > QUIET_MS) {
        lastMs = performance.now();
        out.write(`${text}\n`);
      }
    },
  };
}

/** `acme 812/1,000 people ███████░░ · …` for each integration. */
export function progressOf(status: Status): string {
  return status.integrations
    .map(({ tenantName, tenant, people, state }) => {
      const total = people.inStep + people.outstanding + people.parked;
      const done = state === 'live' || state === 'first_sync' ? total - people.outstanding : 0;
      const share = total === 0 ? 0 : done / total;
      const bar = '█'.repeat(Math.round(share * 20)).padEnd(20, '░');
      return `${tenantName ?? tenant} ${bar} ${done}/${total} people (${state ?? 'new'})`;
    })
    .join('   ');
}
