import { workerData } from 'node:worker_threads';

import { trigger } from './probe.ts';

// Makes events of this process, of which the main thread's session takes notice.
trigger(workerData as number);
