import type { OutRecord, PartitionWriter, Producer } from '@orgstream/kafka';
import type { Codec } from '@orgstream/kafka';

/** One append that waits for its acknowledgement. */
export interface Append {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly OutRecord[];
  ack(): void;
}

/** A Kafka whose acknowledgements the test gives, or that gives them by itself after `delay`. */
export class FakeProducer implements Producer {
  readonly waiting: Append[] = [];
  readonly acknowledged: OutRecord[] = [];
  maxInFlightPerPartition = 0;
  #auto: ((append: Append) => void) | undefined;
  readonly #inFlight = new Map<string, number>();

  /** From now on every append is handed to `how`, those that wait included. */
  auto(how: (append: Append) => void = (append) => append.ack()): void {
    this.#auto = how;
    for (const append of this.waiting.splice(0)) how(append);
  }

  writer(topic: string, partition: number): PartitionWriter {
    return { topic, partition, append: (records) => this.#append(topic, partition, records) };
  }

  partitions(): Promise<number> {
    return Promise.resolve(12);
  }

  get pendingBytes(): number {
    return 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #append(topic: string, partition: number, records: readonly OutRecord[]): Promise<void> {
    const name = `${topic}/${partition}`;
    const now = (this.#inFlight.get(name) ?? 0) + 1;
    this.#inFlight.set(name, now);
    this.maxInFlightPerPartition = Math.max(this.maxInFlightPerPartition, now);
    return new Promise((resolve) => {
      const append: Append = {
        topic,
        partition,
        records,
        ack: () => {
          this.#inFlight.set(name, this.#inFlight.get(name)! - 1);
          this.acknowledged.push(...records);
          resolve();
        },
      };
      if (this.#auto) this.#auto(append);
      else this.waiting.push(append);
    });
  }
}

/** Records as JSON, so that tests need no registry. */
export const jsonCodec: Codec = {
  prepare: () => Promise.resolve(),
  encode: (_topic, name, value) => Buffer.from(JSON.stringify({ name, value })),
  decode: () => {
    throw new TypeError('not needed');
  },
};

/** What the JSON codec wrote. */
export function decoded(record: OutRecord): { readonly name: string; readonly value: Record<string, unknown> } {
  return JSON.parse(record.value!.toString('utf8')) as ReturnType<typeof decoded>;
}
