import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type Client, type Run } from '@orgstream/control-api';
import type { StackFile } from '@orgstream/world';
import type { Screen } from './screen.ts';

/** What an operator does, through the admin API as everybody else. */
export class Operator {
  readonly api: Client;
  readonly #screen: Screen;

  constructor(file: StackFile, screen: Screen) {
    this.api = createClient({ url: file.controlUrl, token: file.adminToken });
    this.#screen = screen;
  }

  /** Switches an integration on or off. */
  async setEnabled(integration: string, enabled: boolean): Promise<void> {
    const { generation } = await this.api.getIntegration({ params: { integration } });
    await this.api.changeIntegration({ params: { integration }, body: { enabled }, ifMatch: generation });
  }

  /** The newest run of a kind, once it is in one of these states. */
  async runOfKind(integration: string, kind: Run['kind'], states: readonly Run['state'][]): Promise<Run> {
    return this.#until(`a ${kind} run to be ${states.join(' or ')}`, async () => {
      const { items } = await this.api.listRuns({ params: { integration }, query: { kind, limit: 1 } });
      const [run] = items;
      return run && states.includes(run.state) ? run : undefined;
    });
  }

  /** Waits until a run is planned, or further. */
  async planned(run: Run): Promise<Run> {
    return this.#follow(run, ['planned', 'applying', 'done']);
  }

  async approve(run: Run): Promise<void> {
    await this.api.decideRun({ params: { run: run.id }, body: { decision: 'approve' } });
  }

  /** Shows a run's progress until it has ended. */
  async finished(run: Run): Promise<Run> {
    return this.#follow(run, ['done']);
  }

  /** What the brake holds, by operation. */
  async heldByOperation(integration: string): Promise<ReadonlyMap<string, number>> {
    const held = new Map<string, number>();
    let cursor: string | undefined;
    do {
      const page = await this.api.listObjects({
        params: { integration },
        query: { state: 'held', limit: 500, ...(cursor === undefined ? {} : { cursor }) },
      });
      for (const operation of page.items.flatMap(({ operations }) => operations))
        held.set(operation, (held.get(operation) ?? 0) + 1);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    return held;
  }

  /** Approves whatever the brake holds. */
  async approveHeld(integration: string): Promise<void> {
    await this.api.actOnObjects({ params: { integration }, body: { action: 'approve', all: true } });
  }

  /** How many items of a run ended in a state. */
  async countItems(run: Run, state: 'applied' | 'parked'): Promise<number> {
    return [...(await this.itemsByCode(run, state)).values()].reduce((sum, count) => sum + count, 0);
  }

  /** Items of a run that ended in a state, by code; '' = without one. */
  async itemsByCode(run: Run, state: 'applied' | 'parked'): Promise<ReadonlyMap<string, number>> {
    const byCode = new Map<string, number>();
    let cursor: string | undefined;
    do {
      const page = await this.api.listRunItems({
        params: { run: run.id },
        query: { state, limit: 500, ...(cursor === undefined ? {} : { cursor }) },
      });
      for (const { code } of page.items) byCode.set(code ?? '', (byCode.get(code ?? '') ?? 0) + 1);
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    return byCode;
  }

  async #follow(run: Run, states: readonly Run['state'][]): Promise<Run> {
    const seen = await this.#until(`run ${run.kind} to be ${states[0]}`, async () => {
      const now = await this.api.getRun({ params: { run: run.id } });
      const { done = 0, total = 0 } = now.progress;
      if (now.state === 'applying' && total > 0) this.#screen.progress(`  ${now.kind} ${done}/${total}`);
      return states.includes(now.state) || now.state === 'failed' || now.state === 'cancelled' ? now : undefined;
    });
    if (!states.includes(seen.state)) throw new Error(`the ${run.kind} run is ${seen.state}: ${seen.code ?? ''}`);
    return seen;
  }

  async #until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
    for (const deadline = performance.now() + 90_000; ; await delay(150)) {
      const found = await look();
      if (found !== undefined) return found;
      if (performance.now() > deadline) throw new Error(`waited 90 s for ${what}`);
    }
  }
}
