import { Committer, type CommitOffset } from './committer.ts';
import { Lane, type LaneOptions } from './lane.ts';
import type { PartitionProgress, TopicPartition } from './port.ts';

/** Lag tools lag by this; a crash re-reads at most so much. */
const commitIntervalMs = 200;

/** Where a partition starts. */
export interface Start extends TopicPartition {
  readonly offset: number;
  readonly highWatermark: number;
}

export interface AssignmentOptions {
  readonly partitions: readonly TopicPartition[];
  readonly commit: (offsets: readonly CommitOffset[]) => Promise<void>;
  readonly onCommitError: (error: unknown) => void;
}

/**
 * What one rebalance gave us: an epoch. joined → (open) → consuming → (stop) → stopping → revoked.
 * Revoked is final: its handlers' signals are aborted and nothing of it is ever completed or committed, for by then the
 * partitions may belong to another process, or to our next epoch.
 */
export class Assignment {
  readonly partitions: readonly TopicPartition[];
  readonly #lanes = new Map<string, Lane>();
  readonly #committer: Committer;
  #revoked = false;

  constructor(options: AssignmentOptions) {
    this.partitions = options.partitions;
    this.#committer = new Committer({
      intervalMs: commitIntervalMs,
      offsets: () => this.#offsets(),
      commit: options.commit,
      onError: options.onCommitError,
    });
  }

  get revoked(): boolean {
    return this.#revoked;
  }

  /** Begins consuming at `starts`; `committed` are the group's offsets as they are. */
  open(
    starts: readonly Start[],
    committed: readonly CommitOffset[],
    laneOptions: Omit<LaneOptions, 'topic' | 'partition' | 'startOffset' | 'highWatermark' | 'onProgress'> & {
      readonly onProgress: () => void;
    },
  ): void {
    this.#committer.known(committed);
    for (const { topic, partition, offset, highWatermark } of starts) {
      const onProgress = () => {
        this.#committer.schedule();
        laneOptions.onProgress();
      };
      const lane = new Lane({ ...laneOptions, topic, partition, startOffset: offset, highWatermark, onProgress });
      this.#lanes.set(idOf(lane), lane);
    }
  }

  lane(where: TopicPartition): Lane | undefined {
    return this.#revoked ? undefined : this.#lanes.get(idOf(where));
  }

  lanes(): readonly Lane[] {
    return [...this.#lanes.values()];
  }

  progress(): readonly PartitionProgress[] {
    return this.lanes().map((lane) => lane.progress());
  }

  /** Commits what is done, now and not only after a batch: at the start it tells lag tools where we really are. */
  flush(): Promise<void> {
    return this.#committer.flush();
  }

  /** Lets running handlers finish for `graceMs`, then aborts them; commits what was done. */
  async stop(graceMs: number): Promise<void> {
    const settled = Promise.all(this.lanes().map((lane) => lane.stop()));
    await withinMs(graceMs, settled);
    await withinMs(graceMs, Promise.all(this.lanes().map((lane) => lane.abort())));
    await withinMs(graceMs, this.flush());
    await this.revoke();
  }

  /** Ends the epoch at once; resolves when its handlers have settled. */
  async revoke(): Promise<void> {
    this.#revoked = true;
    this.#committer.stop();
    await Promise.all(this.lanes().map((lane) => lane.abort()));
  }

  #offsets(): readonly CommitOffset[] {
    return this.lanes().map(({ topic, partition, nextOffset }) => ({ topic, partition, offset: nextOffset }));
  }
}

function idOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Waits for `work`, but not longer than `ms`. */
export async function withinMs(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
