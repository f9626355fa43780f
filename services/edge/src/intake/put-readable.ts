import { isAppError, type learningbank } from '@orgstream/core';
import type { Outlet } from './outlet.ts';

/**
 * Hands a page on, in order, and returns what Kafka will never take (too large), found by halving: polled again and again
 * it would keep everything behind it away. Throws KAFKA_UNREACHABLE.
 */
export async function putReadable(
  outlet: Pick<Outlet, 'put'>,
  page: readonly learningbank.Notification[],
): Promise<readonly learningbank.Notification[]> {
  try {
    await outlet.put(page);
    return [];
  } catch (error) {
    if (!isAppError(error, 'RECORD_INVALID')) throw error;
    if (page.length === 1) return page;
    const middle = Math.ceil(page.length / 2);
    const first = await putReadable(outlet, page.slice(0, middle));
    return [...first, ...(await putReadable(outlet, page.slice(middle)))];
  }
}
