export * from './ports.ts';
export * from './process.ts';
export * from './shared-stack.ts';
export * from './stack-types.ts';
export * from './stack.ts';
export * from './unique.ts';
export * from './until.ts';
