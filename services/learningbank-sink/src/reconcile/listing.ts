import type { LearningbankClient, Page } from '@orgstream/clients';
import type { Knex } from '@orgstream/database';
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

/**
 * Lists the whole target once into `sink.target`, a page at a time, so that a first sync finds there what exists without
 * a call per object. What an earlier listing saw and this one did not is forgotten.
 */
export async function listTarget(options: {
  readonly db: Knex;
  readonly platform: string;
  readonly session: PlatformSession;
  readonly now: () => Date;
  readonly stopped: () => boolean;
}): Promise<void> {
  const { db, platform, session } = options;
  const listedAt = options.now();
  for (const lister of listers) {
    for (let fromPage = 1; ; fromPage += 1) {
      if (options.stopped()) return;
      // Page by page through the session, so that rate and breaker see each call.
      const page = await session.read((client, signal) => first(lister(client, signal, fromPage)));
      if (page && page.items.length > 0) await putTargets(db, { platform, listedAt, objects: page.items });
      if (!page || fromPage >= page.totalPages) break;
    }
  }
  await dropTargetsBefore(db, platform, listedAt);
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
