import type { Position } from './generated/orgstream.ts';

/**
 * Where a fact stands: its source position, then its offset in `directory.changes`. A fact wins when this is greater:
 * older never overwrites newer, and at equal source positions the later in the log wins (a corrected normalizer's
 * output). Offsets are comparable within one topic generation only.
 */
export interface FactVersion extends Pick<Position, 'epoch' | 'lsn' | 'seq'> {
  readonly offset: number;
}

/** Negative when `a` is older than `b`, 0 when equal; by (epoch, lsn, seq). */
export function comparePositions(
  a: Pick<Position, 'epoch' | 'lsn' | 'seq'>,
  b: Pick<Position, 'epoch' | 'lsn' | 'seq'>,
): number {
  return a.epoch - b.epoch || a.lsn - b.lsn || a.seq - b.seq;
}

/** Negative when `a` is older than `b`, 0 when equal; by (epoch, lsn, seq, offset). */
export function compareVersions(a: FactVersion, b: FactVersion): number {
  return comparePositions(a, b) || a.offset - b.offset;
}

/** The next epoch: rises always, and past the wall clock, so that a restored database cannot re-issue an old one. */
export function nextEpoch(stored: number, nowMs: number): number {
  return Math.max(stored + 1, Math.floor(nowMs / 1000));
}

/** `16/B374D848` → integer. Throws a RangeError on text that is no LSN or lies beyond 2^53 (9 PB of WAL). */
export function parseLsn(text: string): number {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  const lsn = match ? parseInt(match[1]!, 16) * 2 ** 32 + parseInt(match[2]!, 16) : NaN;
  if (!Number.isSafeInteger(lsn)) throw new RangeError(`not an LSN: ${text}`);
  return lsn;
}

/** Integer → `16/B374D848`. */
export function formatLsn(lsn: number): string {
  return `${Math.floor(lsn / 2 ** 32)
    .toString(16)
    .toUpperCase()}/${(lsn % 2 ** 32).toString(16).toUpperCase()}`;
}
