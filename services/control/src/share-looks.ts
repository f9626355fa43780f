/** Looks at something, which is given up to `waitMs` to come to be. */
export type Look<S, T> = (subject: S, waitMs: number) => Promise<T>;

interface Coming<T> {
  waitMs: number;
  readonly seen: Promise<T>;
}

/**
 * Makes all who ask about the same at once share looks: one is under way at most, and who asks meanwhile is given the
 * next, which begins after the question. So an answer is never older than its question, and many who ask cost what one does.
 */
export function shareLooks<S, T>(look: Look<S, T>, keyOf: (subject: S) => string): Look<S, T> {
  const underWay = new Map<string, Promise<T>>();
  const coming = new Map<string, Coming<T>>();

  function begin(subject: S, waitMs: number): Promise<T> {
    const key = keyOf(subject);
    const seen = look(subject, waitMs).finally(() => underWay.delete(key));
    underWay.set(key, seen);
    return seen;
  }

  return (subject, waitMs) => {
    const key = keyOf(subject);
    const known = coming.get(key);
    if (known) {
      known.waitMs = Math.max(known.waitMs, waitMs);
      return known.seen;
    }
    const now = underWay.get(key);
    if (!now) return begin(subject, waitMs);
    const afterwards = (): Promise<T> => {
      const { waitMs: longest } = coming.get(key)!;
      coming.delete(key);
      return begin(subject, longest);
    };
    const seen = now.then(afterwards, afterwards);
    coming.set(key, { waitMs, seen });
    return seen;
  };
}
