import { setStop } from '@orgstream/database';
import { until, type ProcessHandle } from '@orgstream/testkit';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BridgeContext } from './fixture.ts';
import type { Channel, Person } from './fixture-channel.ts';

/** Histories of one run; more by hand: `HISTORIES=100`. */
const numRuns = Number(process.env['HISTORIES'] ?? 4);

const postMessage = { method: 'POST', route: '/conversations/:id/messages' };
const postFirst = { method: 'POST', route: '/conversations' };
const faults = [
  { kind: 'hang', afterWrite: true },
  { kind: 'hang' },
  { kind: 'reset_before' },
  { kind: 'reset_after_write' },
  { kind: 'latency', ms: 300, afterWrite: true },
  { kind: 'status', status: 500 },
  { kind: 'status', status: 500, afterWrite: true },
  { kind: 'status', status: 429, retryAfterS: 1 },
  { kind: 'half_json', afterWrite: true },
  { kind: 'unauthorized' },
] as const;

type Move =
  /** Learningbank says this, maybe again. `nobody` has no account; `off` is of a type that is switched off. */
  | { readonly do: 'say'; readonly to: number; readonly n: number; readonly as: 'normal' | 'nobody' | 'off' }
  | { readonly do: 'fault'; readonly fault: (typeof faults)[number]; readonly count: number; readonly first: boolean }
  | { readonly do: 'quiet' | 'stop'; readonly on: boolean }
  | { readonly do: 'edit' | 'crash' | 'progress' };

const people = 4;
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      to: fc.nat(people - 1),
      n: fc.nat(9),
      as: fc.constantFrom('normal' as const, 'normal' as const, 'normal' as const, 'nobody' as const, 'off' as const),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.constantFrom(...faults),
      count: fc.integer({ min: 1, max: 2 }),
      first: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('quiet' as const, 'stop' as const), on: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'edit' as const,
        'crash' as const,
        'progress' as const,
        'progress' as const,
        'progress' as const,
      ),
    }),
  },
);

/** One history: what was to be said, and the process that says it. */
class History {
  readonly #ctx: BridgeContext;
  readonly #channel: Channel;
  readonly #people: readonly Person[];
  #process: ProcessHandle;
  /** What each is to hear, in the order in which it came in first. */
  readonly #expected = new Map<string, string[]>();
  readonly #seen = new Set<string>();
  readonly #held = { quiet: false, stop: false };

  private constructor(ctx: BridgeContext, channel: Channel, all: readonly Person[], process: ProcessHandle) {
    this.#ctx = ctx;
    this.#channel = channel;
    this.#people = all;
    this.#process = process;
  }

  static async begin(ctx: BridgeContext, old: boolean): Promise<History> {
    const channel = await ctx.channel({ settings: { conversations: old ? 'old' : 'new' } });
    await ctx.db.raw(
      `insert into control.notification_setting (integration_id, type, enabled) values (?, 'off', false)`,
      [channel.integration],
    );
    return new History(ctx, channel, await channel.people(people), await ctx.spawn(short));
  }

  async make(next: Move): Promise<void> {
    switch (next.do) {
      case 'say':
        return this.#say(next);
      case 'fault': {
        const { fault, count, first } = next;
        return void (await this.#channel.fault({ ...fault, count, match: first ? postFirst : postMessage }));
      }
      case 'quiet':
        this.#held.quiet = next.on;
        return this.#channel.change({ quiet: next.on });
      case 'stop':
        this.#held.stop = next.on;
        return void (await setStop(this.#ctx.db, { stopped: next.on, reason: null, by: 'test' }));
      case 'edit':
        return this.#channel.change({ default_language: 'da' });
      case 'progress':
        return this.#progress();
      case 'crash':
        this.#process.kill('SIGKILL');
        await this.#process.exited;
        this.#process = await this.#ctx.spawn(short);
    }
  }

  /** Faults strike as often as they were to, holds end; what is said then must be what was to be said. */
  async end(): Promise<void> {
    await this.make({ do: 'stop', on: false });
    await this.make({ do: 'quiet', on: false });
    await this.#ctx.ended(60_000);
    const rows = (await this.#ctx.rows()).filter(({ notification_id }) => this.#seen.has(notification_id));
    const given = new Set(rows.filter(({ state }) => state === 'failed').map(({ notification_id }) => notification_id));
    // Given up only after three sends that left no trace: those were looked up, and nobody heard them.
    expect(
      rows.filter(({ state, code, attempts }) => state === 'failed' && (code !== 'DELIVERY_UNKNOWN' || attempts !== 2)),
    ).toEqual([]);
    for (const person of this.#people) {
      const expected = (this.#expected.get(person.id) ?? []).filter((id) => !given.has(id));
      expect(await this.#channel.heard(person)).toEqual(expected);
    }
    this.#process.kill('SIGKILL');
    await this.#process.exited;
  }

  /** Waits for a send to be under way, or for one to end; not while nothing may be sent. */
  async #progress(): Promise<void> {
    const mine = async () => (await this.#ctx.rows()).filter(({ notification_id }) => this.#seen.has(notification_id));
    const isOpen = ({ state }: { state: string }) => ['queued', 'sending', 'unknown'].includes(state);
    const before = (await mine()).filter(isOpen).length;
    if (before === 0 || this.#held.quiet || this.#held.stop) return;
    await until(
      async () => {
        const rows = await mine();
        return (
          rows.filter(isOpen).length < before || rows.some(({ state }) => state === 'sending' || state === 'unknown')
        );
      },
      { deadlineMs: 60_000, what: 'progress' },
    );
  }

  async #say({ to, n, as }: Extract<Move, { do: 'say' }>): Promise<void> {
    const person = this.#people[to]!;
    const id = `${this.#channel.siteId}-${as}${n}.${to}`;
    if (as === 'normal' && !this.#seen.has(id)) {
      this.#expected.set(person.id, [...(this.#expected.get(person.id) ?? []), id]);
    }
    this.#seen.add(id);
    const more = as === 'nobody' ? { receiver: '9', email: 'nobody@example.dk' } : as === 'off' ? { type: 'off' } : {};
    await this.#channel.notify(id, person, more);
  }
}

const short = { callTimeoutMs: 400, graceMs: 200, leaseMs: 800 };

test(
  'whatever happens, everybody hears everything that was to be said once, in order',
  { timeout: numRuns * 60_000 },
  async () => {
    await using ctx = await BridgeContext.open();
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(move, { minLength: 12, maxLength: 40 }), async (old, moves) => {
        const history = await History.begin(ctx, old);
        for (const next of moves) await history.make(next);
        await history.end();
      }),
      // A history that fails is shown as it was: making it smaller would take an hour.
      { numRuns, endOnFailure: true },
    );
  },
);
