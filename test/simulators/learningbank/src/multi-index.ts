const none: ReadonlySet<number> = new Set();

/** Ids by key, several ids a key. Keeps every look-up of the simulator off the full scan. */
export class MultiIndex<K> {
  readonly #ids = new Map<K, Set<number>>();

  add(key: K, id: number): void {
    const ids = this.#ids.get(key);
    if (ids) ids.add(id);
    else this.#ids.set(key, new Set([id]));
  }

  remove(key: K, id: number): void {
    const ids = this.#ids.get(key);
    if (!ids?.delete(id)) return;
    if (ids.size === 0) this.#ids.delete(key);
  }

  get(key: K): ReadonlySet<number> {
    return this.#ids.get(key) ?? none;
  }
}
