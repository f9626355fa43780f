import { isDataError } from '@orgstream/database';

/** What `run` answers for one item. */
export type Answer<O> = { readonly ok: true; readonly value: O } | { readonly ok: false; readonly error: unknown };

export const answered = <O>(value: O): Answer<O> => ({ ok: true, value });
export const failed = (error: unknown): Answer<never> => ({ ok: false, error });

/**
 * Group commit: items handed in while a batch runs form the next one, so the batch grows with the load and an idle
 * system pays no linger. One batch at a time. A batch that the data of one item made fail is repeated item by item: the
 * poison fails alone.
 */
export function createBatcher<I, O>(options: {
  readonly max: number;
  readonly run: (items: readonly I[]) => Promise<readonly Answer<O>[]>;
}): (item: I) => Promise<O> {
  interface Waiting {
    readonly item: I;
    readonly resolve: (value: O) => void;
    readonly reject: (error: unknown) => void;
  }
  const queue: Waiting[] = [];
  let running = false;

  const give = (waiting: Waiting, answer: Answer<O>): void =>
    answer.ok ? waiting.resolve(answer.value) : waiting.reject(answer.error);

  const runBatch = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      const answers = await options.run(batch.map(({ item }) => item));
      batch.forEach((waiting, at) => give(waiting, answers[at] ?? failed(new Error('batch gave no answer'))));
    } catch (error) {
      if (batch.length === 1 || !isDataError(error)) return batch.forEach(({ reject }) => reject(error));
      for (const waiting of batch) await runBatch([waiting]);
    }
  };

  const drain = async (): Promise<void> => {
    while (queue.length > 0) await runBatch(queue.splice(0, options.max));
    running = false;
  };

  return (item) =>
    new Promise<O>((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (running) return;
      running = true;
      // After the current tick, so that what is handed in together goes together.
      setImmediate(() => void drain());
    });
}
