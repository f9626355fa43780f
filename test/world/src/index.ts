export * from './convergence.ts';
export * from './stack-file.ts';
export * from './supervisor.ts';
export * from './tenant.ts';
export * from './world.ts';
