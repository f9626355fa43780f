import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { AppError } from '@orgstream/core';
import pg from 'pg';
import { spawnProcess, type ProcessHandle } from '../process.ts';
import { run } from '../run.ts';
import { postgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { postgresTestSettings } from './postgres-settings.ts';
import { postgresUser, type PostgresUser } from './postgres-user.ts';

export interface PostgresOptions {
  /** A folder of its own, in a place every user may enter; made here. */
  readonly folder: string;
  readonly port: number;
  /** Added to the server's settings; wins. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** TCP of this machine only; a socket file would need a short path. */
const localSettings = { listen_addresses: '127.0.0.1', unix_socket_directories: '' };

/** A PostgreSQL cluster that can be stopped and started on the same port and data. */
export class PostgresNode {
  readonly url: string;
  readonly #options: PostgresOptions;
  readonly #user: PostgresUser;
  readonly #binaries: PostgresBinaries;
  #process: ProcessHandle | undefined;

  private constructor(options: PostgresOptions, password: string, user: PostgresUser, binaries: PostgresBinaries) {
    this.#options = options;
    this.#user = user;
    this.#binaries = binaries;
    this.url = `postgres://postgres:${password}@127.0.0.1:${options.port}/postgres`;
  }

  /** Makes the cluster's data folder; the server does not run yet. */
  static async create(options: PostgresOptions): Promise<PostgresNode> {
    const { folder } = options;
    const user = await postgresUser();
    await mkdir(folder, { recursive: true });
    const binaries = await postgresBinaries(user, folder);
    if (user.uid !== undefined) await chown(folder, user.uid, user.gid);
    const password = randomBytes(12).toString('hex');
    const passwordFile = join(folder, 'password');
    await writeFile(passwordFile, password, { mode: 0o600 });
    if (user.uid !== undefined) await chown(passwordFile, user.uid, user.gid);
    const flags = ['--username=postgres', '--encoding=UTF8', '--locale=C', '--no-sync', '--auth=scram-sha-256'];
    const args = [`--pgdata=${join(folder, 'data')}`, `--pwfile=${passwordFile}`, ...flags];
    const { ok, output } = await run(binaries.initdb, args, { ...user, cwd: folder, timeoutMs: 60_000 });
    if (!ok) throw new AppError('STACK_UNAVAILABLE', `making the PostgreSQL cluster:\n${output.slice(-2_000)}`);
    await rm(passwordFile);
    return new PostgresNode(options, password, user, binaries);
  }

  get process(): ProcessHandle | undefined {
    return this.#process?.running ? this.#process : undefined;
  }

  /** Spawns the server; resolves before it answers. */
  async start(): Promise<ProcessHandle> {
    if (this.process) return this.process;
    const { folder, port, settings } = this.#options;
    const flags = Object.entries({ ...localSettings, ...postgresTestSettings, ...settings }).flatMap(
      ([name, value]) => ['-c', `${name}=${value}`],
    );
    this.#process = await spawnProcess({
      name: 'postgres',
      command: this.#binaries.postgres,
      args: ['-D', join(folder, 'data'), '-p', String(port), ...flags],
      cwd: folder,
      ...this.#user,
      // Immediate shutdown: the server ends its own processes and frees its shared memory, which SIGKILL would leave.
      lastSignal: 'SIGQUIT',
    });
    return this.#process;
  }

  /** Immediate shutdown, as after a crash; the next start recovers from the WAL. */
  async kill(): Promise<void> {
    await this.#process?.stop({ signal: 'SIGQUIT', graceMs: 5_000 });
  }

  /** Whether it answers. */
  async answers(): Promise<boolean> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('select 1');
      return true;
    } finally {
      await client.end().catch(() => {});
    }
  }
}
