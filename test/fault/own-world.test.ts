import { afterAll, beforeAll, describe } from 'vitest';
import { againLaws } from './laws/again.ts';
import { chatLaws } from './laws/chat.ts';
import { crashLaws } from './laws/crash.ts';
import { infrastructureLaws } from './laws/infrastructure.ts';
import { kafkaLostLaws } from './laws/kafka-lost.ts';
import { restoreLaws } from './laws/restore.ts';
import { sourceLaws } from './laws/source.ts';
import { twoSinkLaws } from './laws/two-sinks.ts';
import { startOwnWorld, type OwnWorld } from './own-world.ts';

// Everything that breaks more than its own platform, in one world that nobody else is in.
let own: OwnWorld;

beforeAll(async () => {
  own = await startOwnWorld({
    // Few, quick retries: an object that would be parked for its platform's sake is parked within a test's time.
    RETRY_BASE_MS: '20',
    RETRY_CAP_MS: '300',
    // Snapshots of many chunks from small organisations.
    CDC_CHUNK_ROWS: '10',
  });
});
afterAll(async () => await own?.[Symbol.asyncDispose]());

describe('two sinks', () => {
  twoSinkLaws(() => own);
});
describe('crashes', () => {
  crashLaws(() => own);
});
describe('infrastructure', () => {
  infrastructureLaws(() => own);
});
describe('sources', () => {
  sourceLaws(() => own);
});
describe('read again', () => {
  againLaws();
});
describe('our database is put back', () => {
  restoreLaws(() => own);
});
describe('chat', () => {
  chatLaws(() => own);
});
// Last: whatever was in Kafka is gone.
describe('Kafka is lost', () => {
  kafkaLostLaws(() => own);
});
