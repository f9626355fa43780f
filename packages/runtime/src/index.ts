export * from './backoff.ts';
export * from './bell.ts';
export * from './config.ts';
export * from './log.ts';
export * from './main.ts';
export * from './ops-server.ts';
export * from './secret-box.ts';
