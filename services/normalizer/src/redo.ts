import { postgresError, type Knex } from '@orgstream/database';
import type { Kafka, PartitionProgress, TopicPartition } from '@orgstream/kafka';
import type { Logger } from '@orgstream/runtime';
import { beginRedo, isRedoAsked, moveRedo, readRedo } from './redo-store.ts';

/** A partition as it is assigned: with its watermarks. */
type Assigned = TopicPartition & { readonly low: number; readonly high: number };

/**
 * Carries out `renormalise`: every partition goes back to its beginning once, and from there on in order, so that the
 * newest record of each key is also the last one written. All replicas do it together, each for its own partitions; how far
 * each has come is in the command's result, which only rises: whoever gets a partition goes on from there.
 *
 *   asked → running (each partition: not gone back → below `until` → through) → done
 */
export class Redo {
  readonly #db: Knex;
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #log: Logger;
  /** Partitions of the present assignment that read again, and up to where. */
  #mine: { readonly command: number; readonly until: ReadonlyMap<number, number> } | undefined;

  constructor(deps: { readonly db: Knex; readonly kafka: Kafka; readonly topic: string; readonly log: Logger }) {
    this.#db = deps.db;
    this.#kafka = deps.kafka;
    this.#topic = deps.topic;
    this.#log = deps.log;
  }

  /**
   * Where partitions begin that have to be read again; the others begin where the group is. Without Postgres none is: what
   * flows must not wait for it, and `look` finds out later.
   */
  async starts(assigned: readonly Assigned[]): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
    this.#mine = undefined;
    try {
      const redo = await readRedo(this.#db);
      if (!redo) return [];
      const starts = assigned.flatMap(({ topic, partition, low, high }) => {
        const span = redo.spans.get(partition);
        if (!span || (span.next ?? -1) >= span.until) return [];
        // Retention may have taken the beginning meanwhile.
        return [{ topic, partition, offset: Math.min(high, Math.max(low, span.next ?? span.from)), until: span.until }];
      });
      await moveRedo(this.#db, redo.command, new Map(starts.map(({ partition, offset }) => [partition, offset])));
      this.#mine = { command: redo.command, until: new Map(starts.map(({ partition, until }) => [partition, until])) };
      if (starts.length > 0) {
        const places = starts.map(({ partition, offset, until }) => ({ partition, offset, until }));
        this.#log.info({ commandId: redo.command, places }, 'normalizing again');
      }
      return starts;
    } catch (error) {
      this.#log.warn({ err: postgresError(error, 'looking for commands') }, 'commands wait');
      return [];
    }
  }

  /** Stores progress, begins what is asked. True = partitions of ours have to go back: the consumer must begin anew. */
  async look(progress: readonly PartitionProgress[]): Promise<boolean> {
    try {
      if (await isRedoAsked(this.#db)) await this.#begin();
      await this.#store(progress);
      const redo = await readRedo(this.#db);
      if (!redo) return false;
      const open = this.#mine?.command === redo.command ? this.#mine.until : new Map<number, number>();
      return progress.some(({ partition }) => {
        const span = redo.spans.get(partition);
        return span !== undefined && (span.next ?? -1) < span.until && !open.has(partition);
      });
    } catch (error) {
      this.#log.warn({ err: postgresError(error, 'looking for commands') }, 'commands wait');
      return false;
    }
  }

  async #begin(): Promise<void> {
    await using admin = await this.#kafka.createAdmin();
    await beginRedo(this.#db, await admin.offsets(this.#topic));
  }

  async #store(progress: readonly PartitionProgress[]): Promise<void> {
    const redo = await readRedo(this.#db);
    if (!redo) return;
    const until = this.#mine?.command === redo.command ? this.#mine.until : new Map<number, number>();
    const next = progress.flatMap(({ partition, nextOffset }) => {
      const end = until.get(partition);
      return end === undefined || nextOffset === undefined ? [] : [[partition, Math.min(end, nextOffset)] as const];
    });
    await moveRedo(this.#db, redo.command, new Map(next));
  }
}
