import kafkajs, { type Message, type RecordMetadata } from 'kafkajs';
import { describe, expect, test } from 'vitest';
import { isAppError } from '@orgstream/core';
import { noLog } from './client.ts';
import type { ProducerClient, ProducerClients } from './producer-clients.ts';
import { judge, sendUntilStored, verifyAcknowledged } from './send.ts';

type ProtocolErrorInput = ConstructorParameters<typeof kafkajs.KafkaJSProtocolError>[0];

function protocolError(type: string, retriable = false): Error {
  return new kafkajs.KafkaJSProtocolError(Object.assign(new Error(type), { type, retriable }) as ProtocolErrorInput);
}

/** As kafkajs's retrier hands it out. */
function wrapped(cause: Error): Error {
  return new kafkajs.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 1, retryTime: 50 } as never);
}

describe('judging a rejected send', () => {
  test.each([
    ['NOT_LEADER_FOR_PARTITION', 'again'],
    ['LEADER_NOT_AVAILABLE', 'again'],
    ['REQUEST_TIMED_OUT', 'again'],
    ['NOT_ENOUGH_REPLICAS', 'again'],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'again'],
    ['CORRUPT_MESSAGE', 'again'],
    ['KAFKA_STORAGE_ERROR', 'again'],
    ['KAFKAJS_UNKNOWN_ERROR_CODE', 'again'],
    ['UNKNOWN_PRODUCER_ID', 'new-producer'],
    ['INVALID_PRODUCER_EPOCH', 'new-producer'],
    ['INVALID_PRODUCER_ID_MAPPING', 'new-producer'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'new-producer'],
    ['DUPLICATE_SEQUENCE_NUMBER', 'stored'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'topic-missing'],
    ['MESSAGE_TOO_LARGE', 'give-up'],
    ['TOPIC_AUTHORIZATION_FAILED', 'give-up'],
    ['SASL_AUTHENTICATION_FAILED', 'give-up'],
  ])('%s: %s, bare or wrapped', (type, verdict) => {
    expect(judge(protocolError(type))).toBe(verdict);
    expect(judge(wrapped(protocolError(type)))).toBe(verdict);
  });

  test('the network is tried again, a bug is not', () => {
    expect(judge(new kafkajs.KafkaJSConnectionError('x'))).toBe('again');
    expect(judge(wrapped(new kafkajs.KafkaJSConnectionError('x')))).toBe('again');
    expect(judge(new kafkajs.KafkaJSRequestTimeoutError('x', {} as never))).toBe('again');
    expect(judge(new (kafkajs.KafkaJSLockTimeout as new (message: string) => Error)('x'))).toBe('again');
    expect(judge(new TypeError('x'))).toBe('give-up');
  });
});

const acknowledged: RecordMetadata[] = [{ topicName: 't', partition: 2, errorCode: 0 }];

describe('the answer', () => {
  test.each<[string, RecordMetadata[]]>([
    ['nothing', []],
    ['another partition', [{ topicName: 't', partition: 1, errorCode: 0 }]],
    ['another topic', [{ topicName: 'u', partition: 2, errorCode: 0 }]],
    ['an error code', [{ topicName: 't', partition: 2, errorCode: 6 }]],
  ])('%s is no acknowledgement, whatever kafkajs resolved with', (_, answer) => {
    expect(() => verifyAcknowledged(answer, { topic: 't', partition: 2 })).toThrow(/does not acknowledge/);
    expect(() => verifyAcknowledged(acknowledged, { topic: 't', partition: 2 })).not.toThrow();
  });
});

/** Producers whose sends answer from a list; the last answer repeats. */
function setUp(...answers: (Error | RecordMetadata[])[]) {
  const sent: { client: number; messages: Message[] }[] = [];
  const closing = new AbortController();
  let made = 0;
  const make = (): ProducerClient => {
    const client = made++;
    return {
      send: (_topic, messages) => {
        const answer = answers[Math.min(sent.length, answers.length - 1)]!;
        sent.push({ client, messages });
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    };
  };
  let current: ProducerClient | undefined;
  const clients = {
    current: () => Promise.resolve((current ??= make())),
    replace: () => Promise.resolve((current = make())),
  } as unknown as ProducerClients;
  const batch = { messages: [{ value: 'a' }], bytes: 1, waiters: [] };
  const options = { topic: 't', partition: 2, clients, log: noLog, signal: closing.signal };
  return { sent, closing, batch, store: () => sendUntilStored(batch, options) };
}

describe('sending until stored', () => {
  test('after a rejection the very same batch goes again, on the same producer', async () => {
    const { sent, store, batch } = setUp(protocolError('NOT_LEADER_FOR_PARTITION', true), [], acknowledged);
    await store();
    expect(sent.map(({ client }) => client)).toEqual([0, 0, 0]);
    for (const { messages } of sent) expect(messages).toBe(batch.messages);
  });

  test('a forgotten producer id gets a new producer, with the same batch', async () => {
    const { sent, store, batch } = setUp(protocolError('UNKNOWN_PRODUCER_ID'), acknowledged);
    await store();
    expect(sent.map(({ client }) => client)).toEqual([0, 1]);
    for (const { messages } of sent) expect(messages).toBe(batch.messages);
  });

  test('a duplicate is stored already', async () => {
    const { sent, store } = setUp(protocolError('DUPLICATE_SEQUENCE_NUMBER'));
    await store();
    expect(sent).toHaveLength(1);
  });

  test.each([
    [protocolError('TOPIC_AUTHORIZATION_FAILED'), 'KAFKA_AUTH_FAILED'],
    [protocolError('MESSAGE_TOO_LARGE'), 'KAFKA_CLIENT_DEAD'],
    [new TypeError('bug'), 'KAFKA_CLIENT_DEAD'],
  ])('%s ends it with %s', async (error, code) => {
    const { sent, store } = setUp(error);
    await expect(store()).rejects.toMatchObject({ code, disposition: 'halt' });
    expect(sent).toHaveLength(1);
  });

  test('closing ends the repetitions', async () => {
    const { store, closing } = setUp(protocolError('NOT_LEADER_FOR_PARTITION', true));
    const stored = store().catch((error: unknown) => error);
    closing.abort();
    expect(isAppError(await stored, 'KAFKA_CLIENT_DEAD')).toBe(true);
  });
});
