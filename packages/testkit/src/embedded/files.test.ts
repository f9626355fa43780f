import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tempFolder } from '../temp-folder.ts';
import { embeddedFiles, filesFolder } from './files.ts';

/** A Maven that takes 100 ms, notes each call, and brings one jar, or fails half-way when there is a file `broken`. */
const fakeMaven = `#!/bin/sh
home=$(dirname "$0")
echo call >> "$home/calls"
for arg; do case $arg in -Dstack.dir=*) dir=\${arg#-Dstack.dir=};; esac; done
mkdir -p "$dir/kafka" "$dir/registry"
sleep 0.1
if [ -e "$home/broken" ]; then echo '[ERROR] no route to the repository'; exit 1; fi
echo jar > "$dir/registry/app-runner.jar"
`;

async function setUp(folder: string): Promise<{ cache: string; pom: string; env: NodeJS.ProcessEnv; said: string[] }> {
  const pom = join(folder, 'pom.xml');
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin', 'mvn'), fakeMaven);
  await chmod(join(folder, 'bin', 'mvn'), 0o755);
  await writeFile(pom, '<project/>');
  return {
    pom,
    cache: join(folder, 'cache'),
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` },
    said: [],
  };
}

const calls = async (folder: string): Promise<number> =>
  (await readFile(join(folder, 'bin', 'calls'), 'utf8')).split('\n').length - 1;

test('callers at the same time bring the files once, and nothing half-made stays', async () => {
  await using folder = await tempFolder();
  const { said, ...options } = await setUp(folder.path);
  const say = (line: string): void => void said.push(line);
  const found = await Promise.all([1, 2, 3].map(() => embeddedFiles({ ...options, say })));
  expect(new Set(found.map((files) => files.registryJar)).size).toBe(1);
  expect(await calls(folder.path)).toBe(1);
  expect(said).toEqual([expect.stringContaining('Maven Central')]);
  expect(await readdir(options.cache)).toEqual([expect.stringMatching(/^embedded-[0-9a-f]{12}$/)]);
});

test('what is in the cache needs no Maven; a changed pom does', async () => {
  await using folder = await tempFolder();
  const { said: _, ...options } = await setUp(folder.path);
  await embeddedFiles(options);
  await embeddedFiles(options);
  expect(await calls(folder.path)).toBe(1);
  const before = filesFolder(options.pom, options.cache);
  await writeFile(options.pom, '<project><!-- newer --></project>');
  await embeddedFiles(options);
  expect(await calls(folder.path)).toBe(2);
  expect(filesFolder(options.pom, options.cache)).not.toBe(before);
});

test('a Maven that fails half-way leaves nothing, and its own words are in the error', async () => {
  await using folder = await tempFolder();
  const { said: _, ...options } = await setUp(folder.path);
  await writeFile(join(folder.path, 'bin', 'broken'), '');
  await expect(embeddedFiles(options)).rejects.toMatchObject({
    code: 'STACK_UNAVAILABLE',
    message: expect.stringContaining('no route to the repository'),
  });
  expect(await readdir(options.cache)).toEqual([]);
});
