import type { TopicPartition } from './port.ts';

/** An offset to commit: everything below it is done. */
export interface CommitOffset extends TopicPartition {
  readonly offset: number;
}

export interface CommitterOptions {
  /** Collects progress for so long before a commit. Lag tools lag by it; recovery re-reads at most that much. */
  readonly intervalMs: number;
  /** Current value of each partition. */
  readonly offsets: () => readonly CommitOffset[];
  readonly commit: (offsets: readonly CommitOffset[]) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/**
 * Commits in the background, many batches in one request, and on its own timer: the last batch before silence is
 * committed too, or lag tools (KEDA) would see a lag that is none.
 */
export class Committer {
  readonly #options: CommitterOptions;
  readonly #committed = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #underWay: Promise<void> | undefined;
  #stopped = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Offsets known to be committed already. */
  known(offsets: readonly CommitOffset[]): void {
    for (const { topic, partition, offset } of offsets) this.#committed.set(`${topic}/${partition}`, offset);
  }

  /** Something moved: commit soon. */
  schedule(): void {
    if (this.#stopped || this.#timer || this.#underWay) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, this.#options.intervalMs);
  }

  /** Commits what is new now; resolves also when the commit failed (it is tried again). */
  async flush(): Promise<void> {
    await this.#underWay;
    const offsets = this.#pending();
    if (this.#stopped || offsets.length === 0) return;
    this.#underWay = this.#commit(offsets);
    await this.#underWay;
    this.#underWay = undefined;
    if (this.#pending().length > 0) this.schedule();
  }

  /** Nothing is committed after this: the partitions are no longer ours. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #commit(offsets: readonly CommitOffset[]): Promise<void> {
    try {
      await this.#options.commit(offsets);
      this.known(offsets);
    } catch (error) {
      this.#options.onError(error);
    }
  }

  #pending(): readonly CommitOffset[] {
    const moved = ({ topic, partition, offset }: CommitOffset) =>
      this.#committed.get(`${topic}/${partition}`) !== offset;
    return this.#options.offsets().filter(moved);
  }
}
