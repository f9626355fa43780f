import { oneLine } from './output.ts';

/** What a service answers to a command, in words: `done 12, calls 0, per second 400`. */
function sayResult(result: unknown): string {
  if (typeof result !== 'object' || result === null) return '';
  const facts = Object.entries(result).flatMap(([name, value]: [string, unknown]) => {
    // What is left to do of something that has ended says nothing.
    if (value === null || value === '' || name === 'etaSeconds') return [];
    return [`${inWords(name)} ${plain(value)}`];
  });
  return oneLine(facts.join(', '));
}

const inWords = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function plain(value: unknown): string {
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object'))
    return value.map(String).join(' ') || 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `replay done: …`, or only that it is done. */
export function sayDone(what: string, result: unknown): string {
  const said = sayResult(result);
  return said === '' ? `${what} done` : `${what} done: ${said}`;
}

/** What a sink has refused of what was asked for. */
interface Refused {
  readonly kind: string;
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

/** Objects that a decision was carried out about, and those it was refused for, each with its reason. */
export function sayActed(what: string, result: unknown): { readonly text: string; readonly refused: number } {
  const {
    done = 0,
    refused = [],
    refusedTotal = refused.length,
  } = (result ?? {}) as { done?: number; refused?: readonly Refused[]; refusedTotal?: number };
  const more = refusedTotal - refused.length;
  return {
    text: [
      `${what}: ${done} done${refusedTotal === 0 ? '' : `, ${refusedTotal} refused`}`,
      ...refused.map(({ kind, id, code, message }) => oneLine(`  ${kind}/${id}  ${code}: ${message}`)),
      ...(more > 0 ? [`  and ${more} more`] : []),
    ].join('\n'),
    refused: refusedTotal,
  };
}
