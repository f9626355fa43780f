export { createdId, send, strike, type Answer, type Hit } from './answers.ts';
export { CallLog, type LoggedCall } from './call-log.ts';
export { SimClock } from './clock.ts';
export { Faults, type Fault } from './faults.ts';
export { RateLimit } from './rate-limit.ts';
