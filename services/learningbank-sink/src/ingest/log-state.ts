import type { Kafka } from '@orgstream/kafka';
import { readGeneration } from '@orgstream/kafka';

/** One partition of the topic, as the cluster has it. */
export interface LogPartition {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
  /** What the group has committed; undefined = nothing. */
  readonly committed: number | undefined;
}

/** The whole topic, as the cluster has it: every replica looks at all of it, whichever partitions are its own. */
export interface LogState {
  readonly clusterId: string;
  readonly partitions: readonly LogPartition[];
  /** By partition; empty unless asked for. */
  readonly generations: ReadonlyMap<number, string>;
}

/**
 * Reads it. `generations`: only where there is something to compare with, for the first records of a topic cost a consumer
 * group of their own. Throws TOPIC_MISSING.
 */
export async function readLogState(
  kafka: Kafka,
  topic: string,
  options: { readonly groupId: string; readonly generations: boolean },
): Promise<LogState> {
  const { clusterId, partitions } = await readCluster(kafka, topic, options.groupId);
  const generations = options.generations ? await readGeneration(kafka, topic) : new Map<number, string>();
  return { clusterId, partitions, generations };
}

async function readCluster(
  kafka: Kafka,
  topic: string,
  groupId: string,
): Promise<Pick<LogState, 'clusterId' | 'partitions'>> {
  await using admin = await kafka.createAdmin();
  const clusterId = await admin.clusterId();
  // Commits first: what is committed lies within the watermarks read after it.
  const commits = await admin.committed(groupId, topic);
  const committed = new Map(commits.map(({ partition, offset }) => [partition, offset]));
  const marks = await admin.offsets(topic);
  return {
    clusterId,
    partitions: marks.map(({ partition, low, high }) => ({
      partition,
      low,
      high,
      committed: committed.get(partition),
    })),
  };
}
