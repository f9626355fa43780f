import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { images } from './images.ts';
import { repoRoot } from './repo.ts';

// docker-compose.yml cannot run on a machine without an engine; what it names must exist all the same.
const compose = readFileSync(join(repoRoot, 'docker-compose.yml'), 'utf8');

test('Postgres and Kafka have the versions the tests run on, in containers and embedded', () => {
  const pom = readFileSync(join(repoRoot, 'deploy/embedded/pom.xml'), 'utf8');
  const version = (name: string): string | undefined => new RegExp(`<${name}.version>(.+)</`).exec(pom)?.[1];
  expect(compose).toContain(`image: ${images.postgres}\n`);
  expect(compose).toContain(`image: ${images.kafka}\n`);
  expect(images.kafka).toBe(`apache/kafka:${version('kafka')}`);
  expect(images.registry).toContain(`:${version('apicurio')}`);
  expect(compose).toContain(`apicurio/apicurio-registry-sql:${version('apicurio')}\n`);
});

test('every image of ours is built from a folder with a main.ts', () => {
  const builds = [...compose.matchAll(/args: \{(?: FOLDER: (?<folder>[\w/-]+),)? SERVICE: (?<service>[\w-]+) \}/g)];
  const mains = builds.map(({ groups }) => `${groups?.['folder'] ?? 'services'}/${groups?.['service']}/src/main.ts`);
  expect(mains).toHaveLength(compose.match(/SERVICE:/g)?.length ?? 0);
  expect(mains.filter((main) => !existsSync(join(repoRoot, main)))).toEqual([]);
});
