import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CommonConfig, DatabaseConfig, KafkaConfig, SecretConfig, readConfig } from './config.ts';

const Config = z.object({
  ...CommonConfig.shape,
  ...KafkaConfig.shape,
  ...DatabaseConfig.shape,
  ...SecretConfig.shape,
});
const good = {
  KAFKA_BROKERS: 'k:9092',
  REGISTRY_URL: 'http://r:8081',
  DATABASE_URL: 'postgres://u:p@h/db',
  ORGSTREAM_SECRET_KEY: `k1:${'a'.repeat(64)}`,
};

describe('readConfig', () => {
  test('defaults fill what is absent or empty', () => {
    expect(readConfig(Config, { ...good, OPS_PORT: '' })).toMatchObject({ LOG_LEVEL: 'info', OPS_PORT: 9464 });
  });

  test.each([
    ['KAFKA_BROKERS', undefined],
    ['REGISTRY_URL', 'not a url'],
    ['DATABASE_URL', 'mysql://secret-host'],
    ['OPS_PORT', '70000'],
    ['LOG_LEVEL', 'loud'],
    ['ORGSTREAM_SECRET_KEY', 'deadbeef'],
  ])('%s = %j is refused by name, and its value is not told', (name, value) => {
    const read = (): unknown => readConfig(Config, { ...good, [name]: value });
    expect(read).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining(name) }));
    if (value !== undefined && value.includes('secret')) expect(read).not.toThrow(new RegExp(value));
  });

  test('every problem is named at once', () => {
    expect(() => readConfig(Config, {})).toThrow(/KAFKA_BROKERS.*REGISTRY_URL.*DATABASE_URL.*ORGSTREAM_SECRET_KEY/s);
  });
});
