import { AppError } from '@orgstream/core';
import type { Command, Knex } from '@orgstream/database';
import type { ConversationPage } from '../chat/port.ts';
import { readConversation } from '../ledger/command-store.ts';
import type { ServedChannels } from './commands.ts';

/** What was written in the sender's direct conversation with a person: newest page. None is made by asking. */
export async function readAtZiik(
  db: Knex,
  served: ServedChannels,
  { integration, person, limit }: Extract<Command, { kind: 'conversation.read' }>['payload'],
): Promise<{ readonly conversation: number | null; readonly messages: ConversationPage['messages'] }> {
  const conversation = await readConversation(db, { integration, person });
  if (conversation === null) return { conversation, messages: [] };
  const session = await served.session(integration);
  if (!session) throw new AppError('CHANNEL_OFF', 'reading a conversation: the integration has no channel');
  const { messages } = await session.read((chat, options) => chat.read(conversation, { ...options, limit }));
  return { conversation, messages };
}
