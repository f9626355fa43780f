/** Sizes that are tried one after the other: how long a message may be is not documented (vendors.md §1.10). */
const sizes = [4_000, 2_000, 1_000, 500, 250] as const;

/** Sizes of parts to try on a text that was refused for its length, largest first; empty: it cannot be made shorter. */
export function partSizes(text: string): readonly number[] {
  return sizes.filter((size) => size < text.length);
}

const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

/**
 * A text in parts of at most `max` UTF-16 units, cut at line ends and blanks where there are any, else between
 * characters as people see them. Nothing is lost but the blanks at a cut; a single character longer than `max` is cut
 * between code points. Same text and size, same parts.
 */
export function splitText(text: string, max: number): readonly string[] {
  const parts: string[] = [];
  let rest = text.trim();
  while (rest.length > max) {
    const at = cutAt(rest, max);
    parts.push(rest.slice(0, at).trimEnd());
    rest = rest.slice(at).trimStart();
  }
  return rest === '' ? parts : [...parts, rest];
}

/** Where the first part ends: at the last line end of its second half, else at its last blank, else where it must. */
function cutAt(text: string, max: number): number {
  const window = text.slice(0, max + 1);
  const line = window.lastIndexOf('\n');
  if (line > max / 2) return line;
  const blank = window.search(/\s\S*$/u);
  return blank > 0 ? blank : withinWord(text, max);
}

/** `text` begins with a word longer than `max`. */
function withinWord(text: string, max: number): number {
  let at = 0;
  // A little more than fits: a character that ends exactly at the cut is seen whole.
  for (const { index, segment } of graphemes.segment(text.slice(0, max + 64))) {
    if (index + segment.length > max) break;
    at = index + segment.length;
  }
  if (at > 0) return at;
  return max > 1 && /[\ud800-\udbff]/u.test(text[max - 1]!) ? max - 1 : Math.max(1, max);
}
