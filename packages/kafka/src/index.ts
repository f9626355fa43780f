export type * from './port.ts';
export type * from './codec-port.ts';
export { createCodec } from './codec.ts';
export { createKafka, type CreateKafkaOptions } from './kafka.ts';
export { LowWaterMark, type Ticket } from './low-water-mark.ts';
export { checkSchemas, registerSchemas, type SubjectReport } from './register.ts';
export type { RegistryOptions } from './registry.ts';
export { applyTopics, ensureGeneration, readGeneration, topicSpecs, type TopicSizes } from './topics.ts';
