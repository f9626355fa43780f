import type { Check } from './check.ts';
import { ok, warning } from './finding.ts';
import { skewFinding } from './postgres.ts';

/** control: reachable, the token good, the stop button, its clock. */
export const controlCheck: Check = {
  area: 'control',
  deadlineMs: 8_000,
  remedy: 'is control running, and is ORGSTREAM_URL right?',
  async run(environment) {
    const sentMs = Date.now();
    const stop = await environment.control().getStop();
    const answeredMs = Date.now();
    const response = await fetch(new URL('/v1/openapi.json', environment.settings.read('ORGSTREAM_URL')), {
      signal: AbortSignal.timeout(4_000),
    }).catch(() => undefined);
    const date = Date.parse(response?.headers.get('date') ?? '');
    // A Date header has whole seconds.
    const skew = Number.isNaN(date) ? [] : skewFinding('control', date + 500, answeredMs - 500, Date.now() + 500);
    await response?.body?.cancel();
    return [
      ok(`answers in ${answeredMs - sentMs} ms and takes the token`),
      ...(stop.stopped
        ? [
            warning(
              `all sending is stopped${stop.reason === null ? '' : `: ${stop.reason}`}`,
              'orgstream resume --all',
              'NOT_SENDING',
            ),
          ]
        : []),
      ...skew,
    ];
  },
};
