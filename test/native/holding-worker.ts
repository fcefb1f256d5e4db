/** Holds a session with a watched ring and ends as its argument says; tells its program's id. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort } from 'node:worker_threads';

import type { BpfSession } from '../../native/index.ts';
import { programsInKernel, startProbe, trigger } from './probe.ts';

const how = process.argv.at(-1);

function tell(id: number): void {
  if (isMainThread) process.stdout.write(`id ${id}\n`);
  else parentPort?.postMessage(`id ${id}`);
}

function start(watch: boolean): BpfSession {
  const session = startProbe({ wake: true, ringBytes: 65_536 });
  const ring = session.ring('records');
  if (watch) ring.onReadable(() => ring.drain(new Uint8Array(256)));
  trigger(7);
  return session;
}

async function collect(): Promise<void> {
  const id = start(false).programStats('wsn_count').id;
  for (let i = 0; i < 100 && programsInKernel().includes(id); i += 1) {
    globalThis.gc?.();
    await sleep(20);
  }
  process.stdout.write(programsInKernel().includes(id) ? 'still there\n' : 'collected\n');
}

async function hold(): Promise<void> {
  const session = start(true);
  tell(session.programStats('wsn_count').id);
  if (how === 'close') session.close();
  if (how === 'exit') process.exit(0);
  if (how === 'throw') throw new Error('on purpose');
  while (how === 'terminate' || how === 'kill') {
    trigger(101);
    await sleep(1);
  }
}

await (how === 'collect' ? collect() : hold());
