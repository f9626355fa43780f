import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** What a figure was measured on; part of every result. */
export function machine(): Readonly<Record<string, string | number>> {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** CPU seconds a process and its threads have used; Linux, /proc/<pid>/stat in clock ticks of 10 ms. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Resident set of a process, MiB. */
function rssMiB(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(line?.[1] ?? 0) / 1_024);
}

/** Watches a process' memory until it is stopped. */
export function watchRss(pid: number): { stop(): number } {
  let peak = 0;
  const look = (): void => {
    try {
      peak = Math.max(peak, rssMiB(pid));
    } catch {
      clearInterval(timer);
    }
  };
  const timer = setInterval(look, 100);
  look();
  return {
    stop() {
      clearInterval(timer);
      return peak;
    },
  };
}

/** Percentiles of a sample, in its unit, rounded to a tenth. */
export function percentiles(sample: readonly number[]): Readonly<Record<'p50' | 'p95' | 'p99' | 'max', number>> {
  const sorted = sample.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN) * 10) / 10;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** Waits until `count()` reaches `wanted`; returns the seconds it took from `startedMs` (performance.now). */
export async function secondsUntil(
  count: () => Promise<number>,
  wanted: number,
  options: { readonly startedMs: number; readonly deadlineMs: number; readonly what: string },
): Promise<number> {
  for (;;) {
    const now = await count();
    const elapsedMs = performance.now() - options.startedMs;
    if (now >= wanted) return elapsedMs / 1_000;
    if (elapsedMs > options.deadlineMs)
      throw new Error(`${options.what}: ${now} of ${wanted} after ${Math.round(elapsedMs / 1_000)} s`);
    await delay(50);
  }
}

/** A rate and its costs, as every benchmark reports them. */
export function rate(
  records: number,
  seconds: number,
  cpu: number,
  peakRssMiB: number,
): Readonly<Record<string, number>> {
  return {
    records,
    seconds: Math.round(seconds * 100) / 100,
    recordsPerSecond: Math.round(records / seconds),
    cpuSecondsPerMillion: Math.round((cpu / records) * 1e7) / 10,
    peakRssMiB,
  };
}
