import { describe, expect, test } from 'vitest';
import { javaMajor } from './embedded/java.ts';
import { chooseKind, requestedKind, requireEmbedded, startStack } from './stack.ts';

const docker = () => Promise.resolve(true);
const noDocker = () => Promise.resolve(false);

describe('the kind of stack', () => {
  test.each([
    [{}, undefined],
    [{ STACK: '' }, undefined],
    [{ STACK: 'embedded' }, 'embedded'],
    [{ STACK: 'testcontainers' }, 'testcontainers'],
    [{ STACK: 'external' }, 'external'],
  ])('%o asks for %s', (env, kind) => {
    expect(requestedKind(env)).toBe(kind);
  });

  test('an unknown one is refused with the ones there are', () => {
    expect(() => requestedKind({ STACK: 'Embedded' })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('embedded, testcontainers, external'),
      }),
    );
  });

  test.each([
    [{ javaMajor: 17, maven: true, docker }, 'embedded'],
    [{ javaMajor: 25, maven: true, docker: noDocker }, 'embedded'],
    [{ javaMajor: 11, maven: true, docker }, 'testcontainers'],
    [{ javaMajor: 17, maven: false, docker }, 'testcontainers'],
    [{ javaMajor: undefined, maven: false, docker }, 'testcontainers'],
  ])('%o gives %s', async (machine, kind) => {
    expect(await chooseKind(machine)).toBe(kind);
  });

  test.each([
    { javaMajor: 16, maven: true },
    { javaMajor: 17, maven: false },
    { javaMajor: undefined, maven: true },
  ])('with %o and no engine it says what to install, in one sentence', async (machine) => {
    const refused = expect.objectContaining({
      code: 'STACK_UNAVAILABLE',
      message: expect.stringMatching(/^[^\n]*Java 17[^\n]*Maven[^\n]*Docker engine$/),
    });
    await expect(chooseKind({ ...machine, docker: noDocker })).rejects.toEqual(refused);
    expect(() => requireEmbedded({ ...machine, docker })).toThrow(/STACK=embedded needs Java 17.*Maven/);
  });
});

describe('an external stack', () => {
  const env = { STACK: 'external', KAFKA_BROKERS: 'a:1,b:2', REGISTRY_URL: 'http://r', POSTGRES_URL: 'postgres://p/x' };

  test('is what the environment names, and is not touched', async () => {
    await using stack = await startStack({ env });
    expect(stack).toMatchObject({ kind: 'external', kafkaBrokers: 'a:1,b:2', registryUrl: 'http://r', pids: {} });
    await expect(stack.stopBroker()).rejects.toMatchObject({ code: 'STACK_UNAVAILABLE' });
  });

  test.each(['KAFKA_BROKERS', 'REGISTRY_URL', 'POSTGRES_URL'])('needs %s', async (name) => {
    await expect(async () => await startStack({ env: { ...env, [name]: undefined } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `STACK=external needs ${name}`,
    });
  });
});

test.each([
  ['openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment', 17],
  ['java version "1.8.0_402"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['Picked up JAVA_TOOL_OPTIONS: -Dx="version 3"\nopenjdk version "21.0.1"', 21],
  ['command not found', undefined],
])('the major version in %j is %s', (output, major) => {
  expect(javaMajor(output)).toBe(major);
});
