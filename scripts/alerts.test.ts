import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codes } from '@orgstream/core';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { createMetrics as createCdcMetrics } from '../services/ziik-cdc/src/metrics.ts';
import { createMetrics as createEdgeMetrics } from '../services/edge/src/metrics.ts';
import { createSinkMetrics, runWaits } from '../services/learningbank-sink/src/metrics.ts';
import { lanes } from '../services/learningbank-sink/src/model.ts';
import { Config as BridgeConfig } from '../services/notification-bridge/src/config.ts';
import { Config as NormalizerConfig } from '../services/normalizer/src/config.ts';
import { Config as SinkConfig } from '../services/learningbank-sink/src/config.ts';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const standard = (schema: z.ZodType): string => String(schema.parse(undefined));

interface Alert {
  readonly name: string;
  readonly expr: string;
  readonly text: string;
}

/** The rules of the file; it is written in one way, so that no parser of YAML is needed. */
const alerts: readonly Alert[] = read('deploy/alerts.yml')
  .split(/^ {6}- alert: /m)
  .slice(1)
  .map((text) => {
    const [, one, block] = /^ {8}expr: (?:(?!\|)(.*)|\|-\n((?: {10,}.*\n)+))/m.exec(text) ?? [];
    const expr = (one ?? block ?? '').replaceAll(/\s+/g, ' ').trim();
    return { name: text.split('\n')[0]!, expr, text };
  });

/** Labels of each metric, by docs/METRICS.md, which is made from the registries. */
const known = new Map<string, readonly string[]>([
  ['up', ['job', 'instance']],
  ['process_start_time_seconds', ['job', 'instance']],
  ...[...read('docs/METRICS.md').matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)].map(
    ([, name, labels]) => [name!, labels!.split(',').map((label) => label.trim())] as const,
  ),
]);

interface Selector {
  readonly metric: string;
  readonly matchers: readonly (readonly [label: string, op: string, value: string])[];
}

/** What an expression asks for: each metric with its matchers. */
function selectorsOf(expr: string): readonly Selector[] {
  const bare = expr.replaceAll(/\b(by|on|without|ignoring)\s*\([^)]*\)/g, ' ');
  return [...bare.matchAll(/\b([a-z]+_[a-z_]+|up)\b(?!\s*\()(?:\{([^}]*)\})?/g)].map(([, metric, inside = '']) => ({
    metric: metric!,
    matchers: [...inside.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g)].map(([, label, op, value]) => [label!, op!, value!]),
  }));
}

const groupsOf = (expr: string): readonly string[] =>
  [...expr.matchAll(/\b(?:by|on)\s*\(([^)]*)\)/g)].flatMap(([, labels]) =>
    labels!
      .split(',')
      .map((label) => label.trim())
      .filter((label) => label !== ''),
  );

/** Values that a label really takes. */
async function valuesOf(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const registry = new Registry();
  createCdcMetrics(registry).of('eu1').stateChanged('running');
  const edge = createEdgeMetrics(registry);
  const login = { kind: 'login', justInTime: false, durationMs: 1, platformMs: 0 } as const;
  edge.loginFinished({ ...login, code: undefined });
  edge.loginFinished({ ...login, code: 'ASSERTION_INVALID' });
  createSinkMetrics(registry).breaker({ open: 0, halfOpen: 0 });
  const values = new Map<string, Set<string>>();
  for (const { name, values: rows } of await registry.getMetricsAsJSON()) {
    for (const [label, value] of rows.flatMap(({ labels }) => Object.entries(labels))) {
      const key = `${name}/${label}`;
      values.set(key, (values.get(key) ?? new Set()).add(String(value)));
    }
  }
  const said = (path: string, pattern: RegExp): Set<string> =>
    new Set([...read(path).matchAll(pattern)].map(([, value]) => value!));
  return new Map<string, ReadonlySet<string>>([
    ...values,
    ['orgstream_sink_work_oldest_seconds/lane', new Set(Object.keys(lanes))],
    ['orgstream_run_idle_seconds/waits', new Set<string>(runWaits)],
    ['orgstream_parked_objects/code', new Set(Object.keys(codes))],
    ['orgstream_edge_logins_total/code', new Set(Object.keys(codes))],
    [
      'orgstream_sink_outcomes_total/outcome',
      said('services/learningbank-sink/src/reconcile/end-work.ts', /to: '(\w+)'/g),
    ],
    ['orgstream_sink_snapshots_total/state', said('services/learningbank-sink/src/ingest/snapshots.ts', /'(\w+)'/g)],
    ['orgstream_edge_hooks_total/outcome', said('services/edge/src/intake/metrics.ts', /'(\w+)'/g)],
    ['orgstream_control_audit_total/outcome', said('services/control/src/metrics.ts', /'(\w+)'/g)],
    ['orgstream_consumer_partitions/consumergroup', new Set(consumerGroups)],
  ]);
}

