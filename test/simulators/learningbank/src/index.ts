export { startSimulator, type Simulator } from './server.ts';
