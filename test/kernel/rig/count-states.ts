/** A line on standard input: prints what wirespan counts in its network namespace, by kernel state number. */
import { createInterface } from 'node:readline';
import { Watcher } from '../../support/watcher.ts';

const watcher = new Watcher();
console.log('ready');
for await (const _ of createInterface(process.stdin))
  console.log(JSON.stringify(watcher.source.countStates()));
watcher.close();
