import { z } from 'zod';

/**
 * What can go wrong on purpose. The work of the call is done only by `latency`, `reset_after_write`, and by the others
 * when `afterWrite` is set; with it, `latency` does the work first and answers late.
 */
const faultKinds = [
  'latency',
  'status',
  'hang',
  'reset_after_write',
  'reset_before',
  'html',
  'empty',
  'half_json',
  'lying_values',
  'unauthorized',
  'forbidden',
] as const;

const Scope = z.union([z.int(), z.string().regex(/^\d+$/)]);

const FaultInput = z.strictObject({
  match: z
    .strictObject({
      method: z.string().toUpperCase().optional(),
      /** The route's pattern, without the prefix: `/users/:id`. */
      route: z.string().optional(),
      /** The id in the path. */
      objectId: z.coerce.number().int().optional(),
      /** Part of the JSON of the body, or of that of the query. */
      bodyIncludes: z.string().optional(),
    })
    .default({}),
  kind: z.enum(faultKinds),
  /** How often it strikes; without it, until it is deleted. */
  count: z.int().positive().optional(),
  probability: z.number().min(0).max(1).default(1),
  /** `latency`: the delay. `hang`: the connection is cut after it, else never. */
  ms: z.number().min(0).optional(),
  /** `status`: the answer, default 500. */
  status: z.int().min(400).max(599).default(500),
  retryAfterS: z.number().min(0).optional(),
  afterWrite: z.boolean().default(false),
});

/** A fault in force. It also has the key that says whose calls it strikes, if it does not strike all. */
export interface Fault extends z.infer<typeof FaultInput> {
  readonly id: number;
  hits: number;
}

/** What a fault is matched against. */
export interface CallFacts {
  /** Platform or site. */
  readonly scope: string | number;
  readonly method: string;
  readonly route: string;
  readonly objectId: number | null;
  readonly body: unknown;
  readonly query: unknown;
}

/** The faults in force, oldest first; the first that matches strikes. */
export class Faults {
  #faults: Fault[] = [];
  #lastId = 0;
  readonly #scopeKey: string;
  readonly #random: () => number;

  /** `scopeKey`: the key of a fault that names its platform or site; without it a fault strikes everybody. */
  constructor(scopeKey: string, random: () => number = Math.random) {
    this.#scopeKey = scopeKey;
    this.#random = random;
  }

  add(input: unknown): Fault {
    const scoped = FaultInput.and(z.strictObject({ [this.#scopeKey]: Scope.optional() }));
    const fault: Fault = { ...scoped.parse(input), id: ++this.#lastId, hits: 0 };
    this.#faults.push(fault);
    return fault;
  }

  list(): readonly Fault[] {
    return this.#faults;
  }

  remove(id: number | null): void {
    this.#faults = id === null ? [] : this.#faults.filter((fault) => fault.id !== id);
  }

  /** The fault that strikes this call; counts it. A used-up fault stays listed with its hits. */
  strike(call: CallFacts): Fault | null {
    for (const fault of this.#faults) {
      if (fault.count !== undefined && fault.hits >= fault.count) continue;
      if (!this.#inScope(fault, call) || !matches(fault, call)) continue;
      if (fault.probability < 1 && this.#random() >= fault.probability) continue;
      fault.hits += 1;
      return fault;
    }
    return null;
  }

  #inScope(fault: Fault, call: CallFacts): boolean {
    const scope = (fault as unknown as Record<string, string | number | undefined>)[this.#scopeKey];
    return scope === undefined || String(scope) === String(call.scope);
  }
}

function matches({ match }: Fault, call: CallFacts): boolean {
  if (match.method !== undefined && match.method !== call.method) return false;
  if (match.route !== undefined && match.route !== call.route) return false;
  if (match.objectId !== undefined && match.objectId !== call.objectId) return false;
  if (match.bodyIncludes === undefined) return true;
  return JSON.stringify([call.body ?? null, call.query]).includes(match.bodyIncludes);
}
