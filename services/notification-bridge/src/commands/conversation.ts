import { AppError } from '@orgstream/core';
import type { Command, Knex } from '@orgstream/database';
import type { ConversationPage } from '../chat/port.ts';
import { readConversation } from '../ledger/command-store.ts';
import type { ServedChannels } from './served-channels.ts';

/** Longer than anybody waits for the answer, shorter than it takes until another replica takes the question. */
const PATIENCE_MS = 20_000;

/**
 * What was written in the sender's direct conversation with a person: newest page. None is made by asking. Throws
 * CHANNEL_OFF, COMMAND_UNANSWERED when the channel's rate does not let us, and what Ziik answers.
 */
export async function readAtZiik(
  db: Knex,
  served: ServedChannels,
  { integration, person, limit }: Extract<Command, { kind: 'conversation.read' }>['payload'],
): Promise<{ readonly conversation: number | null; readonly messages: ConversationPage['messages'] }> {
  const conversation = await readConversation(db, { integration, person });
  if (conversation === null) return { conversation, messages: [] };
  const session = await served.session(integration);
  if (!session) throw new AppError('CHANNEL_OFF', 'reading a conversation: the integration has no channel');
  const within = AbortSignal.timeout(PATIENCE_MS);
  try {
    const { messages } = await session.ask((chat, given) => chat.read(conversation, { ...given, limit }), within);
    return { conversation, messages };
  } catch (error) {
    if (!within.aborted) throw error;
    throw new AppError('COMMAND_UNANSWERED', 'reading a conversation: Ziik did not let us in time', { cause: error });
  }
}
