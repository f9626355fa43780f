import type kafkajs from 'kafkajs';

/** What the adapter itself sets besides the port's options. */
export interface ConsumerSettings {
  readonly sessionTimeoutMs: number;
  /** Partitions to read; the others stay paused. Default: all. */
  readonly only?: (partition: number) => boolean;
  /** Called whenever a partition's progress may have changed. */
  readonly onProgress?: () => void;
}

/** A kafkajs consumer with the settings that its hazards ask for. */
export function createInner(
  kafka: kafkajs.Kafka,
  groupId: string,
  sessionTimeoutMs: number,
  mayRestart: () => boolean,
): kafkajs.Consumer {
  return kafka.consumer({
    groupId,
    allowAutoTopicCreation: false,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 3)),
    // Members rejoin at their next heartbeat, for `eachBatch` never blocks; below the watchdog's two sessions.
    rebalanceTimeout: Math.round(1.5 * sessionTimeoutMs),
    // An answer comes as soon as there is a byte; the wait only bounds how late a resumed partition is asked for.
    minBytes: 1,
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: 512 * 1024,
    maxBytes: 4 * 1024 * 1024,
    // Crashes restart as long as our watchdog bears them; a closed consumer must not come back as a member.
    retry: {
      initialRetryTime: 100,
      maxRetryTime: 1_000,
      retries: 100,
      restartOnFailure: () => Promise.resolve(mayRestart()),
    },
  });
}

/** The shape kafkajs wants partitions in, with whatever each carries. */
export function byTopic<T extends { readonly topic: string }>(
  entries: readonly T[],
): { topic: string; partitions: T[] }[] {
  const topics = Map.groupBy(entries, ({ topic }) => topic);
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
