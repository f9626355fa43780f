import { AppError } from '@orgstream/core';
import { migrate } from '@orgstream/database';
import { applyTopics, checkSchemas, registerSchemas, registryOf } from '@orgstream/kafka';
import { RegistryConfig } from '@orgstream/runtime';
import type { Command } from 'commander';
import { positive } from '../arguments.ts';
import type { Cli } from '../cli.ts';
import { group, leaf, type LeafOptions } from '../leaf.ts';
import { show } from '../output.ts';
import { askTopic } from './replay.ts';

/** Deploy steps, each idempotent: migrate, topics apply, schemas register|check; and topics accept. */
export function addInfrastructureCommands(program: Command, cli: Cli): void {
  leaf(program, 'migrate', {
    description: 'bring our Postgres to the newest version',
    examples: [['migrate', 'before the first start, and with each new version']],
  }).action(async (options: LeafOptions) => {
    const ran = await migrate(cli.environment().db());
    show({ ran }, options, () => (ran.length === 0 ? 'nothing to do' : `ran ${ran.join(', ')}`));
  });
  addTopics(group(program, 'topics', 'Kafka topics'), cli);
  addSchemas(group(program, 'schemas', 'Avro schemas'), cli);
}

function addTopics(topics: Command, cli: Cli): void {
  leaf(topics, 'apply', {
    description: 'create missing topics and align their settings; partition counts are never changed',
    examples: [['topics apply'], ['topics apply --partitions 24 --replication-factor 3', 'a large installation']],
  })
    .option('--partitions <number>', 'partitions of a topic that is created', positive, 12)
    .option(
      '--replication-factor <number>',
      'copies of a topic that is created; default: 3, or 1 on a single broker',
      positive,
    )
    .action(async (options: LeafOptions & { partitions: number; replicationFactor?: number }) => {
      const { settings, kafka } = cli.environment();
      const brokers = settings.read('KAFKA_BROKERS').split(',').length;
      const replicationFactor = options.replicationFactor ?? (brokers >= 3 ? 3 : 1);
      const changed = await applyTopics(kafka(), { partitions: options.partitions, replicationFactor });
      show({ changed }, options, () => (changed.length === 0 ? 'nothing to do' : changed.join('\n')));
    });
  leaf(topics, 'accept', {
    description: 'go on although directory.changes was re-created, or the Kafka cluster is another one',
    notes: 'Use it when the sink stands still with TOPIC_REPLACED and the topics are the ones you want from now on.',
    examples: [['topics accept']],
  }).action((options: LeafOptions) => askTopic(cli, 'accept_topic', options));
}

function addSchemas(schemas: Command, cli: Cli): void {
  const registry = () => registryOf(cli.environment().settings.readAll(RegistryConfig));
  leaf(schemas, 'register', {
    description: 'register every schema, FULL_TRANSITIVE set before the first version',
    examples: [['schemas register', 'before the first start, and with each new version']],
  }).action(async (options: LeafOptions) => {
    const registered = await registerSchemas(registry());
    show(registered, options, () => registered.map(({ subject, state }) => `${subject}: ${state}`).join('\n'));
  });
  leaf(schemas, 'check', {
    description: 'would our schemas be accepted? Registers nothing',
    examples: [['schemas check', 'in the pipeline of a new version']],
  }).action(async (options: LeafOptions) => {
    const reports = await checkSchemas(registry());
    const bad = reports.filter(({ state }) => state === 'incompatible');
    if (bad.length > 0) {
      const reasons = bad.map(({ subject, reasons: why }) => `${subject} (${why.join('; ')})`).join(', ');
      throw new AppError('SCHEMA_INCOMPATIBLE', `not compatible with what is registered: ${reasons}`);
    }
    show(reports, options, () => 'all schemas are compatible');
  });
}
