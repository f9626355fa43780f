/**
 * Pages made from code: `docs/errors.md` from the error table, `docs/configuration.md` from the zod schemas of the
 * services, `docs/METRICS.md` from the metrics they register, `docs/cli.md` from the command tree. `--check` fails when a
 * committed page is stale.
 */
import { readFileSync, readdirSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { manual as cliManual } from '@orgstream/cli';
import { codes } from '@orgstream/core';
import type { z } from 'zod';

const root = join(import.meta.dirname, '..');
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** The comment above each code is its manual: what it means and what the operator does. */
function errorComments(): readonly { readonly code: string; readonly disposition: string; readonly text: string }[] {
  const source = readFileSync(join(root, 'packages/core/src/errors.ts'), 'utf8');
  const found = source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*([A-Z][A-Z0-9_]+): '(retry|park|halt)'/g);
  const comments = [...found].map(([, comment, code, disposition]) => {
    return { code: code!, disposition: disposition!, text: comment!.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim() };
  });
  if (comments.length !== Object.keys(codes).length) throw new Error('every error code needs a comment of its own');
  return comments;
}

/** The same manual for programs: `manualOf` of packages/core. */
function manualModule(): string {
  const entries = errorComments().map(({ code, text }) => `  ${code}: ${JSON.stringify(text)},`);
  return `// Made from packages/core/src/errors.ts by \`npm run generate\`.
export const manual: Readonly<Record<string, string>> = {
${entries.join('\n')}
};
`;
}

function errorsPage(): string {
  const rows = errorComments().map(({ code, disposition, text }) => `| \`${code}\` | ${disposition} | ${cell(text)} |`);
  return `# Error codes

Made from \`packages/core/src/errors.ts\` by \`npm run generate\`.

*retry*: may succeed unchanged; the place is kept, with back-off. *park*: this one object never will, as it is; it is
stored with its code and everything else goes on. *halt*: going on would lose or corrupt; the smallest owner stops
(tenant, source, else process).

| code | disposition | what it means, what to do |
|---|---|---|
${rows.join('\n')}
`;
}

async function configurationPage(): Promise<string> {
  const parts: string[] = [];
  for (const service of readdirSync(join(root, 'services')).toSorted()) {
    const path = join(root, 'services', service, 'src/config.ts');
    if (!existsSync(path)) continue;
    const { Config } = (await import(path)) as { Config: z.ZodObject };
    const rows = Object.entries(Config.shape as Record<string, z.ZodType>).map(([name, schema]) => {
      const optional = schema.safeParse(undefined);
      const standard = !optional.success ? 'required' : optional.data === '' ? 'none' : `\`${String(optional.data)}\``;
      return `| \`${name}\` | ${standard} | ${cell(schema.description ?? '')} |`;
    });
    parts.push(`## ${service}\n\n| variable | default | what |\n|---|---|---|\n${rows.join('\n')}\n`);
  }
  return `# Configuration

Made from \`services/*/src/config.ts\` by \`npm run generate\`. Settings are environment variables, read once at start; a bad one
refuses to start and is named.

${parts.join('\n')}`;
}

/** Metrics register themselves in an empty registry; nothing runs. */
async function metricsPage(): Promise<string> {
  const { Registry } = await import('prom-client');
  const load = async (path: string): Promise<Record<string, (...args: unknown[]) => unknown>> =>
    (await import(join(root, path))) as Record<string, (...args: unknown[]) => unknown>;
  const parts = await Promise.all(
    [
      ['ziik-cdc', [(await load('services/ziik-cdc/src/metrics.ts'))['createMetrics']!]],
      ['normalizer', [(await load('services/normalizer/src/metrics.ts'))['createMetrics']!]],
      ['control', [(await load('services/control/src/metrics.ts'))['createMetrics']!]],
      [
        'learningbank-sink',
        [
          (await load('services/learningbank-sink/src/metrics.ts'))['createSinkMetrics']!,
          (await load('services/learningbank-sink/src/ingest/metrics.ts'))['createIngestMetrics']!,
        ],
      ],
      [
        'edge',
        [
          (await load('services/edge/src/metrics.ts'))['createMetrics']!,
          (await load('services/edge/src/intake/metrics.ts'))['createIntakeMetrics']!,
        ],
      ],
      ['notification-bridge', [(await load('services/notification-bridge/src/metrics.ts'))['createMetrics']!]],
    ].map(async ([service, creators]) => {
      const registry = new Registry();
      for (const create of creators as ((...args: unknown[]) => unknown)[]) create(registry, () => [], 'group');
      const rows = registry.getMetricsAsArray().map((metric) => {
        const { name, help, labelNames } = metric as unknown as { name: string; help: string; labelNames: string[] };
        return `| \`${name}\` | ${labelNames.join(', ')} | ${cell(help)} |`;
      });
      return `## ${String(service)}\n\n| metric | labels | what |\n|---|---|---|\n${rows.join('\n')}\n`;
    }),
  );
  return `# Metrics

Made from the services' metrics by \`npm run generate\`; \`metrics.md\` says which answers which question. Node's own metrics
(\`process_*\`, \`nodejs_*\`) are there too.

${parts.join('\n')}`;
}

const pages = new Map([
  ['packages/core/src/generated/manual.ts', manualModule()],
  ['docs/METRICS.md', await metricsPage()],
  ['docs/errors.md', errorsPage()],
  ['docs/configuration.md', await configurationPage()],
  ['docs/cli.md', cliManual()],
]);
const stale = [...pages].filter(
  ([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text,
);
if (process.argv.includes('--check')) {
  for (const [path] of stale) console.error(`${path} is stale: run \`npm run generate\` and commit`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const [path, text] of stale) writeFileSync(join(root, path), text);
}
