import { codes, type ErrorCode } from './errors.ts';
import { manual } from './generated/manual.ts';

/** What a code means and what to do about it, in words. */
export interface ManualEntry {
  readonly meaning: string;
  readonly remedy: string;
}

const byItself = {
  retry: 'Try again in a moment.',
  park: 'Look at it, then decide.',
  halt: 'Mend what the message names.',
};

/** The operator's manual of a code, made from the comments in `errors.ts`. */
export function manualOf(code: ErrorCode): ManualEntry {
  const [meaning = '', ...rest] = (manual[code] ?? code).split(/(?<=[.;]) (?=Operator: |operator: |Resumes )|(?<=\.) /);
  const remedy = rest
    .join(' ')
    .replace(/^[Oo]perator: /, '')
    .trim();
  return {
    meaning: meaning.replace(/;$/, '.'),
    remedy: remedy === '' ? byItself[codes[code]] : `${remedy[0]!.toUpperCase()}${remedy.slice(1)}`,
  };
}
