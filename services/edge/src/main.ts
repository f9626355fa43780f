import { runMain } from '@orgstream/runtime';
import { Config } from './config.ts';
import { createService } from './service.ts';

await runMain({ name: 'edge', config: Config, create: createService });
