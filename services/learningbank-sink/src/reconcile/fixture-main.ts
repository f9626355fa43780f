/** A reconciler alone in a process of its own, for tests that kill or pause it. Settings come as JSON in SETTINGS. */
import { createDatabase } from '@orgstream/database';
import { createLogger, createSecretBox, shutdownSignal } from '@orgstream/runtime';
import { Registry } from 'prom-client';
import { createSinkMetrics } from '../metrics.ts';
import type { WorkerSettings } from './worker-options.ts';
import { createReconciler } from './reconciler.ts';

const databaseUrl = process.env['DATABASE_URL']!;
const settings = JSON.parse(process.env['SETTINGS']!) as WorkerSettings;
const db = createDatabase(databaseUrl, { max: 8 });
await createReconciler({
  db,
  databaseUrl,
  secrets: createSecretBox(process.env['ORGSTREAM_SECRET_KEY']!),
  log: createLogger({ service: 'sink', level: process.env['TEST_LOG'] ?? 'info' }),
  metrics: createSinkMetrics(new Registry()),
  settings: { ...settings, callsPerMinute: Infinity },
}).run(shutdownSignal());
await db.destroy();
