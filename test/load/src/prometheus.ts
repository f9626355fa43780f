/** Cumulative counts of a histogram by upper bound, in the order of the text. */
export type Buckets = ReadonlyMap<number, number>;

/** A histogram without labels of its own out of /metrics. */
export function readHistogram(text: string, name: string): Buckets {
  const lines = text.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)"\\} (\\S+)$`, 'gm'));
  return new Map([...lines].map(([, le, count]) => [le === '+Inf' ? Infinity : Number(le), Number(count)]));
}

/** Milliseconds at p50 and p99 of what was added between two readings, linear within a bucket. */
export function quantiles(after: Buckets, before: Buckets): Readonly<Record<'p50' | 'p99', number>> {
  const added = [...after].map(([le, count]) => [le, count - (before.get(le) ?? 0)] as const);
  const total = added.at(-1)?.[1] ?? 0;
  const at = (share: number): number => {
    const rank = share * total;
    let [lower, below] = [0, 0];
    for (const [le, count] of added) {
      if (count >= rank) {
        const upper = le === Infinity ? lower : le;
        const within = count === below ? 0 : (rank - below) / (count - below);
        return Math.round((lower + (upper - lower) * within) * 10_000) / 10;
      }
      [lower, below] = [le, count];
    }
    return NaN;
  };
  return { p50: at(0.5), p99: at(0.99) };
}
