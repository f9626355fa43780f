import type { LearningbankClient, LearningbankClientOptions } from './learningbank.ts';

/** A client of one Learningbank platform. */
export function createLearningbankClient(_options: LearningbankClientOptions): LearningbankClient {
  throw new Error('being written');
}
