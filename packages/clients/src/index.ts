export type * from './learningbank.ts';
export { createLearningbankClient } from './learningbank-client.ts';
