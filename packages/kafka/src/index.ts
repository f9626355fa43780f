export type * from './port.ts';
export type * from './codec-port.ts';
