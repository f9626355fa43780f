import { isAppError } from '@orgstream/core';

/** After this failure of a send the message may be there all the same: look, do not repeat. Unknown errors count as such. */
export function mayHaveHappened(error: unknown): boolean {
  return !isAppError(error) || error.data['ambiguous'] === true;
}

/** Shorter texts are never too long for a chat: what refuses them has another reason. */
const surelyShort = 200;

/** Refused for its length: Ziik says so, or complains about the message of a text that is not short. */
export function isTooLong(error: unknown, text: string): boolean {
  if (!isAppError(error, 'ZIIK_REFUSED') || text.length <= surelyShort) return false;
  const { status, targetCode, fields } = error.data;
  if (status === 413 || /long|length|size|max/iu.test(typeof targetCode === 'string' ? targetCode : '')) return true;
  return Array.isArray(fields) && fields.includes('message');
}
