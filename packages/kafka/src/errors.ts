import kafkajs from 'kafkajs';
import { AppError, type ErrorCode } from '@orgstream/core';

const {
  KafkaJSError,
  KafkaJSNonRetriableError,
  KafkaJSNumberOfRetriesExceeded,
  KafkaJSProtocolError,
  KafkaJSSASLAuthenticationError,
  KafkaJSTimeout,
} = kafkajs;

const authTypes: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
]);

/** The innermost kafkajs error: its retrier wraps what happened, often twice, and the wrapper says nothing. */
function rootOf(error: unknown): unknown {
  let current = error;
  while (current instanceof Error && current.cause instanceof Error && !(current instanceof KafkaJSProtocolError)) {
    current = current.cause;
  }
  return current;
}

/** Kafka's name of a protocol error, for example `NOT_LEADER_FOR_PARTITION`; undefined for any other error. */
export function protocolType(error: unknown): string | undefined {
  const root = rootOf(error);
  return root instanceof KafkaJSProtocolError ? root.type : undefined;
}

/** Foreign error → AppError, by class and protocol type, never by text. `doing` is what was being done. */
export function translate(error: unknown, doing: string): AppError {
  if (error instanceof AppError) return error;
  return new AppError(codeOf(error), `${doing}: ${labelOf(rootOf(error))}`, { cause: error });
}

function labelOf(root: unknown): string {
  if (root instanceof KafkaJSProtocolError) return root.type;
  return root instanceof Error ? root.name : typeof root;
}

function codeOf(error: unknown): ErrorCode {
  const root = rootOf(error);
  const type = protocolType(error);
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return 'TOPIC_MISSING';
  if (root instanceof KafkaJSSASLAuthenticationError || (type && authTypes.has(type))) return 'KAFKA_AUTH_FAILED';
  if (root instanceof KafkaJSTimeout || error instanceof KafkaJSNumberOfRetriesExceeded) return 'KAFKA_UNREACHABLE';
  if (root instanceof KafkaJSNonRetriableError) return 'KAFKA_CLIENT_DEAD';
  if (root instanceof KafkaJSError && root.retriable) return 'KAFKA_UNREACHABLE';
  return 'KAFKA_CLIENT_DEAD';
}