const consumerGroups = [
  standard(NormalizerConfig.shape.NORMALIZER_GROUP),
  standard(SinkConfig.shape.INGEST_GROUP),
  standard(BridgeConfig.shape.BRIDGE_GROUP),
];

test('there are rules, each named once', () => {
  expect(alerts.length).toBeGreaterThan(25);
  expect(new Set(alerts.map(({ name }) => name)).size).toBe(alerts.length);
});

describe.each(alerts)('$name', ({ name, expr, text }) => {
  test('asks for metrics and labels that there are', () => {
    const selectors = selectorsOf(expr);
    expect(selectors.length).toBeGreaterThan(0);
    const all = new Set(['job', 'instance']);
    for (const { metric, matchers } of selectors) {
      expect(known.get(metric), `${metric} is in docs/METRICS.md`).toBeDefined();
      for (const label of known.get(metric)!) all.add(label);
      for (const [label] of matchers) expect(known.get(metric), `labels of ${metric}`).toContain(label);
    }
    for (const label of [...groupsOf(expr), ...[...text.matchAll(/\$labels\.(\w+)/g)].map(([, one]) => one!)])
      expect([...all], `a label of ${name}`).toContain(label);
  });

  test('asks for label values that there are', async () => {
    const values = await valuesOf();
    for (const { metric, matchers } of selectorsOf(expr)) {
      for (const [label, op, value] of matchers) {
        if (label === 'job') continue;
        for (const one of op.endsWith('~') ? value.split('|') : [value])
          expect([...(values.get(`${metric}/${label}`) ?? [])], `${metric}{${label}}`).toContain(one);
      }
    }
  });

  test('has a page that says what to do, and a severity', () => {
    expect(text).toContain(`runbook: docs/alerts.md#${name.toLowerCase()}\n`);
    const severity = /severity: (page|ticket)/.exec(text)?.[1];
    expect(read('docs/alerts.md')).toContain(`### ${name}\n\n_${severity}._ `);
    expect(text).toMatch(/ {10}summary: \S.{20}/);
    const count = (what: RegExp): number => expr.match(what)?.length ?? 0;
    expect(count(/[([{]/g)).toBe(count(/[)\]}]/g));
  });
});

test('every page of an alert has its rule', () => {
  const pages = [...read('docs/alerts.md').matchAll(/^### (\w+)$/gm)].map(([, name]) => name!);
  expect(pages.toSorted()).toEqual(alerts.map(({ name }) => name).toSorted());
});

test('the partitions that have to be read are those that `topics apply` makes, of every group there is', () => {
  const { expr } = alerts.find(({ name }) => name === 'OrgstreamPartitionsUnread')!;
  const apply = /`--partitions <number>` \|[^|]*default (\d+)/.exec(read('docs/cli.md'))?.[1];
  expect(expr).toContain(`< ${apply} `);
  for (const group of consumerGroups)
    expect(expr).toContain(`absent(orgstream_consumer_partitions{consumergroup="${group}"})`);
});
