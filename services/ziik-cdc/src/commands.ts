import { AppError, isAppError, parseTenantKey } from '@orgstream/core';
import { finishCommand, readCommand, takeCommand, touchCommand, type CommandRow, type Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import {
  connectSource,
  createSlot,
  preflight,
  readSource,
  resolveMapping,
  throwFirstError,
  translateSourceError,
  type SourceRow,
} from '@orgstream/ziik-source';
import { requestAll } from './request-all.ts';
import { commandProgress, requestSnapshots } from './snapshot-store.ts';
import type { Supervisor } from './supervisor.ts';

/** A taken command is ours while we touch it; a dead process' commands are taken again after this. */
const STALE_MS = 10_000;

export interface CommandsOptions {
  readonly db: Knex;
  readonly supervisor: Supervisor;
  readonly openUrl: (secretId: string) => Promise<string>;
  readonly log: Logger;
}

type Payload = Extract<CommandRow['payload'], { readonly source: string }>;

/**
 * Carries out `snapshot` commands. Taking one only asks for its snapshots (rows of `cdc.snapshot` that carry its id, so
 * taking it twice asks once); it ends when they have.
 */
export class Commands {
  readonly #o: CommandsOptions;
  readonly #open = new Set<number>();

  constructor(options: CommandsOptions) {
    this.#o = options;
  }

  /** Takes what is new, reports on what is open. */
  async poll(): Promise<void> {
    const { db } = this.#o;
    for (
      let command = await takeCommand(db, 'ziik-cdc', { staleMs: STALE_MS });
      command;
      command = await takeCommand(db, 'ziik-cdc', { staleMs: STALE_MS })
    ) {
      await this.#take(command);
    }
    for (const id of this.#open) await this.#report(id);
  }

  async #take(command: CommandRow): Promise<void> {
    const { db, log } = this.#o;
    try {
      await this.#request(command);
      this.#open.add(command.id);
    } catch (error) {
      // The source does not answer: the command stays ours to take again once it is stale.
      if (isAppError(error) && error.disposition === 'retry') {
        log.info({ commandId: command.id, code: error.code }, 'command waits');
        return;
      }
      if (!isAppError(error)) throw error;
      log.warn({ commandId: command.id, code: error.code }, 'command refused');
      await finishCommand(db, command.id, { code: error.code, message: error.message });
    }
  }

  async #request(command: CommandRow): Promise<void> {
    const { db, supervisor } = this.#o;
    const payload = command.payload as Payload;
    const row = await readSource(db, payload.source);
    if (!row || row.removed) throw new AppError('SOURCE_UNKNOWN', `no source ${payload.source}`);
    if (payload.newEpoch || (payload.recreate && (await this.#needsRecreation(row))))
      await this.#recreate(command, row);
    else refuseHalted(row);
    if (payload.tenant === undefined) await this.#requestAll(command, row);
    else {
      const key = parseTenantKey(payload.tenant);
      if (key?.source !== row.name) {
        throw new AppError('USAGE', `tenant ${payload.tenant} does not belong to source ${row.name}`);
      }
      const tenants = [{ tenant: payload.tenant, siteId: key.siteId }];
      await requestSnapshots(db, { source: row.name, tenants, reason: payload.reason, commandId: command.id });
    }
    supervisor.wake.dispatchEvent(new Event('request'));
  }

  async #requestAll(command: CommandRow, row: SourceRow): Promise<void> {
    const { db } = this.#o;
    const { source, reason } = command.payload as Payload;
    await this.#withClient(row, (client) =>
      requestAll({ db, client, source, mapping: resolveMapping(row.mapping), reason, commandId: command.id }),
    );
  }

  /** A healthy slot stays: making it anew would only lose what it still holds. */
  async #needsRecreation(row: SourceRow): Promise<boolean> {
    if (row.state === 'halted') return true;
    const source = { ...row, mapping: resolveMapping(row.mapping) };
    const findings = await this.#withClient(row, (client) => preflight(client, source, false));
    return findings.some(({ code }) => code === 'SLOT_LOST' || code === 'PUBLICATION_MISSING');
  }

  /** Slot and publication anew, once per command: its result says so, should it be taken again. */
  async #recreate(command: CommandRow, row: SourceRow): Promise<void> {
    const { db, supervisor, log } = this.#o;
    const before = (await readCommand(db, command.id))?.result as { recreated?: boolean } | null | undefined;
    if (before?.recreated) return;
    const source = {
      name: row.name,
      slot: row.slot,
      publication: row.publication,
      mapping: resolveMapping(row.mapping),
    };
    await supervisor.stop(row.name);
    await this.#withClient(row, async (client) => {
      throwFirstError(await preflight(client, source, true));
      await createSlot(db, client, source, row.epoch);
    });
    await touchCommand(db, command.id, { recreated: true });
    log.warn({ source: row.name }, 'slot and publication made anew');
    await supervisor.sync();
  }

  async #withClient<T>(
    row: SourceRow,
    work: (client: Awaited<ReturnType<typeof connectSource>>) => Promise<T>,
  ): Promise<T> {
    const client = await connectSource(await this.#o.openUrl(row.urlSecretId), { name: 'orgstream snapshot' });
    try {
      return await work(client);
    } catch (error) {
      throw translateSourceError(error, 'preparing a snapshot');
    } finally {
      await client.end().catch(() => {});
    }
  }

  async #report(id: number): Promise<void> {
    const { db } = this.#o;
    const { code, message, ...progress } = await commandProgress(db, id);
    if (progress.done + progress.failed < progress.total) return touchCommand(db, id, { ...progress, recreated: true });
    this.#open.delete(id);
    const failed = progress.failed > 0 && code !== null;
    await finishCommand(db, id, { result: progress, ...(failed ? { code, message: message ?? code } : {}) });
  }
}

/** A halted source that only a recreate can bring back takes no other snapshots; one that may heal lets them wait. */
function refuseHalted(row: SourceRow): void {
  const { state, code, message } = row;
  if (state !== 'halted' || !code || !['SLOT_LOST', 'PUBLICATION_MISSING'].includes(code)) return;
  throw new AppError(code, `source ${row.name} is halted: ${message ?? code}`);
}
