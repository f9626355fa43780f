import { createConnection } from 'node:net';
import kafkajs from 'kafkajs';

/** Whether exactly `brokers` brokers of the cluster are alive and one is the controller. */
export async function clusterAnswers(bootstrap: string, brokers = 1): Promise<boolean> {
  // kafkajs takes its time with a port nobody listens on; a plain connection knows at once.
  if (!(await Promise.all(bootstrap.split(',').map(isListening))).some(Boolean)) return false;
  const kafka = new kafkajs.Kafka({
    brokers: bootstrap.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 2_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    return cluster.brokers.length === brokers && cluster.controller !== null;
  } finally {
    await admin.disconnect();
  }
}

function isListening(address: string): Promise<boolean> {
  const [host = '', port] = address.split(':');
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port), timeout: 1_000 });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}
