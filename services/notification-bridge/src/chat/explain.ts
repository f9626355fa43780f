import type { CallOptions, ZiikClient } from '@orgstream/clients';
import { AppError, isAppError } from '@orgstream/core';
import { receiverById } from './receiver.ts';

/** What Ziik says when something is refused is not documented; why it is, its settings and the user show. */
export async function explain<T>(
  client: ZiikClient,
  about: { readonly userId?: number },
  given: CallOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAppError(error, 'ZIIK_FORBIDDEN', 'ZIIK_NOT_FOUND', 'ZIIK_REFUSED')) throw error;
    throw (await reason(client, about, given).catch(() => null)) ?? error;
  }
}

/** null: neither the channel nor the receiver is the reason. */
async function reason(
  client: ZiikClient,
  { userId }: { readonly userId?: number },
  given: CallOptions,
): Promise<AppError | null> {
  const { chat } = await client.settings(given);
  if (!chat) return new AppError('CHAT_MODULE_OFF', 'conversations: chat is switched off');
  if (userId === undefined) return null;
  const receiver = await receiverById(client, userId, given);
  if (receiver.found !== 'one') return new AppError('RECEIVER_WITHOUT_ACCOUNT', 'conversations: no such user in Ziik');
  return receiver.active ? null : new AppError('RECEIVER_INACTIVE', 'conversations: the user is inactive in Ziik');
}
