import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const repoRoot = fileURLToPath(new URL('../../../', import.meta.url));

/** Ignored by git: files brought from elsewhere, kept between runs. */
export const cacheRoot = join(repoRoot, '.orgstream', 'cache');
