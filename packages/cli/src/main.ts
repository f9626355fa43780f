import { run } from './program.ts';

// Whoever reads the answer has seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.exitCode = await run(process.argv.slice(2), process.env, process.cwd(), interrupt.signal);
// A connection that nobody waits for any more (a check of doctor that came too late) must not keep the process.
setTimeout(() => process.exit(), 500).unref();
