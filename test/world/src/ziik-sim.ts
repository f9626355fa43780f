import { askSimulator } from './simulators.ts';
import type { StackFile } from './stack-file.ts';

/** A message as the simulated Ziik has it. */
export interface ChatMessage {
  readonly id: number;
  readonly authorId: number;
  readonly message: string;
  readonly atMs: number;
}

/** A conversation of the simulated Ziik, with all that was written in it. */
export interface ChatConversation {
  readonly id: number;
  readonly type: 'direct' | 'group';
  readonly participants: readonly number[];
  readonly messages: readonly ChatMessage[];
}

/** Everything that was ever written in the chat of a site. */
export async function readChat(file: StackFile, siteId: string): Promise<readonly ChatConversation[]> {
  const log = await askSimulator<{ conversations: readonly ChatConversation[] }>(
    `${file.ziikSimUrl}/_sim/chat?siteId=${siteId}`,
  );
  return log.conversations;
}

/** Somebody writes in a conversation. */
export async function writeReply(
  file: StackFile,
  reply: {
    readonly siteId: string;
    readonly conversationId: number;
    readonly userId: string;
    readonly message: string;
  },
): Promise<void> {
  await askSimulator(`${file.ziikSimUrl}/_sim/reply`, reply);
}

/** A fault of Ziik's API at one site. */
export async function breakZiik(file: StackFile, fault: Readonly<Record<string, unknown>>): Promise<void> {
  await askSimulator(`${file.ziikSimUrl}/_sim/api-faults`, fault);
}

/** Settings of a site: chat module, conversations old or new, rate, and others. */
export async function setZiik(file: StackFile, settings: Readonly<Record<string, unknown>>): Promise<void> {
  await askSimulator(`${file.ziikSimUrl}/_sim/settings`, settings);
}

/** A signed assertion of the site's own; any claim may be overridden. */
export async function signAssertion(
  file: StackFile,
  claims: { readonly siteId: string; readonly userId: string; readonly aud: string } & Readonly<
    Record<string, unknown>
  >,
): Promise<string> {
  return (await askSimulator<{ assertion: string }>(`${file.ziikSimUrl}/_sim/assertions`, claims)).assertion;
}

/** Ends the faults of a site. */
export async function healZiik(file: StackFile, siteId: string): Promise<void> {
  const url = `${file.ziikSimUrl}/_sim/api-faults`;
  const faults = await askSimulator<readonly { readonly id: number; readonly siteId?: string | null }[]>(url);
  const own = faults.filter((fault) => fault.siteId === siteId);
  await Promise.all(own.map(({ id }) => askSimulator(`${url}/${id}`, undefined, 'DELETE')));
}
