import { Presets, SingleBar } from 'cli-progress';

/** What is shown while something is waited for. */
export interface Progress {
  /** `total` 0 = not known yet. */
  update(state: { readonly label: string; readonly done: number; readonly total: number; readonly note: string }): void;
  stop(): void;
}

/** Elsewhere than on a terminal, a line at most so often, and one whenever the label changes. */
const QUIET_MS = 5_000;

/** A bar on a terminal, plain lines elsewhere; on standard error, so that standard output holds the answer alone. */
export function createProgress(
  write: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
  out: NodeJS.WriteStream = process.stderr,
): Progress {
  return out.isTTY ? createBar(out) : createLines(write);
}

function createBar(out: NodeJS.WriteStream): Progress {
  const bar = new SingleBar(
    {
      stream: out,
      format: '{label} {bar} {done}/{size} {note}',
      hideCursor: true,
      clearOnComplete: false,
      barsize: 24,
    },
    Presets.shades_classic,
  );
  let started = false;
  return {
    update({ label, done, total, note }) {
      const shown = { label, note, done, size: total };
      if (!started) bar.start(Math.max(1, total), done, shown);
      started = true;
      bar.setTotal(Math.max(1, total));
      bar.update(done, shown);
    },
    stop: () => {
      if (started) bar.stop();
      started = false;
    },
  };
}

function createLines(write: (line: string) => void): Progress {
  let last = { label: '', done: -1, atMs: -Infinity };
  return {
    update({ label, done, total, note }) {
      const nowMs = performance.now();
      if (label === last.label && (done === last.done || nowMs - last.atMs < QUIET_MS)) return;
      last = { label, done, atMs: nowMs };
      write([label, total > 0 ? `${done}/${total}` : '', note].filter((part) => part !== '').join(' '));
    },
    stop: () => {},
  };
}
