import { Presets, SingleBar } from 'cli-progress';

/** What is shown while something is waited for. */
export interface Progress {
  /** `total` 0 = not known yet. */
  update(state: { readonly label: string; readonly done: number; readonly total: number; readonly note: string }): void;
  stop(): void;
}

/** Elsewhere than on a terminal, a line at most so often, and one whenever the label changes. */
const QUIET_MS = 5_000;

interface ProgressOptions {
  /** Where lines go; default standard error, so that standard output holds the answer alone. */
  readonly write?: (line: string) => void;
  /** Where a bar is drawn, where that is a terminal. */
  readonly out?: NodeJS.WriteStream;
  /** No line for what is over soon. */
  readonly patient?: boolean;
}

/** A bar on a terminal, plain lines elsewhere. */
export function createProgress(options: ProgressOptions = {}): Progress {
  const { out = process.stderr, write = (line) => process.stderr.write(`${line}\n`), patient = false } = options;
  return out.isTTY ? createBar(out) : createLines(write, patient);
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

function createLines(write: (line: string) => void, patient: boolean): Progress {
  let last = { label: '', done: -1, atMs: patient ? performance.now() : -Infinity };
  return {
    update({ label, done, total, note }) {
      const nowMs = performance.now();
      const changed = label !== last.label && !patient;
      if (!changed && (done === last.done || nowMs - last.atMs < QUIET_MS)) return;
      last = { label, done, atMs: nowMs };
      write([label, total > 0 ? `${done}/${total}` : '', note].filter((part) => part !== '').join(' '));
    },
    stop: () => {},
  };
}
