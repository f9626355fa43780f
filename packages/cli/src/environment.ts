import { createClient, type Client } from '@orgstream/control-api';
import { createDatabase, type Knex } from '@orgstream/database';
import { brokersOf, createKafka, type Kafka } from '@orgstream/kafka';
import { BrokerConfig, createSecretBox, type SecretBox } from '@orgstream/runtime';
import { openSettings, type Settings } from './settings.ts';

/** What commands talk to. Made lazily, so that a command needs only the settings it uses. */
export interface Environment extends AsyncDisposable {
  readonly settings: Settings;
  control(): Client;
  db(): Knex;
  kafka(): Kafka;
  secrets(): SecretBox;
}

export function openEnvironment(env: NodeJS.ProcessEnv, cwd: string): Environment {
  const settings = openSettings(env, cwd);
  const resources = new AsyncDisposableStack();
  let db: Knex | undefined;
  return {
    settings,
    control: () => createClient({ url: settings.read('ORGSTREAM_URL'), token: settings.read('ORGSTREAM_TOKEN') }),
    db() {
      if (!db) {
        const opened = createDatabase(settings.read('DATABASE_URL'), { max: 3, name: 'orgstream-cli' });
        resources.defer(() => opened.destroy());
        db = opened;
      }
      return db;
    },
    kafka: () => createKafka({ ...brokersOf(settings.readAll(BrokerConfig)), clientId: 'orgstream-cli' }),
    secrets: () => createSecretBox(settings.read('ORGSTREAM_SECRET_KEY')),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
