import { errorFacts, type Knex } from '@orgstream/database';
import type { Logger } from '@orgstream/runtime';
import { storeReceived } from './intake-store.ts';

/** How exact the time of the last notification is, to operators who ask whether any came. */
const EVERY_MS = 5_000;

/** Notes when notifications of an integration came in, seldom, and never at the expense of an answer. */
export class Received {
  readonly #options: { readonly db: Knex; readonly log: Logger; readonly clock?: () => number };
  readonly #notedAt = new Map<string, number>();

  constructor(options: { readonly db: Knex; readonly log: Logger; readonly clock?: () => number }) {
    this.#options = options;
  }

  /** One was taken by the hook of this integration. */
  note(integration: string): void {
    const { db, log, clock = () => performance.now() } = this.#options;
    const now = clock();
    if (now - (this.#notedAt.get(integration) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return;
    this.#notedAt.set(integration, now);
    const again = (): boolean => this.#notedAt.delete(integration);
    storeReceived(db, integration).then(
      (stored) => stored || again(),
      (error: unknown) => {
        again();
        log.debug({ ...errorFacts(error), integration }, 'time of the last notification not noted');
      },
    );
  }
}
