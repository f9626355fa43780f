export type * from './http.ts';
export type * from './learningbank.ts';
export type * from './ziik/ziik.ts';
export { createLearningbankClient } from './learningbank-client.ts';
export { createZiikClient } from './ziik/ziik-client.ts';
export { maxPageSize } from './learningbank-contract.ts';
export { readNotification } from './learningbank-notification.ts';
export { Breaker, type BreakerOptions, type BreakerState, type Pass } from './breaker.ts';
export { TokenBucket, type TokenBucketOptions } from './token-bucket.ts';
