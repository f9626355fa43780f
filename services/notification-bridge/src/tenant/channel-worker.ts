import { parseCredentials } from '@orgstream/clients';
import { type AppError, isAppError } from '@orgstream/core';
import { errorFacts, type Knex, type Lease, readSecret } from '@orgstream/database';
import { backoffMs, Bell, type Logger, type SecretBox } from '@orgstream/runtime';
import type { Chat, ChatOptions } from '../chat/port.ts';
import type { DeliverySettings } from '../deliver/settings.ts';
import type { Turns } from '../deliver/turns.ts';
import { deliverRow } from '../deliver/deliver-row.ts';
import { claimRows } from '../ledger/claim-store.ts';
import type { LedgerRow } from '../ledger/row.ts';
import type { Settlement } from '../ledger/send-store.ts';
import type { BridgeMetrics } from '../metrics.ts';
import { ChannelSession } from './channel-session.ts';
import { type ChannelFacts, type ChannelReport, writeChannelState } from './channel-store.ts';

export interface ChannelContext {
  readonly db: Knex;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly metrics: BridgeMetrics;
  readonly settings: DeliverySettings;
  readonly createChat: (options: ChatOptions) => Chat;
  readonly lease: Lease;
  /** Of the tenant: its channels may write to the same people. */
  readonly turns: Turns;
}

/** A way to Ziik, and the channel it was made of: another version of the channel needs another way. */
interface Opened {
  readonly facts: ChannelFacts;
  readonly session: ChannelSession;
  /** Nothing waits any more for a Ziik as it was to be spoken to; a send under way is let finish. */
  readonly end: AbortController;
}

/** Rows whose failures are remembered; who is forgotten is tried again sooner, no more. */
const maxFailures = 10_000;

/** A call may be carried out this long after its deadline, at most. */
const defaultGraceMs = 2_000;

/** A send that failed, or was left behind, is looked up this much later. */
export function settleMs({ callTimeoutMs, graceMs = defaultGraceMs }: DeliverySettings): number {
  return callTimeoutMs + graceMs;
}

/**
 * Serves one channel: takes its ripe rows, a few receivers side by side, each receiver's one after the other. A channel
 * that has stopped takes none, and is probed until it works again.
 */
export class ChannelWorker {
  readonly bell = new Bell();
  readonly #context: ChannelContext;
  readonly #stop: AbortSignal;
  readonly #log: Logger;
  #facts: ChannelFacts;
  #opened: Opened | undefined;
  /** What of the session was found out last; null = it works. */
  #trouble: AppError | null = null;
  readonly #busy = new Map<string, Promise<void>>();
  /** Failures in a row, by row: how long the next pause is. */
  readonly #failures = new Map<number, number>();
  #reported = '';

  constructor(context: ChannelContext, facts: ChannelFacts, stop: AbortSignal) {
    this.#context = context;
    this.#stop = stop;
    this.#facts = facts;
    this.#log = context.log.child({ tenant: context.lease.key, integration: facts.integrationId });
  }

