export { Config } from './config.ts';
export { createService } from './service.ts';
