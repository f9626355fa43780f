import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processReaper } from './reaper.ts';

export interface TempFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * A fresh folder, removed when disposed and when this process dies. Every user may enter (not list) it, as the
 * PostgreSQL server may be another user.
 */
export async function tempFolder(prefix = 'orgstream-'): Promise<TempFolder> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  processReaper().watchFolder(path);
  await chmod(path, 0o711);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
      processReaper().forgetFolder(path);
    },
  };
}
