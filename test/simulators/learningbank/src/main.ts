import { startSimulator } from './server.ts';

const simulator = await startSimulator({
  host: process.env['HOST'] ?? '127.0.0.1',
  port: Number(process.env['PORT'] ?? 0),
});
const first = simulator.world.platform(simulator.world.firstId);
// One line, when listening: whoever started us reads the address from it.
console.log(
  JSON.stringify({
    url: simulator.url,
    platform: { id: first.id, url: `${simulator.url}/p/${first.id}/api/v1`, credentials: first.credentials },
    pid: process.pid,
  }),
);

const stop = () => void simulator.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
