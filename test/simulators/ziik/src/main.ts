import { z } from 'zod';
import { startZiikSimulator } from './server.ts';

const Config = z.object({
  DATABASE_URL: z.string().min(1).describe("URL of Ziik's Postgres database; the schema is created where missing."),
  HOST: z.string().default('127.0.0.1').describe('Address to listen on.'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(0).describe('0 = any free port.'),
});

const config = Config.safeParse(process.env);
if (!config.success) {
  console.error(`CONFIG_INVALID: ${z.prettifyError(config.error)}`);
  process.exit(1);
}
const { DATABASE_URL: databaseUrl, HOST: host, PORT: port } = config.data;
const simulator = await startZiikSimulator({ databaseUrl, host, port });
// One line, when listening: whoever started us reads the address from it.
console.log(JSON.stringify({ url: simulator.url, pid: process.pid }));

const stop = () => void simulator.close().then(() => process.exit(0));
process.once('SIGTERM', stop);
process.once('SIGINT', stop);
