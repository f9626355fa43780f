/**
 * Pages made from code: `docs/errors.md` from the error table, `docs/configuration.md` from the zod schemas of the
 * services, `docs/METRICS.md` from the metrics they register. `--check` fails when a committed page is stale.
 */
import { readFileSync, readdirSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { codes } from '@orgstream/core';
import type { z } from 'zod';

const root = join(import.meta.dirname, '..');
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** The comment above each code is its manual: what it means and what the operator does. */
function errorsPage(): string {
  const source = readFileSync(join(root, 'packages/core/src/errors.ts'), 'utf8');
  const rows = [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*([A-Z][A-Z0-9_]+): '(retry|park|halt)'/g)].map(
    ([, comment, code, disposition]) => {
      const text = comment!.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim();
      return `| \`${code}\` | ${disposition} | ${cell(text)} |`;
    },
  );
  if (rows.length !== Object.keys(codes).length) throw new Error('every error code needs a comment of its own');
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
      const standard = optional.success ? `\`${String(optional.data)}\`` : 'required';
      return `| \`${name}\` | ${standard} | ${cell(schema.description ?? '')} |`;
    });
    parts.push(`## ${service}\n\n| variable | default | what |\n|---|---|---|\n${rows.join('\n')}\n`);
  }
  return `# Configuration

Made from \`services/*/src/config.ts\` by \`npm run generate\`. Settings are environment variables, read once at start; a bad one
refuses to start and is named.

${parts.join('\n')}`;
}

const pages = new Map([
  ['docs/errors.md', errorsPage()],
  ['docs/configuration.md', await configurationPage()],
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