  /** The channel as it is now. */
  update(facts: ChannelFacts): void {
    const changed = JSON.stringify(facts) !== JSON.stringify(this.#facts);
    this.#facts = facts;
    if (!this.#current) this.#opened?.end.abort();
    if (changed) this.bell.ring();
  }

  /** Runs until the signal aborts; resolves once nothing is in flight. */
  async run(): Promise<void> {
    while (!this.#stop.aborted) {
      try {
        await this.#turn();
      } catch (error) {
        this.#log.warn(errorFacts(error), 'channel waits');
      }
      await this.bell.wait(this.#context.settings.pollMs, this.#stop);
    }
    await Promise.all(this.#busy.values());
  }

  /** The session of the channel as it is now. */
  async session(): Promise<ChannelSession> {
    return (await this.#open()).session;
  }

  async #open(): Promise<Opened> {
    if (!this.#current) {
      try {
        const facts = this.#facts;
        this.#opened?.end.abort();
        const end = new AbortController();
        this.#opened = { facts, end, session: await this.#connect(AbortSignal.any([this.#stop, end.signal])) };
        this.#trouble = null;
      } catch (error) {
        if (isAppError(error)) this.#trouble = error;
        await this.#report();
        throw error;
      }
    }
    return this.#opened!;
  }

  /** The session, unless it is one of the channel as it was. */
  get #current(): ChannelSession | undefined {
    const { version, secretId } = this.#facts;
    const { facts, session } = this.#opened ?? {};
    return facts?.version === version && facts.secretId === secretId ? session : undefined;
  }

  async #turn(): Promise<void> {
    const free = this.#context.settings.receivers - this.#busy.size;
    if (free <= 0) return;
    const current = this.#current;
    if (current && !current.works) {
      // While its pause lasts there was no look: ringing then would go round for ever, without letting anything else run.
      void current.probe().then((looked) => looked && this.bell.ring());
      return this.#report();
    }
    const { told, enabled, quiet } = this.#facts;
    // What a former owner or an edit left behind is looked at, not believed until the next notification comes.
    if (told === 'stopped' && enabled && !(await (await this.session()).open())) return;
    const rows = await this.#claim(free);
    if (rows.length > 0) {
      const opened = await this.#open();
      for (const row of rows) if (!this.#busy.has(row.receiver)) this.#start(row, opened);
    }
    if (rows.length > 0 || current || quiet || (told !== null && enabled)) await this.#report();
  }

  #claim(limit: number): Promise<readonly LedgerRow[]> {
    const { db, lease, settings } = this.#context;
    const { integrationId: integration, enabled, paused, quiet } = this.#facts;
    return claimRows(db, {
      integration,
      token: lease.token,
      busy: [...this.#busy.keys()],
      limit,
      what: paused || !enabled ? 'looks' : quiet ? 'tests' : 'all',
      settleMs: settleMs(settings),
    });
  }

  #start(row: LedgerRow, opened: Opened): void {
    const job = this.#deliver(row, opened)
      .catch((error: unknown) => this.#log.warn({ ...errorFacts(error), notification: row.id }, 'notification waits'))
      .finally(() => {
        this.#busy.delete(row.receiver);
        this.bell.ring();
      });
    this.#busy.set(row.receiver, job);
  }

  async #deliver(row: LedgerRow, { session, facts }: Opened): Promise<void> {
    const { db, lease, settings, turns } = this.#context;
    const failures = this.#failures.get(row.id) ?? 0;
    const { retryBaseMs: baseMs, retryCapMs: capMs, pollMs } = settings;
    const settlement = await deliverRow(row, {
      db,
      session,
      turns,
      channel: facts,
      fence: { tenant: lease.key, token: lease.token, channelVersion: facts.version, secretId: facts.secretId },
      patience: { pollMs, settleMs: settleMs(settings), backoffMs: backoffMs(failures + 1, { baseMs, capMs }) },
    });
    if (settlement) this.#count(row, settlement, failures);
  }

  #count(row: LedgerRow, settlement: Settlement, failures: number): void {
    const { metrics } = this.#context;
    const failed = (settlement.to === 'queued' || settlement.to === 'unknown') && settlement.code !== null;
    if (failed) this.#remember(row.id, failures + 1);
    else this.#failures.delete(row.id);
    if (settlement.to === 'sent') metrics.sent();
    if (settlement.to === 'skipped' || settlement.to === 'expired') metrics.skipped(settlement.code);
    if (settlement.to === 'failed') metrics.failed(settlement.code);
    const code = 'code' in settlement ? settlement.code : null;
    if (code !== null) this.#log.debug({ code, notification: row.id, to: settlement.to }, 'notification not sent');
  }

  /** Rows that a sweep ends are never heard of again: of very many the oldest are forgotten. */
  #remember(id: number, failures: number): void {
    this.#failures.set(id, failures);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > maxFailures && oldest !== undefined) this.#failures.delete(oldest);
  }

  async #connect(signal: AbortSignal): Promise<ChannelSession> {
    const { db, secrets, settings, createChat, lease, metrics } = this.#context;
    const { secretId, ziikUrl, senderId, conversations } = this.#facts;
    const sealed = await readSecret(db, secretId);
    // Not the channel's fault: its facts are read again in a moment.
    if (!sealed) throw new Error('the channel has changed');
    const { username, password } = parseCredentials(secrets.open(sealed));
    return new ChannelSession({
      channel: { ziikUrl, username, password, senderId, conversations },
      createChat,
      callTimeoutMs: settings.callTimeoutMs,
      callsPerMinute: settings.callsPerMinute,
      stoppedMs: settings.retryBaseMs,
      lease,
      signal,
      onCall: metrics.callFinished,
      onChange: (trouble) => this.#onChange(trouble),
    });
  }

  #onChange(trouble: AppError | null): void {
    this.#trouble = trouble;
    if (trouble) this.#log.warn({ code: trouble.code }, 'channel stopped');
    else this.#log.info('channel works again');
    this.#report().catch((error: unknown) => this.#log.warn(errorFacts(error), 'channel state not written'));
    this.bell.ring();
  }

  /** Tells operators how the channel is, when that has changed. */
  async #report(): Promise<void> {
    const { db, lease } = this.#context;
    const { integrationId: integration, quiet } = this.#facts;
    const report: ChannelReport = this.#trouble
      ? { state: 'stopped', code: this.#trouble.code, message: messageOf(this.#trouble) }
      : { state: quiet ? 'quiet' : 'working', code: null, message: null };
    const told = JSON.stringify(report);
    if (told === this.#reported) return;
    this.#reported = told;
    try {
      await writeChannelState(db, { integration, tenant: lease.key, token: lease.token }, report);
    } catch (error) {
      this.#reported = '';
      throw error;
    }
  }
}

function messageOf(error: unknown): string {
  return isAppError(error) ? error.message : 'see the log';
}
