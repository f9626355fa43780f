/** How far back the brake looks (semantics.md §7.2). */
export const shortMs = 10 * 60_000;
export const dayMs = 24 * 3_600_000;

/**
 * When each object last had each operation applied, unapproved: the rolling windows of one integration. Objects count
 * once, at their latest time. Keys are the brake's own (`kind/operation`); times are of one monotonic clock.
 */
export class Windows {
  readonly #applied = new Map<string, Map<string, number>>();

  /** Notes that the operation is applied to an object now; answers when it was before, for {@link restore}. */
  put(key: string, id: string, atMs: number): number | undefined {
    let objects = this.#applied.get(key);
    if (!objects) this.#applied.set(key, (objects = new Map<string, number>()));
    const before = objects.get(id);
    // Entries stay in the order of their times, so that what is too old is found at the front.
    objects.delete(id);
    objects.set(id, atMs);
    return before;
  }

  /** It was not applied after all. */
  restore(key: string, id: string, before: number | undefined): void {
    const objects = this.#applied.get(key);
    objects?.delete(id);
    if (objects && before !== undefined) objects.set(id, before);
  }

  /** Objects it was applied to since then. */
  count(key: string, sinceMs: number): number {
    let count = 0;
    for (const atMs of this.#applied.get(key)?.values() ?? []) if (atMs > sinceMs) count += 1;
    return count;
  }

  has(key: string, id: string, sinceMs: number): boolean {
    return (this.#applied.get(key)?.get(id) ?? Number.NEGATIVE_INFINITY) > sinceMs;
  }

  /** Forgets what no window reaches any more. */
  prune(nowMs: number): void {
    for (const objects of this.#applied.values()) {
      for (const [id, atMs] of objects) {
        if (atMs > nowMs - dayMs) break;
        objects.delete(id);
      }
    }
  }
}
