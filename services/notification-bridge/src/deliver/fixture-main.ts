/** A delivery alone in a process of its own, for tests that kill or pause it. Settings come as JSON in SETTINGS. */
import { createDatabase } from '@orgstream/database';
import { createLogger, createSecretBox, shutdownSignal } from '@orgstream/runtime';
import { Registry } from 'prom-client';
import { createMetrics } from '../metrics.ts';
import { createDelivery } from './delivery.ts';
import type { DeliverySettings } from './settings.ts';

const databaseUrl = process.env['DATABASE_URL']!;
const settings = JSON.parse(process.env['SETTINGS']!) as DeliverySettings;
const db = createDatabase(databaseUrl, { max: 8 });
await createDelivery({
  db,
  databaseUrl,
  secrets: createSecretBox(process.env['ORGSTREAM_SECRET_KEY']!),
  log: createLogger({ service: 'bridge', level: process.env['TEST_LOG'] ?? 'info' }),
  metrics: createMetrics(new Registry()),
  // JSON has no Infinity.
  settings: { ...settings, callsPerMinute: settings.callsPerMinute ?? Infinity },
}).run(shutdownSignal());
await db.destroy();
