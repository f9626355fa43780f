import { AppError } from '@orgstream/core';
import { describe, expect, test } from 'vitest';
import { Declined } from './cli.ts';
import { explain, table } from './output.ts';

describe('explain', () => {
  test.each([
    [
      new AppError('CONFIG_INVALID', 'configuration: DATABASE_URL: is missing'),
      2,
      'configuration: DATABASE_URL: is missing',
    ],
    [new AppError('USAGE', '--tenant: x is none'), 2, '--tenant: x is none'],
    [
      new AppError('KAFKA_UNREACHABLE', 'connecting to Kafka'),
      75,
      'KAFKA_UNREACHABLE: connecting to Kafka; check the brokers and KAFKA_BROKERS',
    ],
    [new AppError('SLOT_LOST', 'reading eu1'), 1, 'SLOT_LOST: reading eu1; `orgstream snapshot --source`'],
    [
      new AppError('NOT_FOUND', 'there is no run x', { remedy: 'Check the id.' }),
      1,
      'NOT_FOUND: there is no run x; check the id',
    ],
    [
      new AppError('REQUEST_INVALID', 'body.name: too long', { remedy: 'Look at name.' }),
      2,
      'body.name: too long; look at name',
    ],
    [
      new AppError('TOPIC_MISSING', 'no topic; run `orgstream topics apply`'),
      1,
      'TOPIC_MISSING: no topic; run `orgstream topics apply`',
    ],
    [new Declined(), 1, 'nothing was changed'],
    [new DOMException('stop', 'AbortError'), 130, 'interrupted; what was asked for goes on'],
    [
      Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
      75,
      'Postgres does not answer: check DATABASE_URL, or start `npm run dev`',
    ],
    [
      Object.assign(new Error('relation'), { code: '42P01' }),
      1,
      'the database has not been migrated: run `orgstream migrate`',
    ],
  ])('%s ends with exit code %d and one sentence', (error, exitCode, text) => {
    expect(explain(error)).toEqual({ exitCode, text });
    expect(explain(error).text).not.toContain('\n');
  });
});

describe('table', () => {
  test('columns are as wide as their widest cell, numbers stand to the right', () => {
    expect(
      table(
        ['name', 'n'],
        [
          ['a', 5],
          ['long name', 12],
        ],
      ),
    ).toBe('name        n\na           5\nlong name  12');
  });
});
