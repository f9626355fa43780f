import type { LearningbankClient, Page } from '@orgstream/clients';
import { type AppError, isAppError } from '@orgstream/core';
import type { Knex } from '@orgstream/database';
import { backoffMs, sleep } from '@orgstream/runtime';
import type { PlatformSession } from '../platform/platform-session.ts';
import { dropTargetsBefore, putTargets, type TargetObject } from './target-store.ts';

type Lister = (client: LearningbankClient, signal: AbortSignal, fromPage: number) => AsyncIterable<Page<TargetObject>>;

const listers: readonly Lister[] = [
  (client, signal, fromPage) => tagged(client.departments({}, { signal, fromPage }), 'unit'),
  (client, signal, fromPage) => tagged(client.permissionTypes({}, { signal, fromPage }), 'role'),
  (client, signal, fromPage) => tagged(client.users({}, { signal, fromPage }), 'person'),
];

async function* tagged<K extends TargetObject['kind'], T>(
  pages: AsyncIterable<Page<T>>,
  kind: K,
): AsyncIterable<Page<TargetObject>> {
  for await (const page of pages) {
    yield { ...page, items: page.items.map((object) => ({ kind, object }) as unknown as TargetObject) };
  }
}

/** How the pages of a target are asked for. */
export interface Paging {
  readonly session: PlatformSession;
  readonly stopped: () => boolean;
  /** Why a page is asked for again. */
  readonly onTrouble: (error: AppError) => Promise<void>;
}

/** Everything the target has, page by page: departments, permission types, users. Ends early when stopped. */
export async function* targetPages(options: Paging): AsyncGenerator<readonly TargetObject[], void, undefined> {
  const { session } = options;
  for (const lister of listers) {
    for (let fromPage = 1; ; fromPage += 1) {
      if (options.stopped()) return;
      // Page by page through the session, so that rate and breaker see each call.
      const page = await persist(options, () =>
        session.read((client, signal) => first(lister(client, signal, fromPage))),
      );
      if (options.stopped()) return;
      if (page && page.items.length > 0) yield page.items;
      if (!page || fromPage >= page.totalPages) break;
    }
  }
}

/**
 * Lists the whole target once into `sink.target`, a page at a time, so that a first sync finds there what exists without
 * a call per object. What an earlier listing saw and this one did not is forgotten.
 */
export async function listTarget(
  options: Paging & { readonly db: Knex; readonly platform: string; readonly now: () => Date },
): Promise<void> {
  const { db, platform } = options;
  const listedAt = options.now();
  for await (const objects of targetPages(options)) await putTargets(db, { platform, listedAt, objects });
  if (!options.stopped()) await dropTargetsBefore(db, platform, listedAt);
}

/** A page that fails is asked for again, so that a long listing goes on where it stopped. */
async function persist<T>({ stopped, onTrouble }: Paging, work: () => Promise<T>): Promise<T | undefined> {
  for (let attempt = 1; !stopped(); attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isAppError(error) || error.disposition !== 'retry') throw error;
      await onTrouble(error);
      await sleep(Math.max(error.waitMs ?? 0, backoffMs(attempt, { baseMs: 250, capMs: 10_000 })));
    }
  }
  return undefined;
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
