import type { Environment } from '../environment.ts';
import type { Check } from './check.ts';
import { broken, ok, warning, type Finding } from './finding.ts';

/** Longer than a sink stays silent by itself. */
const SILENT_SECONDS = 30;

/** /readyz of every service whose address is known; elsewhere what the database shows of the sinks. */
export const servicesCheck: Check = {
  area: 'services',
  deadlineMs: 6_000,
  remedy: 'look at the logs of the services',
  async run(environment) {
    const urls = Object.entries(environment.settings.metricsUrls);
    const probes = await Promise.all(urls.map(([name, all]) => probe(name, all)));
    return [...probes.flat(), ...(await sinks(environment))];
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

async function sinks(environment: Environment): Promise<readonly Finding[]> {
  try {
    const { rows } = await environment
      .db()
      .raw<{ rows: { live: number; all: number }[] }>(
        `select count(*) filter (where seen_at > now() - make_interval(secs => ?))::int as live, count(*)::int as all from sink.replica`,
        [SILENT_SECONDS],
      );
    const { live } = rows[0]!;
    return [
      live > 0
        ? ok(`${live} ${live === 1 ? 'sink is' : 'sinks are'} alive`)
        : warning(`no sink was heard of for ${SILENT_SECONDS} s: nothing is sent`, 'start learningbank-sink'),
    ];
  } catch {
    // What is the matter with Postgres is told under its own head.
    return [];
  }
}
