import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';

test('logins are counted by outcome and code; our own part is told from Learningbank’s', async () => {
  const registry = new Registry();
  const metrics = createMetrics(registry);
  const common = { kind: 'login', justInTime: false, durationMs: 300, platformMs: 260 } as const;
  metrics.loginFinished({ ...common, code: undefined });
  metrics.loginFinished({ ...common, code: 'LOGIN_OFF', platformMs: 0 });
  metrics.loginFinished({ ...common, code: undefined, justInTime: true });
  metrics.loginFinished({ ...common, kind: 'shortcuts', code: undefined });
  const text = await registry.metrics();
  expect(text).toContain('orgstream_edge_logins_total{kind="login",outcome="admitted",code=""} 2');
  expect(text).toContain('orgstream_edge_logins_total{kind="login",outcome="refused",code="LOGIN_OFF"} 1');
  expect(text).toContain('orgstream_edge_logins_total{kind="shortcuts",outcome="admitted",code=""} 1');
  expect(text).toContain('orgstream_edge_login_seconds_count{outcome="admitted",just_in_time="true"} 1');
  expect(text).toContain('orgstream_edge_login_own_seconds_bucket{le="0.05"} 1');
  expect(text).toContain('orgstream_edge_login_own_seconds_count 2');
});
