import type { ErrorCode } from './errors.ts';

/** UTF-16 units of a template, at most. Chat messages are short; nobody writes a page. */
export const maxTemplateLength = 4_000;

/** UTF-16 units of one field's value that are used; a link is the longest there is. */
const maxValueLength = 2_000;

/** UTF-16 units of a rendered text, at most: many fields of great length are not a message. */
const maxTextLength = 16_000;

/** A text for a person, and what the operator should know about it; warnings name fields, never values. */
export interface RenderedTemplate {
  readonly text: string;
  readonly warnings: readonly string[];
}

/** What is wrong with a template; `at` is an index into it. */
export interface TemplateProblem {
  readonly code: Extract<ErrorCode, 'TEMPLATE_INVALID'>;
  readonly at: number;
  readonly message: string;
}

/** Bounded on both sides and without braces inside, so that it is linear in the text whatever the text is. */
const field = /\{\{([^{}\r\n]{0,100})\}\}/gu;
const fieldName = /^[A-Za-z][\w.-]{0,63}$/u;

/** Controls but tab and line ends; marks that turn the direction of writing, so that a name cannot disguise a link. */
const controls = /(?![\t\n\v\f\r\u0085])[\p{Cc}\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]/gu;
const lineEnds = /\r\n?|[\v\f\u0085\u2028\u2029]/gu;

/**
 * Fills `{{field}}` in. One pass: a value is never read as a template again, and only `fields`' own strings count. What
 * is unknown is left out with a warning (semantics.md §3); braces that are no field stay as they are, with a warning.
 * Total: any text and any fields give a well-formed text without control characters but line feeds.
 */
export function renderTemplate(text: string, fields: Readonly<Record<string, string>>): RenderedTemplate {
  const warnings = new Set<string>();
  const filled = text.replaceAll(field, (_, inside: string) => {
    const name = inside.trim();
    const value: unknown = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (typeof value === 'string') return limited(value, maxValueLength, () => warnings.add(`${name}: too long, cut`));
    warnings.add(`${shown(name)}: unknown merge field, left out`);
    return '';
  });
  if (strayBraces(text).length > 0) warnings.add('braces that are no merge field');
  const whole = limited(cleaned(filled).trim(), maxTextLength, () => warnings.add('text too long, cut'));
  return { text: whole, warnings: [...warnings] };
}

/** Faults of a template, for whoever writes one; empty = none. Which fields a type has is seen in its preview. */
export function validateTemplate(text: string): readonly TemplateProblem[] {
  const problems: TemplateProblem[] = [];
  const add = (at: number, message: string) => problems.push({ code: 'TEMPLATE_INVALID', at, message });
  if (cleaned(text).trim() === '') add(0, 'is empty');
  if (text.length > maxTemplateLength) add(maxTemplateLength, `takes up to ${maxTemplateLength} characters`);
  for (const at of strayBraces(text)) add(at, `has a brace pair at ${at} that is no merge field: {{name}}`);
  for (const { 1: inside = '', index } of text.matchAll(field)) {
    if (!fieldName.test(inside.trim()))
      add(index, `has a merge field at ${index} whose name is none: letters and digits`);
  }
  const control = text.search(controls);
  if (control >= 0) add(control, `has a control character at ${control}`);
  return problems.sort((a, b) => a.at - b.at);
}

function strayBraces(text: string): number[] {
  const rest = text.replaceAll(field, (match) => ' '.repeat(match.length));
  return [...rest.matchAll(/\{\{|\}\}/gu)].map(({ index }) => index);
}

function cleaned(text: string): string {
  return text.replaceAll(lineEnds, '\n').replaceAll('\t', ' ').replaceAll(controls, '').toWellFormed();
}

/** Cut before `max`, and not through a character. */
function limited(text: string, max: number, onCut: () => void): string {
  if (text.length <= max) return text;
  onCut();
  const cut = text.slice(0, max - 1);
  return `${/[\ud800-\udbff]$/u.test(cut) ? cut.slice(0, -1) : cut}…`;
}

/** A name as far as it can be shown. */
function shown(name: string): string {
  return fieldName.test(name) ? name : JSON.stringify(cleaned(name).slice(0, 40).toWellFormed());
}
