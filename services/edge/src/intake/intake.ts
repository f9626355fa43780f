import { randomUUID } from 'node:crypto';
import { createCodec, createKafka, brokersOf, registryOf } from '@orgstream/kafka';
import type { Deps, Part } from '../deps.ts';
import { createHook } from './hook.ts';
import { HookChannels } from './hook-channels.ts';
import { createIntakeMetrics } from './metrics.ts';
import { Outlet } from './outlet.ts';
import { PlatformClients } from './platform-clients.ts';
import { Received } from './received.ts';
import { Rounds } from './rounds.ts';

/** Learningbank's notifications: hook, poll, types. */
export function createIntake({ config, db, log, secrets, registry }: Deps): Part {
  const metrics = createIntakeMetrics(registry);
  const outlet = new Outlet({
    kafka: createKafka({ ...brokersOf(config), clientId: 'orgstream-edge', log }),
    codec: createCodec(registryOf(config)),
    log,
  });
  metrics.outlet(() => outlet);
  const rounds = new Rounds({
    db,
    clients: new PlatformClients({
      db,
      secrets,
      callTimeoutMs: config.EDGE_CALL_TIMEOUT_MS,
      callsPerMinute: config.EDGE_POLL_CALLS_PER_MINUTE,
    }),
    outlet,
    metrics,
    log,
    owner: randomUUID(),
    pollMs: config.EDGE_POLL_MS,
    typesMs: config.EDGE_TYPES_MS,
  });
  return {
    router: createHook({
      channels: new HookChannels({ db, secrets }),
      outlet,
      received: new Received({ db, log }),
      metrics,
      log,
      perMinute: config.EDGE_HOOKS_PER_MINUTE,
    }),
    run: async (signal) => {
      await Promise.all([outlet.run(signal), rounds.run(signal)]);
    },
  };
}
