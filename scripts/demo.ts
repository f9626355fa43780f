/**
 * `npm run demo`: the whole product on this machine, on real Kafka, registry and Postgres. Two tenants, a first sync with
 * progress, live changes, a SIGKILL in mid-burst, a replay of the whole topic, and the proof: Learningbank compared with
 * the source, object by object. Act two: an integration off for a month and its gap report, a bad import that the brake
 * holds, a run undone, and the proof again. Act three: notifications as chat messages in Ziik, and logins from there.
 * `-- --once` ends after that; its last line is one JSON object.
 */
import { rmSync } from 'node:fs';
import { join as joinPath } from 'node:path';
import { run as runCli } from '@orgstream/cli';
import { generateOrganisation, type GeneratedOrganisation } from '@orgstream/simulator-ziik';
import {
  countCalls,
  join,
  proveInStep,
  startWorld,
  waitConverged,
  type Joined,
  type StackFile,
  type World,
} from '@orgstream/world';
import pg from 'pg';
import { chatAndLogin } from './demo/act-three.ts';
import { badImport } from './demo/bad-import.ts';
import { monthOff } from './demo/gap.ts';
import { measureLatency } from './demo/live-changes.ts';
import { Operator } from './demo/operator.ts';
import { judge, type ActOne, type ActTwo, type Proof } from './demo/proof.ts';
import { createScreen, progressOf, type Screen } from './demo/screen.ts';
import { killInBurst, liveChanges } from './demo/story.ts';
import { settingsAndUndo } from './demo/undo.ts';
import { aborted, stopSignal } from './shutdown.ts';

interface Tenant {
  readonly organisation: GeneratedOrganisation;
  readonly joined: Joined;
}

const organisations = [
  { name: 'Nordkæden', units: 40, people: 1_000, seed: 7 },
  { name: 'Kaffe & Co', units: 120, people: 3_000, seed: 8 },
];
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

async function firstSync(
  screen: Screen,
  file: StackFile,
  ziik: pg.Pool,
): Promise<{ tenants: readonly Tenant[]; seconds: number; callsPerPerson: number; people: number; units: number }> {
  screen.heading('First sync');
  const generated: { readonly organisation: GeneratedOrganisation; readonly name: string }[] = [];
  for (const plan of organisations) {
    const organisation = await generateOrganisation(ziik, plan);
    generated.push({ organisation, name: plan.name });
    screen.line(
      `  ${plan.name}, tenant ${file.source}.${organisation.siteId}: ${organisation.unitIds.length} units, ${organisation.roleIds.length} roles, ${organisation.personIds.length} people in Ziik`,
    );
  }
  const startedMs = performance.now();
  const tenants = await Promise.all(
    generated.map(async ({ organisation, name }) => ({
      organisation,
      // People see it in Ziik's menu: it must not look like Ziik itself.
      joined: await join(file, organisation.siteId, {
        name: `${name} Academy`,
        platform: { jobProfiles: ['Butikschef', 'Store manager'] },
      }),
    })),
  );
  await waitConverged(file, { deadlineMs: 150_000, onStatus: (status) => screen.progress(`  ${progressOf(status)}`) });
  const seconds = (performance.now() - startedMs) / 1_000;
  const calls = await totalCalls(file, tenants);
  const people = generated.reduce((sum, { organisation }) => sum + organisation.personIds.length, 0);
  const units = generated.reduce((sum, { organisation }) => sum + organisation.unitIds.length, 0);
  screen.line(
    `  ${people} people and ${units} units in step after ${seconds.toFixed(1)} s, ${calls} calls (${(calls / people).toFixed(2)} a person)`,
  );
  return { tenants, seconds, callsPerPerson: calls / people, people, units };
}

async function totalCalls(file: StackFile, tenants: readonly Tenant[]): Promise<number> {
  const counts = await Promise.all(tenants.map(({ joined }) => countCalls(file, joined.platform)));
  return counts.reduce((sum, { reads, writes }) => sum + reads + writes, 0);
}

/** Reads the whole topic again; converged, it makes no call. */
async function replay(screen: Screen, file: StackFile, tenants: readonly Tenant[]): Promise<number> {
  screen.heading('Replay of the whole directory.changes topic');
  const before = await totalCalls(file, tenants);
  const env = { ORGSTREAM_URL: file.controlUrl, ORGSTREAM_TOKEN: file.adminToken };
  screen.line('  $ orgstream replay');
  const exitCode = await runCli(['replay', '--timeout', '120'], env, '/');
  if (exitCode !== 0) throw new Error(`replay ended with exit code ${exitCode}`);
  await waitConverged(file, { deadlineMs: 60_000 });
  const calls = (await totalCalls(file, tenants)) - before;
  screen.line(`  ${calls} calls to Learningbank`);
  return calls;
}

async function prove(
  screen: Screen,
  file: StackFile,
  tenants: readonly Tenant[],
): Promise<{ mismatches: number; duplicates: number }> {
  screen.heading('Proof: Learningbank against Ziik, object by object, by code that knows nothing of the pipeline');
  const sum = { mismatches: 0, duplicates: 0 };
  for (const { joined } of tenants) {
    const result = await proveInStep(file, joined);
    const { people, units, roles, compared, mismatches, duplicates } = result;
    screen.line(
      `  ${joined.tenant}: ${people} people, ${units} units, ${roles} roles; ${compared} objects compared, ${mismatches.length} mismatches, ${duplicates.length} duplicates`,
    );
    for (const m of mismatches.slice(0, 10)) screen.line(`    ${m.kind} ${m.sourceId}: ${m.field} (${m.rule})`);
    for (const d of duplicates.slice(0, 10)) screen.line(`    duplicate: ${JSON.stringify(d)}`);
    sum.mismatches += mismatches.length;
    sum.duplicates += duplicates.length;
  }
  return sum;
}

