/**
 * Pages made from code: `docs/errors.md` from the error table, `docs/configuration.md` from the zod schemas of the
 * services, `docs/METRICS.md` from the metrics they register, `docs/cli.md` from the command tree. `--check` fails when a
 * committed page is stale.
 */
import { readFileSync, readdirSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { manual as cliManual } from '@orgstream/cli';
import { codes } from '@orgstream/core';
import { Registry } from 'prom-client';
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
      const none = optional.data === '' || optional.data === undefined;
      const standard = !optional.success ? 'required' : none ? 'none' : `\`${String(optional.data)}\``;
      return `| \`${name}\` | ${standard} | ${cell(schema.description ?? '')} |`;
    });
    parts.push(`## ${service}\n\n| variable | default | what |\n|---|---|---|\n${rows.join('\n')}\n`);
  }
  return `# Configuration

Made from \`services/*/src/config.ts\` by \`npm run generate\`. Settings are environment variables, read once at start; a bad one
refuses to start and is named.

${parts.join('\n')}`;
}

type Register = (registry: Registry) => unknown;

/** Which functions register the metrics of each service. */
async function metricsOf(): Promise<readonly (readonly [service: string, register: readonly Register[]])[]> {
  const load = async (path: string): Promise<Record<string, Register>> =>
    (await import(join(root, 'services', path))) as Record<string, Register>;
  const { registerConsumerGauges } = await import('../packages/kafka/src/consumer-metrics.ts');
  const consumer: Register = (registry) => registerConsumerGauges(registry, 'group', () => []);
  const intake = (await load('edge/src/intake/metrics.ts'))['createIntakeMetrics']!;
  const idle = () => ({ ready: true, pendingBytes: 0 });
  return [
    ['ziik-cdc', [(await load('ziik-cdc/src/metrics.ts'))['createMetrics']!]],
    ['normalizer', [(await load('normalizer/src/metrics.ts'))['createMetrics']!, consumer]],
    ['control', [(await load('control/src/metrics.ts'))['createMetrics']!]],
    [
      'learningbank-sink',
      [
        (await load('learningbank-sink/src/metrics.ts'))['createSinkMetrics']!,
        (await load('learningbank-sink/src/ingest/metrics.ts'))['createIngestMetrics']!,
        consumer,
      ],
    ],
    [
      'edge',
      [
        (await load('edge/src/metrics.ts'))['createMetrics']!,
        (registry) => (intake(registry) as { outlet: (state: typeof idle) => void }).outlet(idle),
      ],
    ],
    ['notification-bridge', [(await load('notification-bridge/src/metrics.ts'))['createMetrics']!, consumer]],
  ];
}

/** Metrics register themselves in an empty registry; nothing runs. */
async function metricsPage(): Promise<string> {
  const parts = (await metricsOf()).map(([service, register]) => {
    const registry = new Registry();
    for (const one of register) one(registry);
    const rows = registry.getMetricsAsArray().map((metric) => {
      const { name, help, labelNames } = metric as unknown as { name: string; help: string; labelNames: string[] };
      return `| \`${name}\` | ${labelNames.join(', ')} | ${cell(help)} |`;
    });
    return `## ${service}\n\n| metric | labels | what |\n|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# Metrics

Made from the services' metrics by \`npm run generate\`; [reading-metrics.md](reading-metrics.md) says which answers which question,
[alerts.md](alerts.md) which of them wake somebody. Node's own metrics (\`process_*\`, \`nodejs_*\`) are there too.

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
