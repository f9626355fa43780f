import { migrate } from '@orgstream/database';
import { applyTopics, checkSchemas, registerSchemas } from '@orgstream/kafka';
import { AppError } from '@orgstream/core';
import { InvalidArgumentError, type Command } from 'commander';
import type { Environment } from '../environment.ts';
import { print } from '../output.ts';

/** Deploy steps, each idempotent: migrate, topics apply, schemas register|check. */
export function addInfrastructureCommands(program: Command, environment: () => Environment): void {
  program
    .command('migrate')
    .description('bring our Postgres to the newest version')
    .action(async () => {
      const ran = await migrate(environment().db());
      print(ran.length === 0 ? 'nothing to do' : `ran ${ran.join(', ')}`);
    });

  const topics = program.command('topics').description('Kafka topics');
  topics
    .command('apply')
    .description('create missing topics and align their settings; partition counts are never changed')
    .option('--partitions <number>', 'partitions of a topic that is created', positive, 12)
    .option(
      '--replication-factor <number>',
      'copies of a topic that is created; default: 3, or 1 on a single broker',
      positive,
    )
    .action(async (options: { partitions: number; replicationFactor?: number }) => {
      const brokers = environment().setting('KAFKA_BROKERS').split(',').length;
      const replicationFactor = options.replicationFactor ?? (brokers >= 3 ? 3 : 1);
      const changed = await applyTopics(environment().kafka(), { partitions: options.partitions, replicationFactor });
      print(changed.length === 0 ? 'nothing to do' : changed.join('\n'));
    });

  const schemas = program.command('schemas').description('Avro schemas');
  schemas
    .command('register')
    .description('register every schema, FULL_TRANSITIVE set before the first version')
    .action(async () => {
      const registered = await registerSchemas({ registryUrl: environment().setting('REGISTRY_URL') });
      for (const { subject, state } of registered) print(`${subject}: ${state}`);
    });
  schemas
    .command('check')
    .description('would our schemas be accepted? Registers nothing')
    .action(async () => {
      const reports = await checkSchemas({ registryUrl: environment().setting('REGISTRY_URL') });
      const incompatible = reports.filter(({ state }) => state === 'incompatible');
      if (incompatible.length > 0) {
        const reasons = incompatible.map(({ subject, reasons: why }) => `${subject} (${why.join('; ')})`).join(', ');
        throw new AppError(
          'SCHEMA_INCOMPATIBLE',
          `not compatible with what is registered: ${reasons}; see schemas/README.md`,
        );
      }
      print('all schemas are compatible');
    });
}

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('it takes a whole number of at least 1.');
  return value;
}
