import type { Environment } from '../environment.ts';
import type { Check } from './check.ts';
import { broken, ok, warning, type Finding } from './finding.ts';

/** Longer than a replica stays silent by itself. */
const SILENT_SECONDS = 30;

/** /readyz of every service whose address is known; elsewhere what the database shows of sinks and bridges. */
export const servicesCheck: Check = {
  area: 'services',
  deadlineMs: 6_000,
  remedy: 'look at the logs of the services',
  async run(environment) {
    const urls = Object.entries(environment.settings.metricsUrls);
    const probes = await Promise.all(urls.map(([name, all]) => probe(name, all)));
    return [...probes.flat(), ...(await replicas(environment))];
  },
};

async function probe(name: string, metricsUrls: readonly string[]): Promise<readonly Finding[]> {
  if (metricsUrls.length === 0) return [broken(`${name} does not run`, `look at its log, .orgstream/logs/${name}.log`)];
  return Promise.all(
    metricsUrls.map(async (url) => {
      const response = await fetch(new URL('/readyz', url), { signal: AbortSignal.timeout(4_000) }).catch(
        () => undefined,
      );
      await response?.body?.cancel();
      if (response?.ok) return ok(`${name} is ready`);
      const what = response ? `${name} runs, and is not ready` : `${name} does not answer`;
      return broken(what, `look at its log, .orgstream/logs/${name}.log`);
    }),
  );
}

/** Processes that say in the database that they live; a bridge is needed once there is a channel. */
const counted = [
  { table: 'sink.replica', needed: 'true', one: 'sink', service: 'learningbank-sink', without: 'nothing is sent' },
  {
    table: 'bridge.replica',
    needed: 'exists (select from control.channel where enabled)',
    one: 'bridge',
    service: 'notification-bridge',
    without: 'notifications wait',
  },
] as const;

async function replicas(environment: Environment): Promise<readonly Finding[]> {
  try {
    const found = await Promise.all(
      counted.map(async ({ table, needed, one, service, without }): Promise<readonly Finding[]> => {
        const { rows } = await environment.db().raw<{ rows: { live: number; needed: boolean }[] }>(
          `select count(*) filter (where seen_at > now() - make_interval(secs => ?))::int as live, ${needed} as needed
             from ${table}`,
          [SILENT_SECONDS],
        );
        const { live, needed: isNeeded } = rows[0]!;
        if (live > 0) return [ok(`${live} ${one}${live === 1 ? ' is' : 's are'} alive`)];
        const message = `no ${one} was heard of for ${SILENT_SECONDS} s: ${without}`;
        return isNeeded ? [warning(message, `start ${service}`)] : [];
      }),
    );
    return found.flat();
  } catch {
    // What is the matter with Postgres is told under its own head.
    return [];
  }
}
