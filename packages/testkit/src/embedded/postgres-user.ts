import { AppError } from '@orgstream/core';
import { run } from '../run.ts';

/** Who the server runs as; empty = who we are. */
export type PostgresUser = { readonly uid: number; readonly gid: number } | Record<string, never>;

/** PostgreSQL refuses to run as root: then it is the system's `postgres` user, made when there is none. */
export async function postgresUser(): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return {};
  const known = await lookUp();
  if (known) return known;
  await run('groupadd', ['postgres']);
  await run('useradd', ['-g', 'postgres', 'postgres']);
  const made = await lookUp();
  if (made) return made;
  throw new AppError(
    'STACK_UNAVAILABLE',
    'PostgreSQL does not run as root and the system user `postgres` could not be made: create it, or run as another user',
  );
}

async function lookUp(): Promise<PostgresUser | undefined> {
  const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])]);
  return uid.ok && gid.ok ? { uid: Number(uid.output), gid: Number(gid.output) } : undefined;
}
