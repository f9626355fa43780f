import { join } from 'node:path';
import { run } from '../run.ts';

/** The Java that runs broker and registry: JAVA_HOME's, else the one on the PATH. */
export function javaCommand(env: NodeJS.ProcessEnv = process.env): string {
  return env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';
}

/** Major version of a `java -version` answer (`1.8` is 8); undefined when it is none. */
export function javaMajor(output: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match ? Number(match[1]) : undefined;
}

/** Major version of the installed Java; undefined when there is none. */
export async function installedJava(): Promise<number | undefined> {
  const { ok, output } = await run(javaCommand(), ['-version']);
  return ok ? javaMajor(output) : undefined;
}

/** Whether `mvn` answers. */
export async function hasMaven(): Promise<boolean> {
  return (await run('mvn', ['-v'])).ok;
}

/**
 * Start fast, stay small: these JVMs live for one test run. Temporary files (native libraries) go into `tempFolder`,
 * so that a killed JVM leaves nothing behind.
 */
export function jvmFlags(heapMb: number, tempFolder: string): string[] {
  return [
    `-Xmx${heapMb}m`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    `-Djava.io.tmpdir=${tempFolder}`,
  ];
}
