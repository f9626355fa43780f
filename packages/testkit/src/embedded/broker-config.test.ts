import { describe, expect, test } from 'vitest';
import { serverProperties, type NodeConfig } from './broker-config.ts';

const combined: NodeConfig = {
  nodeId: 1,
  roles: ['broker', 'controller'],
  brokerPort: 19_092,
  controllerPort: 19_093,
  voters: [{ nodeId: 1, port: 19_093 }],
  dataFolder: '/data',
  brokerSessionTimeoutMs: 3_000,
};

function parse(node: NodeConfig): Record<string, string> {
  const lines = serverProperties(node).trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

describe('server.properties', () => {
  test('one node is broker and controller, on this machine only', () => {
    expect(parse(combined)).toMatchObject({
      'process.roles': 'broker,controller',
      'controller.quorum.voters': '1@127.0.0.1:19093',
      listeners: 'PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093',
      'advertised.listeners': 'PLAINTEXT://127.0.0.1:19092',
      'auto.create.topics.enable': 'false',
      'min.insync.replicas': '1',
    });
  });

  test('a controller alone advertises nothing to clients', () => {
    const { brokerPort: _, ...controller } = combined;
    const settings = parse({ ...controller, roles: ['controller'] });
    expect(settings['listeners']).toBe('CONTROLLER://127.0.0.1:19093');
    expect(settings).not.toHaveProperty(['advertised.listeners']);
  });

  test('replication applies to internal topics as well', () => {
    const settings = parse({ ...combined, replicationFactor: 3, minInsyncReplicas: 2 });
    expect(settings).toMatchObject({
      'default.replication.factor': '3',
      'offsets.topic.replication.factor': '3',
      'min.insync.replicas': '2',
      'transaction.state.log.min.isr': '2',
    });
  });

  test.each([
    [1_500, '375'],
    [200, '100'],
  ])('a session of %s ms is kept up by a heartbeat every %s ms', (brokerSessionTimeoutMs, interval) => {
    expect(parse({ ...combined, brokerSessionTimeoutMs })['broker.heartbeat.interval.ms']).toBe(interval);
  });

  test('a setting that is asked for wins', () => {
    expect(parse({ ...combined, settings: { 'auto.create.topics.enable': 'true' } })['auto.create.topics.enable']).toBe(
      'true',
    );
  });
});
