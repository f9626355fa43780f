/** Longest name at the target, in characters (code points). */
export const maxName = 255;
/** Longest e-mail at the target. */
export const maxEmail = 254;

/** Without outer blanks; null when nothing is left. */
export function trimmed(text: string | null): string | null {
  const value = text?.trim() ?? '';
  return value === '' ? null : value;
}

/** Length in code points, as the target counts. */
export function fits(text: string, max: number): boolean {
  return text.length <= max || Array.from(text).length <= max;
}

/** `<name> (<id>)` (semantics.md §1, decided 5 and 14). */
export function withId(name: string, id: string): string {
  return `${name} (${id})`;
}

/** The interim name of an object that has to give up its name before it can get its own: `<name> (<id>)`, cut to fit. */
export function interimName(name: string, id: string, isTaken: (name: string) => boolean): string {
  const suffixLength = id.length + 3;
  let base = name;
  for (;;) {
    const candidate = withId(
      Array.from(base)
        .slice(0, maxName - suffixLength)
        .join(''),
      id,
    );
    if (!isTaken(candidate) || candidate === base) return candidate;
    base = candidate;
  }
}

/** E-mails are compared without regard to case. */
export function sameEmail(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Order of source ids: numbers by value, before anything else. Total. */
export function compareIds(a: string, b: string): number {
  const numericA = /^[0-9]+$/.test(a);
  const numericB = /^[0-9]+$/.test(b);
  if (numericA !== numericB) return numericA ? -1 : 1;
  if (numericA && a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By ordinal, then by id; without ordinal last (semantics.md §1, decided 1). */
export function byOrdinal(
  a: { readonly ordinal: number | null; readonly id: string },
  b: { readonly ordinal: number | null; readonly id: string },
): number {
  const first = a.ordinal ?? Number.POSITIVE_INFINITY;
  const second = b.ordinal ?? Number.POSITIVE_INFINITY;
  return first === second ? compareIds(a.id, b.id) : first - second;
}

/** What is left of a name once case, inner blanks and accents are taken away: for near-miss hints only. */
export function loosely(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[\p{M}\s]/gu, '')
    .toLowerCase();
}