/** A burst may delete a role that hundreds have: the brake holds that until somebody has looked. */
async function lookAtHeld(
  screen: Screen,
  operator: Operator,
  { integration, tenant }: { readonly integration: string; readonly tenant: string },
): Promise<boolean> {
  const held = await operator.heldByOperation(integration);
  if (held.size === 0) return false;
  const what = [...held].map(([operation, count]) => `${operation} ${count}`).join(', ');
  screen.line(
    `  ${tenant}: the brake holds what so many random changes add up to (${what}); approved, as an operator would`,
  );
  await operator.approveHeld(integration);
  return true;
}

/** First sync, live changes, crash, replay. */
async function actOne(screen: Screen, world: World, ziik: pg.Pool): Promise<ActOne & { tenants: readonly Tenant[] }> {
  const file = world.file();
  const { tenants, seconds, callsPerPerson, people, units } = await firstSync(screen, file, ziik);
  const [small] = tenants;
  const operator = new Operator(file, screen);
  screen.heading('Live changes');
  await liveChanges(screen, ziik, small!.joined, small!.organisation);
  await waitConverged(file, { deadlineMs: 60_000 });
  const latency = await measureLatency(file, ziik, small!.joined, { changes: 100, everyMs: 50 });
  screen.line(
    `  ${latency.count} renames, from commit in Ziik to answer of Learningbank: p50 ${round(latency.p50)} ms, p99 ${round(latency.p99)} ms`,
  );
  screen.heading('Crash');
  const joined = tenants.map((tenant) => tenant.joined);
  await killInBurst(screen, world, ziik, joined, 150);
  await waitConverged(file, { deadlineMs: 90_000, onStatus: (status) => screen.progress(`  ${progressOf(status)}`) });
  for (const { integration, tenant } of joined) {
    // Deletions come up once everybody has moved out: what is held next is looked at as well.
    while (await lookAtHeld(screen, operator, { integration, tenant }))
      await waitConverged(file, { deadlineMs: 90_000 });
  }
  screen.line('  in step again');
  const replayCalls = await replay(screen, file, tenants);
  const proof = await prove(screen, file, tenants);
  return {
    tenants,
    people,
    units,
    firstSyncSeconds: round(seconds, 1),
    callsPerPerson: round(callsPerPerson, 3),
    liveP50Ms: round(latency.p50),
    liveP99Ms: round(latency.p99),
    replayCalls,
    ...proof,
  };
}

/** What customers fear: a month off, a bad import, a change nobody wanted. */
async function actTwo(
  screen: Screen,
  world: World,
  ziik: pg.Pool,
  tenants: readonly Tenant[],
): Promise<ActTwo & { namesBack: boolean }> {
  const file = world.file();
  const stage = { screen, file, ziik, operator: new Operator(file, screen) };
  const [small, large] = tenants.map(({ joined }) => joined);
  const gap = await monthOff(stage, small!, large!);
  const brake = await badImport(stage, large!);
  const undo = await settingsAndUndo(stage, small!);
  return { ...gap, ...brake, ...undo, ...(await prove(screen, file, tenants)) };
}

async function tell(
  screen: Screen,
  world: World,
  ziik: pg.Pool,
): Promise<{ readonly proof: Proof; readonly urls: readonly (readonly [string, string])[] }> {
  const { tenants, ...one } = await actOne(screen, world, ziik);
  const { namesBack, ...two } = await actTwo(screen, world, ziik, tenants);
  const { loginsHeld, urls, ...three } = await chatAndLogin(screen, world, ziik, tenants[0]!.joined);
  const { proof, failed } = judge(one, { ...two, namesBack }, { ...three, loginsHeld });
  screen.heading('Verdict');
  screen.line(failed.length === 0 ? '  all of it held' : `  NOT all of it held: ${failed.join('; ')}`);
  return { proof, urls };
}

const once = process.argv.includes('--once');
const signal = stopSignal();
const screen = createScreen(process.stdout);
const directory = joinPath(import.meta.dirname, '..', '.orgstream');
let told: Awaited<ReturnType<typeof tell>> | undefined;
{
  screen.heading('Setting up');
  await using world = await startWorld({ directory, say: (line) => screen.line(`  ${line}`), rateLimitPerMinute: 0 });
  const ziik = new pg.Pool({ connectionString: world.file().ziikPostgresUrl, max: 4 });
  try {
    told = await Promise.race([tell(screen, world, ziik), aborted(signal).then(() => undefined)]);
    if (told && !once) {
      const { ziikSimUrl } = world.file();
      screen.heading('Everything stays up until Ctrl-C');
      screen.line(`  Ziik state          ${ziikSimUrl}/_sim/state`);
      for (const [name, url] of told.urls) screen.line(`  ${name.padEnd(19)} ${url}`);
      for (const [name, urls] of Object.entries(world.file().metricsUrls))
        screen.line(`  ${name.padEnd(19)} ${urls.join(' ')}`);
      screen.line('  logs                .orgstream/logs');
      screen.line('  in another shell    npm run orgstream -- status    npm run orgstream -- doctor');
      await aborted(signal);
      screen.line('  stopping …');
    }
  } catch (error) {
    screen.heading('Verdict');
    screen.line(`  the demo did not get to its end: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await ziik.end().catch(() => {});
  }
}
rmSync(joinPath(directory, 'stack.json'), { force: true });
if (told) console.log(JSON.stringify(told.proof));
process.exitCode = told?.proof.ok ? 0 : 1;
