import { existsSync, globSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { routes } from '@orgstream/control-api';
import { codes } from '@orgstream/core';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const markdown = (path: string): readonly string[] =>
  readdirSync(join(root, path))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(path, name));
const pages = ['README.md', ...markdown('docs'), ...markdown('docs/adr'), 'schemas/README.md'];

const spansOf = (text: string): readonly string[] =>
  [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/`([^`]+)`/g)].map(([, span]) => span!.replaceAll(/\s+/g, ' '));

/** As GitHub makes it from a heading. */
const anchorsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

const paths: readonly string[] = Object.values(routes).map(({ path }) => path);
/** What edge answers besides. */
const edgePaths = ['/login/{integration}', '/shortcuts/{integration}', '/hooks/learningbank/{integration}'];
const isPlace = (part: string): boolean => part.startsWith('{') || part.startsWith('<');
const same = (given: string, path: string): boolean => {
  const [parts, others] = [given.split('/'), path.split('/')];
  return (
    parts.length === others.length &&
    parts.every((part, index) => part === others[index] || (isPlace(part) && isPlace(others[index]!)))
  );
};

/** Other words in capitals: settings of the scripts, of Postgres and kafkajs. */
const otherWords = new Set([
  'STACK',
  'SCHEMATHESIS',
  'CHROMIUM',
  'RATE_LIMIT_PER_MINUTE',
  'FULL_TRANSITIVE',
  'START_REPLICATION',
  'ORGSTREAM_URL',
  'ORGSTREAM_TOKEN',
  'ORGSTREAM_SENDER_PASSWORD',
]);

describe.each(pages)('%s', (page) => {
  const text = read(page);
  const spans = spansOf(text);

  test('its links lead somewhere', () => {
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split('#') as [string, string?];
      const file = path === '' ? page : normalize(join(dirname(page), path));
      expect(existsSync(join(root, file)), target).toBe(true);
      if (anchor !== undefined) expect(anchorsOf(read(file)), target).toContain(anchor);
    }
  });

  test('the files it names are there', () => {
    const named = spans.filter((span) =>
      /^(packages|services|test|scripts|deploy|schemas|docs|patches)\/[\w./*@{},-]*$/.test(span),
    );
    for (const span of named) {
      const found = [span, `${span}.ts`, `${span}.test.ts`, `${span}*.ts`].some(
        (one) => globSync(one, { cwd: root }).length > 0,
      );
      expect(found, span).toBe(true);
    }
    for (const span of spans.filter((one) => /^[\w-]+\.md$/.test(one)))
      expect(
        [dirname(page), 'docs', '.'].some((folder) => existsSync(join(root, folder, span))),
        span,
      ).toBe(true);
  });

  test('the routes it names are there', () => {
    for (const span of spans) {
      const [, route] =
        /^(?:GET |POST |PUT |PATCH |DELETE )?(\/(?:v1|login|shortcuts|hooks)\/[\w/{}<>.-]+)/.exec(span) ?? [];
      if (route === undefined) continue;
      const found = [...paths, ...edgePaths].some((path) => same(route, path));
      expect(found, span).toBe(true);
    }
  });

  test('the metrics it names are registered', () => {
    const metrics = read('docs/METRICS.md');
    for (const span of spans) {
      for (const [name] of span.matchAll(/\b(?:orgstream_[a-z_]*[a-z]|kafka_consumergroup_[a-z_]*[a-z])\b/g))
        expect(metrics, span).toContain(`\`${name}\``);
    }
  });

  test('the settings and codes it names are there', () => {
    const settings = read('docs/configuration.md');
    for (const span of spans) {
      if (!/^[A-Z]{3,}(_[A-Z]+)+$/.test(span) || otherWords.has(span)) continue;
      expect(span in codes || settings.includes(`\`${span}\``), span).toBe(true);
    }
  });
});
