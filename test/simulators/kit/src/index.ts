export { createdId, send, strike, type Answer } from './answers.ts';
export { CallLog, type LoggedCall } from './call-log.ts';
export { SimClock } from './clock.ts';
export { Faults } from './faults.ts';
export { html, page, type Html } from './html.ts';
export { RateLimit } from './rate-limit.ts';
