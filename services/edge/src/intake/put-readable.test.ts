import { AppError, type learningbank } from '@orgstream/core';
import { expect, test } from 'vitest';
import { putReadable } from './put-readable.ts';

const notification = (id: number) => ({ id: String(id) }) as learningbank.Notification;

/** A Kafka that refuses some for ever. */
function kafka(refuses: readonly string[], code: 'RECORD_INVALID' | 'KAFKA_UNREACHABLE' = 'RECORD_INVALID') {
  const stored: string[] = [];
  const put = async (records: readonly learningbank.Notification[]): Promise<void> => {
    if (records.some(({ id }) => refuses.includes(id))) throw new AppError(code, 'a test');
    stored.push(...records.map(({ id }) => id));
  };
  return { stored, put };
}

test.for([[[]], [['1']], [['3', '4']], [['7']], [['1', '2', '3', '4', '5', '6', '7']]])(
  'what Kafka never takes (%j) does not hold up the others, which go once and in order',
  async ([refuses]) => {
    const all = [1, 2, 3, 4, 5, 6, 7].map(notification);
    const outlet = kafka(refuses!);
    expect((await putReadable(outlet, all)).map(({ id }) => id)).toEqual(refuses);
    expect(outlet.stored).toEqual(all.map(({ id }) => id).filter((id) => !refuses!.includes(id)));
  },
);

test('a Kafka that is away is no fault of a record', async () => {
  const outlet = kafka(['2'], 'KAFKA_UNREACHABLE');
  await expect(putReadable(outlet, [1, 2].map(notification))).rejects.toMatchObject({ code: 'KAFKA_UNREACHABLE' });
});
