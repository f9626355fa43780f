import { readStop, type Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import { backoffMs, sleep } from '@orgstream/runtime';
import { toStop } from '../status.ts';
import { listChangedRuns, toRun } from '../stores/run-store.ts';
import { readChannelStatuses } from '../stores/channel-store.ts';
import { readSinkStatus } from '../stores/status-store.ts';

/** Something changed; `tenant` null = for everybody. */
export interface HubEvent {
  /** Unix ms up to which the sender has seen changes: what a client gives back as Last-Event-ID. */
  readonly id: string;
  readonly event: 'run' | 'integration' | 'channel' | 'stop';
  readonly tenant: string | null;
  readonly integration: string | null;
  readonly data: unknown;
}

type Listener = (event: HubEvent) => void;

export interface Hub {
  /** What is open now, or what changed since the event with this id; then what changes, until the function returned is called. */
  subscribe(listener: Listener, lastEventId: string | undefined): Promise<() => void>;
  /** Something may have changed. */
  wake(): void;
  run(signal: AbortSignal): Promise<void>;
}

/** Looked at this often without a notification, and not more often with many. */
const POLL_MS = 1_000;
const QUIET_MS = 150;
/** Rows written by transactions that began earlier may appear this much later. */
const OVERLAP_MS = 5_000;
const MAX_RUNS = 500;

/**
 * One look at the tables for all streams. Level-triggered: an event carries the state, not the change, so a lost
 * notification, a repetition or a reconnection does no harm. Nothing is asked while nobody listens.
 */
export function createHub({ db, log }: { readonly db: Knex; readonly log: Logger }): Hub {
  const listeners = new Set<Listener>();
  const seen = new Map<string, string>();
  let bell = new AbortController();
  let failures = 0;

  async function look(since: Date | null): Promise<HubEvent[]> {
    const id = `${Date.now()}`;
    const [runs, integrations, channels, stop] = await Promise.all([
      listChangedRuns(db, since, { limit: MAX_RUNS }),
      readSinkStatus(db, null),
      readChannelStatuses(db, null),
      readStop(db),
    ]);
    return [
      { id, event: 'stop', tenant: null, integration: null, data: toStop(stop) },
      ...integrations.map((one): HubEvent => {
        return { id, event: 'integration', tenant: one.tenant, integration: one.id, data: one };
      }),
      ...channels.map(({ tenant, status }): HubEvent => {
        return { id, event: 'channel', tenant, integration: status.integration, data: status };
      }),
      ...runs.map((row): HubEvent => {
        return { id, event: 'run', tenant: row.tenant, integration: row.integration, data: toRun(row) };
      }),
    ];
  }

  /** True the first time an event is met with this content. */
  function isNew({ event, integration, data }: HubEvent): boolean {
    const key = `${event} ${event === 'run' ? (data as { readonly id: string }).id : integration}`;
    const content = JSON.stringify(data);
    if (seen.get(key) === content) return false;
    seen.set(key, content);
    return true;
  }

  async function turn(): Promise<void> {
    const events = (await look(new Date(Date.now() - OVERLAP_MS - POLL_MS))).filter(isNew);
    for (const event of events) for (const listener of listeners) listener(event);
    if (seen.size > 10_000) seen.clear();
  }

  return {
    async subscribe(listener, lastEventId) {
      const last = Number(lastEventId);
      const since = Number.isSafeInteger(last) && last > 0 && last < 8e15 ? new Date(last - OVERLAP_MS) : null;
      // Listening comes first: what changes between the look and the loop's next turn is told twice, not lost.
      const held: HubEvent[] = [];
      let ready = false;
      const own: Listener = (event) => (ready ? listener(event) : held.push(event));
      listeners.add(own);
      try {
        for (const event of await look(since)) listener(event);
      } catch (error) {
        listeners.delete(own);
        throw error;
      }
      for (const event of held) listener(event);
      ready = true;
      return () => void listeners.delete(own);
    },
    wake: () => bell.abort(),
    async run(signal) {
      while (!signal.aborted) {
        try {
          if (listeners.size > 0) await turn();
          failures = 0;
        } catch (error) {
          failures += 1;
          log.warn({ err: error }, 'event streams wait for the database');
        }
        bell = new AbortController();
        await sleep(QUIET_MS, signal);
        const wait = failures === 0 ? POLL_MS : backoffMs(failures, { baseMs: POLL_MS, capMs: 15_000 });
        await sleep(wait, AbortSignal.any([signal, bell.signal]));
      }
    },
  };
}
