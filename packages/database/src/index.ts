export * from './command.ts';
export * from './database.ts';
export * from './integration.ts';
export * from './migrate.ts';
export * from './postgres-error.ts';
export * from './start-check.ts';
export * from './status.ts';
