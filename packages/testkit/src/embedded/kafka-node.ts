import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@orgstream/core';
import { spawnProcess, type ProcessHandle } from '../process.ts';
import { run } from '../run.ts';
import { serverProperties, type NodeConfig } from './broker-config.ts';
import { javaCommand, jvmFlags } from './java.ts';

export interface KafkaNodeOptions extends Omit<NodeConfig, 'dataFolder'> {
  readonly kafkaLibs: string;
  /** A folder of its own; made here. */
  readonly folder: string;
  /** From {@link newClusterId}, the same for all nodes of a cluster. */
  readonly clusterId: string;
  /** Default 512. */
  readonly heapMb?: number;
  /** More arguments for formatting the storage, for example SCRAM credentials. */
  readonly format?: readonly string[];
}

/** A cluster id: 16 random bytes in base64url, never with a leading dash, which would read as an option. */
export function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes[0]! &= 0x7f;
  return bytes.toString('base64url');
}

/** A formatted KRaft node, which can be started and killed over and over on the same port and data. */
export class KafkaNode {
  readonly #options: KafkaNodeOptions;
  #process: ProcessHandle | undefined;

  private constructor(options: KafkaNodeOptions) {
    this.#options = options;
  }

  /** Writes the node's settings and formats its storage; it does not run yet. */
  static async create(options: KafkaNodeOptions): Promise<KafkaNode> {
    const node = new KafkaNode(options);
    await mkdir(join(options.folder, 'tmp'), { recursive: true });
    await writeFile(node.#properties, serverProperties({ ...options, dataFolder: join(options.folder, 'data') }));
    const format = [
      'format',
      '-t',
      options.clusterId,
      '-c',
      node.#properties,
      '--ignore-formatted',
      ...(options.format ?? []),
    ];
    const { ok, output } = await run(javaCommand(), node.#java('kafka.tools.StorageTool', format), {
      timeoutMs: 60_000,
    });
    if (!ok) throw new AppError('STACK_UNAVAILABLE', `formatting Kafka's storage:\n${output.slice(-2_000)}`);
    return node;
  }

  get process(): ProcessHandle | undefined {
    return this.#process?.running ? this.#process : undefined;
  }

  get name(): string {
    return `kafka-${this.#options.nodeId}`;
  }

  /** Spawns the node; resolves before it answers. */
  async start(): Promise<ProcessHandle> {
    if (this.process) return this.process;
    this.#process = await spawnProcess({
      name: this.name,
      command: javaCommand(),
      args: this.#java('kafka.Kafka', [this.#properties]),
      cwd: this.#options.folder,
    });
    return this.#process;
  }

  /** SIGKILL, and gone when it resolves. */
  async kill(): Promise<void> {
    await this.#process?.stop({ signal: 'SIGKILL' });
  }

  get #properties(): string {
    return join(this.#options.folder, 'server.properties');
  }

  #java(main: string, args: readonly string[]): string[] {
    const { heapMb = 512, folder, kafkaLibs } = this.#options;
    return [...jvmFlags(heapMb, join(folder, 'tmp')), '-cp', join(kafkaLibs, '*'), main, ...args];
  }
}
