import { dirname, join } from 'node:path';
import { AppError } from '@orgstream/core';
import { embeddedFiles } from './embedded/files.ts';
import { javaCommand } from './embedded/java.ts';
import { KafkaNode, newClusterId } from './embedded/kafka-node.ts';
import { isListening } from './kafka-probe.ts';
import { ready } from './embedded/ready.ts';
import { freePorts } from './ports.ts';
import { run } from './run.ts';
import { tempFolder } from './temp-folder.ts';

/** A broker that takes nobody without TLS and SASL, as those of cloud providers do. */
export interface SecuredKafka extends AsyncDisposable {
  readonly kafkaBrokers: string;
  /** PEM file of its certificate, which no public authority has signed. */
  readonly certificateFile: string;
  /** Taken by `plain` and by `scram-sha-512`. */
  readonly username: string;
  readonly password: string;
}

const [username, password, keyPassword] = ['orgstream', 'pass-word', 'changeit'] as const;
const jaas = 'org.apache.kafka.common.security';

/** Starts one broker with a listener of TLS and SASL only; takes about 6 s on two cores. */
export async function startSecuredKafka(say?: (line: string) => void): Promise<SecuredKafka> {
  await using cleanup = new AsyncDisposableStack();
  const { kafkaLibs } = await embeddedFiles(say ? { say } : {});
  const folder = cleanup.use(await tempFolder('orgstream-secured-'));
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  const keystore = join(folder.path, 'broker.p12');
  const certificateFile = join(folder.path, 'broker.pem');
  await makeCertificate(keystore, certificateFile);
  const node = await KafkaNode.create({
    kafkaLibs,
    folder: join(folder.path, '1'),
    clusterId: newClusterId(),
    nodeId: 1,
    roles: ['broker', 'controller'],
    brokerPort: port,
    controllerPort,
    voters: [{ nodeId: 1, port: controllerPort }],
    brokerSessionTimeoutMs: 6_000,
    heapMb: 384,
    format: ['--add-scram', `SCRAM-SHA-512=[name=${username},password=${password}]`],
    settings: {
      listeners: `SASL_SSL://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': `SASL_SSL://127.0.0.1:${port}`,
      'listener.security.protocol.map': 'SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'SASL_SSL',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      'listener.name.sasl_ssl.plain.sasl.jaas.config': `${jaas}.plain.PlainLoginModule required username="${username}" password="${password}" user_${username}="${password}";`,
      'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': `${jaas}.scram.ScramLoginModule required;`,
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': keystore,
      'ssl.keystore.password': keyPassword,
      // It talks to itself over the same listener.
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': certificateFile,
    },
  });
  cleanup.defer(() => node.kill());
  await ready(await node.start(), () => isListening(`127.0.0.1:${port}`), { deadlineMs: 90_000, intervalMs: 200 });
  const rest = cleanup.move();
  return {
    kafkaBrokers: `127.0.0.1:${port}`,
    certificateFile,
    username,
    password,
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

/** A key of the broker's own, and its certificate as PEM; by the tool that comes with Java. */
async function makeCertificate(keystore: string, certificateFile: string): Promise<void> {
  const java = javaCommand();
  const keytool = java === 'java' ? 'keytool' : join(dirname(java), 'keytool');
  const store = ['-alias', 'broker', '-keystore', keystore, '-storetype', 'PKCS12', '-storepass', keyPassword];
  const subject = ['-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1'];
  const steps = [
    ['-genkeypair', ...store, ...subject, '-keyalg', 'EC', '-validity', '2'],
    ['-exportcert', '-rfc', ...store, '-file', certificateFile],
  ];
  for (const args of steps) {
    const { ok, output } = await run(keytool, args);
    if (!ok) throw new AppError('STACK_UNAVAILABLE', `making a certificate:\n${output.slice(-1_000)}`);
  }
}
