import type { ApiCall } from './call.ts';

/** A page that is asked for. */
export interface Page {
  readonly page: number;
  readonly limit: number;
  readonly offset: number;
}

/** `page` and `limit`; nonsense counts as absent, more than the most is the most. */
export function pageOf(call: ApiCall, defaults: { limit: number; most?: number }): Page {
  const page = whole(call.input['page']) ?? 1;
  const limit = Math.min(whole(call.input['limit']) ?? defaults.limit, defaults.most ?? 100);
  return { page, limit, offset: Math.min((page - 1) * limit, 2 ** 31) };
}

function whole(value: unknown): number | undefined {
  const number = Number(value);
  return Number.isSafeInteger(number) && number >= 1 ? number : undefined;
}

/** Ziik's list envelope. */
export function envelope(call: ApiCall, path: string, found: { data: unknown[]; total: number; page: Page }): unknown {
  const { data, total, page } = found;
  const last = Math.max(1, Math.ceil(total / page.limit));
  const url = `${call.siteUrl}/api${path}`;
  const at = (number: number) => (number < 1 || number > last ? null : `${url}?page=${number}`);
  return {
    data,
    links: { first: at(1), last: at(last), prev: at(page.page - 1), next: at(page.page + 1) },
    meta: {
      current_page: page.page,
      from: data.length === 0 ? null : page.offset + 1,
      last_page: last,
      path: url,
      per_page: page.limit,
      to: data.length === 0 ? null : page.offset + data.length,
      total,
    },
  };
}
