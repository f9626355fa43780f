import { AppError, isAppError, topics } from '@orgstream/core';
import { readGeneration, topicSpecs, type Admin } from '@orgstream/kafka';
import type { Environment } from '../environment.ts';
import type { Check } from './check.ts';
import { broken, findingOf, ok, warning, type Finding } from './finding.ts';

/** Kafka: reachable; every topic with its partitions, copies and settings. */
export const kafkaCheck: Check = {
  area: 'kafka',
  deadlineMs: 12_000,
  remedy: 'check the brokers and KAFKA_BROKERS',
  async run(environment) {
    await using admin = await environment.kafka().createAdmin();
    const cluster = await admin.clusterId();
    // One after the other: an admin of kafkajs is not made for questions at once.
    const findings: TopicFindings[] = [];
    for (const { topic, config } of topicSpecs({ partitions: 0, replicationFactor: 1 })) {
      findings.push(await checkTopic(admin, topic, config));
    }
    return [ok(`cluster ${cluster} answers`), ...findings.flat(), ...samePartitions(findings)];
  },
};

type TopicFindings = readonly Finding[] & { readonly partitions?: number };

async function checkTopic(
  admin: Admin,
  topic: string,
  wanted: Readonly<Record<string, string>>,
): Promise<TopicFindings> {
  try {
    const { partitions, config } = await admin.describeTopic(topic);
    const policy = config['cleanup.policy'];
    const under = partitions.filter(({ replicas, inSync }) => inSync < replicas).length;
    const findings: readonly Finding[] = [
      ok(`${topic}: ${partitions.length} partitions, ${partitions[0]?.replicas ?? 0} copies, ${policy}`),
      ...(policy === wanted['cleanup.policy']
        ? []
        : [broken(`${topic}: cleanup.policy is ${policy}, not ${wanted['cleanup.policy']}`, 'orgstream topics apply')]),
      ...(under === 0 ? [] : [warning(`${topic}: ${under} partitions lack a copy in sync`, 'look at the brokers')]),
    ];
    return Object.assign([...findings], { partitions: partitions.length });
  } catch (error) {
    if (!isAppError(error)) throw error;
    return [findingOf(error, { doing: `describing ${topic}`, remedy: 'check the brokers and KAFKA_BROKERS' })];
  }
}

/** One tenant must fall on one partition number everywhere: facts of a tenant are ordered by it. */
function samePartitions(all: readonly TopicFindings[]): readonly Finding[] {
  const counts = new Set(all.slice(0, 2).flatMap(({ partitions }) => partitions ?? []));
  if (counts.size < 2) return [];
  return [
    warning(
      `${topics.ziikChanges} and ${topics.directoryChanges} have different numbers of partitions`,
      'see docs/facts.md',
    ),
  ];
}

interface StoredOffset {
  readonly partition: number;
  readonly cluster_id: string;
  readonly generation: string | null;
}

/** directory.changes is the log that the sink's stored offsets count in. */
export const generationCheck: Check = {
  area: 'generation',
  deadlineMs: 25_000,
  remedy: 'check the brokers and KAFKA_BROKERS',
  async run(environment) {
    const written = await readGeneration(environment.kafka(), topics.directoryChanges, 20_000);
    if (written.size === 0) {
      return [broken(`${topics.directoryChanges} has no generation record`, 'orgstream topics apply', 'TOPIC_MISSING')];
    }
    const stored = await storedOffsets(environment);
    const other = stored.filter(
      ({ partition, generation }) => generation !== null && generation !== written.get(partition),
    );
    if (other.length > 0) {
      const message = `${other.length} partitions of ${topics.directoryChanges} are not the log the sink has read`;
      return [broken(message, 'docs/runbooks.md, "Kafka was lost"; then `orgstream topics accept`', 'TOPIC_REPLACED')];
    }
    return [
      ok(
        `${topics.directoryChanges}: ${written.size} partitions carry a generation${stored.length > 0 ? ', the one the sink has read' : ''}`,
      ),
    ];
  },
};

async function storedOffsets(environment: Environment): Promise<readonly StoredOffset[]> {
  try {
    const { rows } = await environment
      .db()
      .raw<{ rows: StoredOffset[] }>(
        `select partition, cluster_id, generation from sink.ingest_offset where topic = ?`,
        [topics.directoryChanges],
      );
    return rows;
  } catch (error) {
    // What is the matter with Postgres is told under its own head.
    if (error instanceof AppError || error instanceof Error) return [];
    throw error;
  }
}
