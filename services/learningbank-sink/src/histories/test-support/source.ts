import type { Kind } from '@orgstream/core';
import type { Decoded } from '@orgstream/kafka';
import { fact } from '../../ingest/fixture.ts';
import type { Said } from '../../reconcile/fixture-facts.ts';

type Fields = Readonly<Record<string, unknown>>;

export const tenant = 'eu1.42';
export const top = '1';
/** Addresses that several people want. */
export const sharedEmails: readonly string[] = ['one@example.org', 'two@example.org'];

/** What the source holds, kept from what it said and from nothing else. */
export class Source {
  readonly #rows = new Map<string, Fields>();
  readonly #log: Decoded[] = [];
  #lsn = 1;
  /** Newest word about anybody or anything, by `kind/id`. */
  readonly saidAt = new Map<string, number>();

  /** One transaction: it is true from now on, whenever it is delivered. */
  say(...said: readonly Said[]): readonly Decoded[] {
    const lsn = (this.#lsn += 1);
    const records = said.map(([kind, id, fields], at) => {
      const gone = fields['deleted'] === true;
      if (gone) this.#rows.delete(`${kind}/${id}`);
      else this.#rows.set(`${kind}/${id}`, fields);
      if (kind === 'person') this.#noteEmail(id, fields['email']);
      this.saidAt.set(`${kind}/${id}`, lsn);
      const position = { tenant, lsn, seq: at + 1, last: at === said.length - 1 };
      return fact(kind, { ...position, id, ...fields, committedAtMs: Date.now() });
    });
    this.#log.push(...records);
    return records;
  }

  /** Everybody who was ever there, with every address they had. */
  readonly addresses = new Map<string, Set<string>>();

  #noteEmail(id: string, email: unknown): void {
    const known = this.addresses.get(id) ?? new Set();
    this.addresses.set(id, known);
    if (typeof email === 'string') known.add(email);
  }

  get lsn(): number {
    return this.#lsn;
  }

  /** Everything that was ever said, oldest first. */
  get log(): readonly Decoded[] {
    return this.#log;
  }

  get(kind: Kind, id: string): Fields | undefined {
    return this.#rows.get(`${kind}/${id}`);
  }

  all(kind: Kind): readonly { readonly id: string; readonly fields: Fields }[] {
    return [...this.#rows]
      .filter(([key]) => key.startsWith(`${kind}/`))
      .map(([key, fields]) => ({ id: key.slice(kind.length + 1), fields }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** True when `unit` is `ancestor` or below it. */
  isBelow(unit: string | null, ancestor: string): boolean {
    for (let at = unit, hops = 0; at !== null && hops < 20; hops += 1) {
      if (at === ancestor) return true;
      at = (this.get('unit', at)?.['parentId'] as string | null | undefined) ?? null;
    }
    return false;
  }
}
