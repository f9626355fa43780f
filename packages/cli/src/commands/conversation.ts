import type { ConversationDetail } from '@orgstream/control-api';
import type { Command } from 'commander';
import { personId, positive } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { aboutIntegration, allItems, from, paramsOf } from '../control.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { oneLine, show, showRows } from '../output.ts';

/** `conversation list|show`. */
export function addConversationCommands(program: Command, cli: Cli): void {
  const conversation = group(program, 'conversation', 'what the sender and people have written to each other');
  aboutIntegration(
    leaf(conversation, 'list', {
      description: 'people whom the sender has written to',
      examples: [['conversation list eu1.42']],
    }),
  )
    .option('--limit <number>', 'people at most', positive, 200)
    .action(async (text: string, options: LeafOptions & { limit: number }) => {
      const params = await paramsOf(cli, text);
      const limit = Math.min(options.limit, 500);
      const people = await allItems(
        (cursor) => cli.control().listConversations({ params, query: { limit, ...from(cursor) } }),
        options.limit,
      );
      const none = 'nobody was written to yet';
      showRows(people, { ...options, none }, ['person', 'name', 'sent', 'last type', 'last state', 'at'], (one) => [
        one.person,
        one.name ?? '',
        one.sent,
        one.lastType,
        one.lastCode === null ? one.lastState : `${one.lastState} ${one.lastCode}`,
        one.lastAt,
      ]);
    });
  aboutIntegration(
    leaf(conversation, 'show', {
      description: "the newest messages of the sender's conversation with one person, replies too; asked of Ziik now",
      examples: [['conversation show eu1.42 7'], ['conversation show eu1.42 person/7 --limit 10']],
    }),
  )
    .argument('<person>', "the person's id in Ziik", personId)
    .option('--limit <number>', 'messages at most, up to 100', positive, 50)
    .action(async (text: string, person: string, options: LeafOptions & { limit: number }) => {
      const params = { ...(await paramsOf(cli, text)), person };
      const query = { limit: Math.min(options.limit, 100) };
      show(await cli.control().readConversation({ params, query, signal: cli.signal }), options, render);
    });
}

function render({ conversation, messages, name, person }: ConversationDetail): string {
  if (conversation === null) return 'there is no conversation yet';
  if (messages.length === 0) return 'nothing was written yet';
  const speaker = { sender: 'sender', person: name ?? person, other: 'somebody else' } as const;
  return messages
    .map(
      ({ at, from: who, text, deleted }) =>
        `${at}  ${oneLine(speaker[who])}: ${deleted ? '(deleted)' : text.replaceAll('\n', '\n    ')}`,
    )
    .join('\n');
}
