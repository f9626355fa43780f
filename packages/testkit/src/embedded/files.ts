import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@orgstream/core';
import { cacheRoot, repoRoot } from '../repo.ts';
import { spawnProcess } from '../process.ts';
import { processReaper } from '../reaper.ts';
import { withLockFile } from './lock-file.ts';

/** Where the files of broker and registry are. */
export interface EmbeddedFiles {
  /** Folder with the broker's jars. */
  readonly kafkaLibs: string;
  /** The registry's runnable jar. */
  readonly registryJar: string;
}

export interface FetchOptions {
  readonly pom?: string;
  readonly cache?: string;
  /** Added to Maven's environment. */
  readonly env?: NodeJS.ProcessEnv;
  /** Tells the user, in one line, what takes long. */
  readonly say?: (line: string) => void;
}

const defaultPom = join(repoRoot, 'deploy', 'embedded', 'pom.xml');

/** Folder of the files that belong to this pom: another pom, another folder. */
export function filesFolder(pom = defaultPom, cache = cacheRoot): string {
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  return join(cache, `embedded-${hash}`);
}

/** Whether the files are there already, so that Maven is not needed. */
export function areFilesCached(): boolean {
  return existsSync(filesFolder());
}

/**
 * The files of broker and registry, brought by Maven when this pom's are not in the cache. The folder appears whole or
 * not at all (unpacked beside, renamed); callers at the same time wait for the first.
 */
export async function embeddedFiles(options: FetchOptions = {}): Promise<EmbeddedFiles> {
  const { pom = defaultPom, cache = cacheRoot, say = () => {} } = options;
  const folder = filesFolder(pom, cache);
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true });
    await withLockFile(`${folder}.lock`, async () => {
      if (existsSync(folder)) return;
      say('Bringing Kafka and the Apicurio registry from Maven Central (190 MB, once) …');
      await fetchInto(folder, { pom, cache, env: options.env ?? {} });
    });
  }
  return locate(folder);
}

async function fetchInto(folder: string, { pom, cache, env }: Required<Omit<FetchOptions, 'say'>>): Promise<void> {
  const temp = await mkdtemp(join(cache, 'fetch-'));
  processReaper().watchFolder(temp);
  try {
    const args = ['-B', '-q', '-f', pom, 'package', `-Dstack.dir=${temp}`];
    const maven = await spawnProcess({ name: 'Maven', command: 'mvn', args, env });
    const { code } = await maven.exited;
    if (code !== 0) {
      const message = `bringing Kafka and the registry by Maven ended with code ${code}:\n${firstErrors(maven.output())}`;
      throw new AppError('STACK_UNAVAILABLE', message);
    }
    locate(temp);
    await rename(temp, folder);
  } finally {
    await rm(temp, { recursive: true, force: true });
    processReaper().forgetFolder(temp);
  }
}

function locate(folder: string): EmbeddedFiles {
  const registry = join(folder, 'registry');
  const jar = readdirSync(registry).find((name) => name.endsWith('-runner.jar'));
  if (jar === undefined) throw new AppError('STACK_UNAVAILABLE', `no registry jar in ${registry}: delete that folder`);
  return { kafkaLibs: join(folder, 'kafka'), registryJar: join(registry, jar) };
}

function firstErrors(output: string): string {
  const lines = output.split('\n').filter((line) => line.includes('ERROR'));
  return (lines.length > 0 ? lines : output.split('\n')).slice(0, 5).join('\n');
}
