import { randomBytes } from 'node:crypto';

/** A name no other test uses: `prefix` and eight random letters, safe as database, topic, group, slot or tenant source. */
export function uniqueName(prefix: string, separator: '-' | '_' = '-'): string {
  return `${prefix}${separator}${randomLetters(8)}`;
}

/** A topic name of its own. */
export function uniqueTopic(prefix = 'topic'): string {
  return uniqueName(prefix);
}

/** A consumer group name of its own. */
export function uniqueGroup(prefix = 'group'): string {
  return uniqueName(prefix);
}

function randomLetters(count: number): string {
  return Array.from(randomBytes(count), (byte) => String.fromCharCode(97 + (byte % 26))).join('');
}
