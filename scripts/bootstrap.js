// Brings what the machine lacks (Node 24 and pnpm, from npm) and runs one of the root verbs on it. Plain JavaScript, so that
// it starts on Node 20: `node scripts/bootstrap.js demo|test|dev|bench|postgres|check|generate|orgstream [arguments]`.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE = '24.21.0';
const PNPM = '12.21.0';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const state = join(root, '.orgstream');
const toolchain = join(state, 'toolchain');
const bin = join(toolchain, 'node_modules', '.bin');

const verbs = {
  demo: { script: 'scripts/demo.ts', stack: true },
  dev: { script: 'scripts/dev.ts', stack: true },
  test: { script: 'scripts/test.ts', stack: true },
  bench: { script: 'scripts/bench.ts', stack: true },
  postgres: { script: 'scripts/postgres.ts', stack: true },
  check: { script: 'scripts/check.ts', stack: false },
  generate: { script: 'scripts/generate.ts', stack: false },
  orgstream: { script: 'packages/cli/src/main.ts', stack: false },
};

function say(text) {
  process.stderr.write(`orgstream: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

function answers(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
  return result.status === 0 ? `${result.stdout}${result.stderr}` : undefined;
}

/** A real stack needs either Java and Maven (embedded) or a container engine; without both nothing can be proved. */
function requireStack() {
  const kind = process.env.STACK;
  if (kind === 'external') return;
  const java = /version "(\d+)/.exec(answers('java', ['-version']) ?? '');
  const embedded = java && Number(java[1]) >= 17 && answers('mvn', ['-v']) !== undefined;
  if (embedded && kind !== 'testcontainers') return;
  const engine = answers('docker', ['info', '--format', '{{.ServerVersion}}']) !== undefined;
  if (engine && kind !== 'embedded') return;
  if (kind === 'embedded')
    fail('STACK=embedded needs Java 17 or newer and Maven: install both (Debian: openjdk-17-jre-headless maven).');
  if (kind === 'testcontainers')
    fail('STACK=testcontainers needs a running Docker engine: start it, or use STACK=embedded with Java 17 and Maven.');
  fail(
    'please install Java 17 and Maven (Debian: openjdk-17-jre-headless maven), or start a Docker engine: the stack runs on real Kafka.',
  );
}

function ensureToolchain() {
  // Our own copy does not count: started by it, we must not throw it away.
  const nodeIsNew = Number(process.versions.node.split('.')[0]) >= 24 && !process.execPath.startsWith(toolchain);
  const wanted = [...(nodeIsNew ? [] : [`node@${NODE}`]), `pnpm@${PNPM}`];
  const stamp = join(toolchain, 'ready');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted.join(' ')) {
    say(`fetching ${wanted.join(' and ')} from npm into .orgstream/toolchain (once) …`);
    mkdirSync(toolchain, { recursive: true });
    writeFileSync(join(toolchain, 'package.json'), '{ "private": true }\n');
    const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', ...wanted], {
      cwd: toolchain,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (npm.status !== 0)
      fail('npm could not fetch them: check the network and the npm registry setting, then try again.');
    writeFileSync(stamp, wanted.join(' '));
  }
  process.env.PATH = `${bin}${delimiter}${process.env.PATH}`;
  return nodeIsNew ? process.execPath : join(bin, 'node');
}

/** Installs the workspace when the lock file or a manifest list changed since the last time. */
function ensureInstalled() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'pnpm-lock.yaml')))
    .update(readFileSync(join(root, 'pnpm-workspace.yaml')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.orgstream-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  say('installing dependencies …');
  const pnpm = spawnSync(
    join(bin, 'pnpm'),
    ['install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only', '--loglevel=warn'],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, CI: 'true' } },
  );
  if (pnpm.status !== 0) fail('pnpm install did not succeed: its message above says why.');
  writeFileSync(stamp, wanted);
}

function run(node, script, args) {
  // Types are stripped once: later starts, and those of the services, take half the time and 20 MB less.
  process.env.NODE_COMPILE_CACHE ??= join(state, 'compile-cache');
  // The IPC channel is how the child notices that we are gone, however we ended.
  const child = spawn(node, [join(root, script), ...args], {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, 1_000).unref();
  // A terminal's Ctrl-C reaches the child too: forwarding it would count as the second one.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

const [verb, ...args] = process.argv.slice(2);
const what = verbs[verb];
if (!what) fail(`usage: node scripts/bootstrap.js ${Object.keys(verbs).join('|')} [arguments]`);
if (Number(process.versions.node.split('.')[0]) < 20)
  fail(`Node ${process.versions.node} is too old to start with: please install Node 20 or newer.`);
if (what.stack) requireStack();
const node = ensureToolchain();
ensureInstalled();
run(node, what.script, args);
