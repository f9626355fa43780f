import { readFileSync } from 'node:fs';
import { AppError } from '@orgstream/core';
import type { BrokerSettings, RegistrySettings } from '@orgstream/runtime';
import type { KafkaOptions } from './client.ts';
import type { RegistryOptions } from './registry.ts';

/** How to reach the brokers, as the environment says. Throws CONFIG_INVALID, naming the setting that does not fit. */
export function brokersOf(settings: BrokerSettings): Pick<KafkaOptions, 'brokers' | 'ssl' | 'sasl'> {
  const brokers = settings.KAFKA_BROKERS.split(',');
  const ssl = tlsOf(settings);
  const sasl = saslOf(settings);
  return { brokers, ...(ssl === undefined ? {} : { ssl }), ...(sasl === undefined ? {} : { sasl }) };
}

/** How to reach the schema registry. Throws CONFIG_INVALID. */
export function registryOf(settings: RegistrySettings): RegistryOptions {
  const { REGISTRY_URL: registryUrl, REGISTRY_USERNAME: username, REGISTRY_PASSWORD: password } = settings;
  together({ REGISTRY_USERNAME: username, REGISTRY_PASSWORD: password });
  return username === undefined || password === undefined
    ? { registryUrl }
    : { registryUrl, auth: { username, password } };
}

function tlsOf(settings: BrokerSettings): KafkaOptions['ssl'] {
  const { KAFKA_TLS: tls, KAFKA_TLS_CERT_FILE: certFile, KAFKA_TLS_KEY_FILE: keyFile } = settings;
  together({ KAFKA_TLS_CERT_FILE: certFile, KAFKA_TLS_KEY_FILE: keyFile });
  if (certFile === undefined || keyFile === undefined) return tls ? true : undefined;
  if (!tls) throw invalid('KAFKA_TLS_CERT_FILE: needs KAFKA_TLS=true');
  return { cert: pem('KAFKA_TLS_CERT_FILE', certFile), key: pem('KAFKA_TLS_KEY_FILE', keyFile) };
}

function saslOf(settings: BrokerSettings): KafkaOptions['sasl'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = settings;
  together({ KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password });
  if (mechanism === undefined || username === undefined || password === undefined) return undefined;
  if (mechanism === 'plain' && !settings.KAFKA_TLS) {
    throw invalid('KAFKA_SASL_MECHANISM: plain without KAFKA_TLS=true would send the password readable');
  }
  return { mechanism, username, password } as NonNullable<KafkaOptions['sasl']>;
}

/** All of them or none. */
function together(settings: Readonly<Record<string, string | undefined>>): void {
  const names = Object.keys(settings);
  const missing = names.filter((name) => settings[name] === undefined);
  if (missing.length === 0 || missing.length === names.length) return;
  throw invalid(`${missing.join(', ')}: is missing; set ${names.join(', ')} together or none of them`);
}

function pem(name: string, path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalid(`${name}: the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  if (!text.includes('-----BEGIN ')) throw invalid(`${name}: the file is not PEM`);
  return text;
}

function invalid(problem: string): AppError {
  return new AppError('CONFIG_INVALID', `configuration: ${problem}`);
}
