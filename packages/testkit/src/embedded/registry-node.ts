import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { spawnProcess, type ProcessHandle } from '../process.ts';
import { javaCommand, jvmFlags } from './java.ts';

export interface RegistryOptions {
  readonly registryJar: string;
  /** A folder of its own; made here. */
  readonly folder: string;
  readonly port: number;
}

/** The Apicurio registry. Its database is a file, so that a killed and restarted registry knows its schema ids again. */
export class RegistryNode {
  readonly url: string;
  readonly #options: RegistryOptions;
  #process: ProcessHandle | undefined;

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.url = `http://127.0.0.1:${options.port}/apis/ccompat/v7`;
  }

  get process(): ProcessHandle | undefined {
    return this.#process?.running ? this.#process : undefined;
  }

  /** Spawns the registry; resolves before it answers. */
  async start(): Promise<ProcessHandle> {
    if (this.process) return this.process;
    const { registryJar, folder, port } = this.#options;
    const temp = join(folder, 'tmp');
    await mkdir(temp, { recursive: true });
    this.#process = await spawnProcess({
      name: 'registry',
      command: javaCommand(),
      args: [
        ...jvmFlags(384, temp),
        '-Dquarkus.http.host=127.0.0.1',
        `-Dquarkus.http.port=${port}`,
        // Every commit is written at once: a registry killed right after an answer must not forget the schema.
        `-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(folder, 'registry')};WRITE_DELAY=0`,
        '-Dquarkus.log.level=WARN',
        '-jar',
        registryJar,
      ],
      cwd: folder,
    });
    return this.#process;
  }

  /** SIGKILL, and gone when it resolves. */
  async kill(): Promise<void> {
    await this.#process?.stop({ signal: 'SIGKILL' });
  }

  /** Whether it answers. */
  async answers(): Promise<boolean> {
    const response = await fetch(`${this.url}/subjects`, { signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  }
}
