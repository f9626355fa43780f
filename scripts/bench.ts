/** `npm run bench -- <name> …`: figures as JSON, one object a benchmark; `all` runs every one. ROWS, PEOPLE, SECONDS size them. */
import { machine } from '../test/load/src/measure.ts';

const benches: Readonly<Record<string, () => Promise<() => Promise<unknown>>>> = {
  'cdc-backlog': async () => (await import('../test/load/src/cdc-backlog.ts')).cdcBacklog,
  'cdc-snapshot': async () => (await import('../test/load/src/cdc-snapshot.ts')).cdcSnapshot,
  'live-latency': async () => (await import('../test/load/src/live-latency.ts')).liveLatency,
  normalize: async () => (await import('../test/load/src/normalize.ts')).normalize,
  ingest: async () => (await import('../test/load/src/ingest.ts')).ingest,
  plan: async () => (await import('../test/load/src/plan.ts')).planning,
  'first-sync': async () => (await import('../test/load/src/first-sync.ts')).firstSync,
  replay: async () => (await import('../test/load/src/replay.ts')).replay,
  login: async () => (await import('../test/load/src/login.ts')).login,
  notifications: async () => (await import('../test/load/src/notifications.ts')).notifications,
  gap: async () => (await import('../test/load/src/gap.ts')).gap,
};

const asked = process.argv.slice(2);
const names = asked.includes('all') ? Object.keys(benches) : asked;
const unknown = names.filter((name) => !benches[name]);
if (names.length === 0 || unknown.length > 0) {
  console.error(
    `${unknown.length > 0 ? `there is no benchmark ${unknown.join(', ')}; ` : ''}usage: npm run bench -- ${Object.keys(benches).join('|')}|all`,
  );
  process.exit(2);
}
process.once('disconnect', () => process.exit(130));
process.channel?.unref();
for (const name of names) {
  const bench = await benches[name]!();
  console.log(JSON.stringify({ bench: name, result: await bench(), machine: machine(), at: new Date().toISOString() }));
}
