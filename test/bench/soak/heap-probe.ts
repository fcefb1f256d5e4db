/**
 * Loaded into the agent of a soak by `--import`: writes its heap's figures into a file, over the last ones, once a second.
 * V8 tells them to its own process alone.
 */
import { openSync, writeSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

const LENGTH = 200;
const path = process.env['SOAK_HEAP_FILE'];

if (path !== undefined && isMainThread) {
  const file = openSync(path, 'w');
  const write = (): void => {
    const {
      used_heap_size: used,
      total_physical_size: physical,
      external_memory: external,
    } = getHeapStatistics();
    writeSync(file, JSON.stringify({ used, physical, external }).padEnd(LENGTH), 0);
  };
  write();
  setInterval(write, 1000).unref();
}
