import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerConfig, readConfig, RegistryConfig } from '@orgstream/runtime';
import { expect, test } from 'vitest';
import { brokersOf, registryOf } from './settings.ts';

const brokers = (env: Record<string, string>) =>
  brokersOf(readConfig(BrokerConfig, { KAFKA_BROKERS: 'a:9092,b:9092', ...env }));
const sasl = { KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'orgstream', KAFKA_SASL_PASSWORD: 'p' };
const folder = mkdtempSync(join(tmpdir(), 'orgstream-'));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const [cert, key, none] = [
  file('cert.pem', '-----BEGIN CERTIFICATE-----\n'),
  file('key.pem', '-----BEGIN PRIVATE KEY-----\n'),
  file('none.pem', 'something else'),
];

test('plain text by default; TLS, SASL and a client certificate as they are set', () => {
  expect(brokers({})).toEqual({ brokers: ['a:9092', 'b:9092'] });
  expect(brokers({ KAFKA_TLS: 'true', ...sasl })).toEqual({
    brokers: ['a:9092', 'b:9092'],
    ssl: true,
    sasl: { mechanism: 'scram-sha-512', username: 'orgstream', password: 'p' },
  });
  expect(brokers({ KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key }).ssl).toEqual({
    cert: '-----BEGIN CERTIFICATE-----\n',
    key: '-----BEGIN PRIVATE KEY-----\n',
  });
});

test.each([
  [{ KAFKA_TLS: 'yes' }, /KAFKA_TLS/],
  [{ KAFKA_SASL_MECHANISM: 'gssapi' }, /KAFKA_SASL_MECHANISM/],
  [{ ...sasl, KAFKA_SASL_PASSWORD: '' }, /KAFKA_SASL_PASSWORD: is missing/],
  [{ KAFKA_SASL_USERNAME: 'a' }, /KAFKA_SASL_MECHANISM, KAFKA_SASL_PASSWORD: is missing/],
  [{ ...sasl, KAFKA_SASL_MECHANISM: 'plain' }, /plain without KAFKA_TLS=true/],
  [{ KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: cert }, /KAFKA_TLS_KEY_FILE: is missing/],
  [{ KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: key }, /needs KAFKA_TLS=true/],
  [
    { KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: cert, KAFKA_TLS_KEY_FILE: none },
    /KAFKA_TLS_KEY_FILE: the file is not PEM/,
  ],
  [
    { KAFKA_TLS: 'true', KAFKA_TLS_CERT_FILE: '/nowhere', KAFKA_TLS_KEY_FILE: key },
    /CERT_FILE: the file cannot be read \(ENOENT\)/,
  ],
])('%j is refused, by name', (env, message) => {
  const reading = (): unknown => brokers(env as Record<string, string>);
  expect(reading).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  expect(reading).toThrow(message);
});

test('a registry with and without basic authentication', () => {
  const registry = (env: Record<string, string>) =>
    registryOf(readConfig(RegistryConfig, { REGISTRY_URL: 'https://registry', ...env }));
  expect(registry({})).toEqual({ registryUrl: 'https://registry' });
  expect(registry({ REGISTRY_USERNAME: 'a', REGISTRY_PASSWORD: 'b' })).toEqual({
    registryUrl: 'https://registry',
    auth: { username: 'a', password: 'b' },
  });
  expect(() => registry({ REGISTRY_USERNAME: 'a' })).toThrow(/REGISTRY_PASSWORD: is missing/);
});
