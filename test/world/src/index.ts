export * from './connect.ts';
export * from './convergence.ts';
export * from './simulators.ts';
export * from './stack-file.ts';
export * from './supervisor.ts';
export * from './tenant.ts';
export * from './world.ts';
export * from './ziik-sim.ts';
