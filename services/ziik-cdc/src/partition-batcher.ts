import type { OutRecord, PartitionWriter } from '@orgstream/kafka';
import type { Pending } from './commit-log.ts';

/** More in one send gets quadratic in kafkajs (facts §1). */
const MAX_BATCH_RECORDS = 1_000;
const MAX_BATCH_BYTES = 512 * 1024;

interface Batch {
  readonly records: OutRecord[];
  /** Whose records these are, run-length: `owners[i]` owns the next `counts[i]`. */
  readonly owners: Pending[];
  readonly counts: number[];
  bytes: number;
}

/** Called when a batch was acknowledged, after the counts of its owners went down. */
export type Acknowledged = (records: number, bytes: number) => void;

/**
 * Collects the records of one partition while a batch of it is under way, and sends what came together as soon as it
 * is back: no timer, so a lone record leaves at once, and a flood leaves in full batches.
 */
export class PartitionBatcher {
  readonly #writer: PartitionWriter;
  readonly #onAck: Acknowledged;
  readonly #onError: (error: unknown) => void;
  readonly #waiting: Batch[] = [];
  #open: Batch | undefined;
  #inFlight = false;

  constructor(writer: PartitionWriter, onAck: Acknowledged, onError: (error: unknown) => void) {
    this.#writer = writer;
    this.#onAck = onAck;
    this.#onError = onError;
  }

  push(record: OutRecord, bytes: number, owner: Pending): void {
    const batch = (this.#open ??= this.#newBatch());
    batch.records.push(record);
    batch.bytes += bytes;
    owner.count += 1;
    const last = batch.owners.length - 1;
    if (batch.owners[last] === owner) batch.counts[last]! += 1;
    else {
      batch.owners.push(owner);
      batch.counts.push(1);
    }
    if (batch.records.length >= MAX_BATCH_RECORDS || batch.bytes >= MAX_BATCH_BYTES) this.#open = undefined;
  }

  /** Sends the oldest batch unless one is under way. */
  flush(): void {
    if (this.#inFlight) return;
    const batch = this.#waiting.shift();
    if (!batch) return;
    if (batch === this.#open) this.#open = undefined;
    this.#inFlight = true;
    this.#writer.append(batch.records).then(
      () => this.#acknowledged(batch),
      (error: unknown) => this.#onError(error),
    );
  }

  #acknowledged(batch: Batch): void {
    this.#inFlight = false;
    for (let i = 0; i < batch.owners.length; i += 1) batch.owners[i]!.count -= batch.counts[i]!;
    this.#onAck(batch.records.length, batch.bytes);
    this.flush();
  }

  #newBatch(): Batch {
    const batch: Batch = { records: [], owners: [], counts: [], bytes: 0 };
    this.#waiting.push(batch);
    return batch;
  }
}
