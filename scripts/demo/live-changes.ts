import { setTimeout as delay } from 'node:timers/promises';
import { listCalls, type Joined, type StackFile } from '@orgstream/world';
import type pg from 'pg';

/** Milliseconds from the commit at the source to the answered write at Learningbank, for each change. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly count: number;
}

/**
 * Renames people one at a time, evenly spaced, each to a name of its own, and finds the write that carries that name in
 * the platform's call log. Names are looked at by the simulator's log only; nothing of the pipeline takes part.
 */
export async function measureLatency(
  file: StackFile,
  ziik: pg.Pool,
  joined: Joined,
  options: { readonly changes: number; readonly everyMs: number },
): Promise<Latencies> {
  const { rows } = await ziik.query<{ id: string }>(
    `select id from users where site_id = $1 and active and email is not null and deleted_at is null and anonymised_at is null
        and (expires_at is null or expires_at > now()) order by id limit $2`,
    [joined.siteId, options.changes],
  );
  const committed = new Map<string, number>();
  for (const { id } of rows) {
    const name = `Probe ${id} ${Math.random().toString(36).slice(2, 8)}`;
    await ziik.query('update users set first_name = $2 where id = $1', [id, name]);
    committed.set(name, Date.now());
    await delay(options.everyMs);
  }
  const deadline = performance.now() + 30_000;
  for (;;) {
    const found = await latenciesOf(file, joined, committed);
    if (found.length === committed.size || performance.now() > deadline) return summarise(found, committed.size);
    await delay(100);
  }
}

async function latenciesOf(file: StackFile, joined: Joined, committed: ReadonlyMap<string, number>): Promise<number[]> {
  const calls = await listCalls(file, joined.platform);
  const found = new Map<string, number>();
  for (const call of calls) {
    const name = (call.body as { firstName?: string } | undefined)?.firstName;
    if (call.status < 300 && name !== undefined && committed.has(name))
      found.set(name, Math.max(0, call.atMs + call.durationMs - committed.get(name)!));
  }
  return [...found.values()];
}

function summarise(found: number[], expected: number): Latencies {
  const sorted = found.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return {
    p50: found.length === expected ? at(0.5) : NaN,
    p99: found.length === expected ? at(0.99) : NaN,
    count: found.length,
  };
}
