import type { KafkaMessage } from 'kafkajs';
import type { InRecord } from './port.ts';

const noHeaders: Readonly<Record<string, Buffer>> = Object.freeze({});

/** kafkajs's message → ours. Offsets are exact below 2^53. */
export function toInRecord(message: KafkaMessage): InRecord {
  return {
    offset: Number(message.offset),
    key: message.key === null ? null : message.key.toString('utf8'),
    value: message.value,
    headers: toHeaders(message.headers),
    timestampMs: Number(message.timestamp),
  };
}

function toHeaders(headers: KafkaMessage['headers']): Readonly<Record<string, Buffer>> {
  if (!headers) return noHeaders;
  let result: Record<string, Buffer> | undefined;
  for (const name in headers) {
    const value = headers[name];
    // A repeated header: the last one wins, as everywhere in Kafka.
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last !== undefined) (result ??= {})[name] = Buffer.isBuffer(last) ? last : Buffer.from(last);
  }
  return result ?? noHeaders;
}
