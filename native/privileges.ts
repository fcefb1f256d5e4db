import { readFileSync, readdirSync } from 'node:fs';
import { native } from './addon.ts';
import { capabilityMask, capabilityNames, readPrivileges } from './capabilities.ts';
import { NativeError } from './error.ts';

const WITHIN_MS = 5_000;
const STEP_MS = 2;
const HALF = 32n;

/** No core dump of this process from now on, and no other process of its user reads its memory. */
export function hideMemory(): void {
  native().hideMemory();
}

/**
 * Every thread of this process keeps of its capabilities these alone, e.g. `CAP_BPF`, for good, and nothing that it
 * executes has any. Returns those that it has then.
 * @throws NativeError when a thread does not follow
 */
export function reduceCapabilities(names: readonly string[]): string[] {
  reduceThreads(capabilityMask(names));
  return capabilityNames(readPrivileges()?.effective ?? 0n);
}

/** What counts is what the kernel says of each thread afterwards; new threads have what their maker has. */
function reduceThreads(mask: bigint): void {
  const [low, high] = [Number(BigInt.asUintN(32, mask)), Number(mask >> HALF)];
  const deadline = performance.now() + WITHIN_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const asked = threadsAbove(mask).filter((thread) => native().reduceThread(thread, low, high));
    const [behind] = asked.length === 0 ? [] : threadsAbove(mask);
    if (behind === undefined) return;
    if (performance.now() > deadline) throw notReduced(behind);
    Atomics.wait(pause, 0, 0, STEP_MS);
  }
}

function threadsAbove(mask: bigint): number[] {
  return readdirSync('/proc/self/task')
    .map(Number)
    .filter((thread) => isAbove(thread, mask));
}

function isAbove(thread: number, mask: bigint): boolean {
  const has = readPrivileges(thread);
  if (has === undefined) return false;
  const { permitted, effective, inheritable, ambient, noNewPrivileges } = has;
  return !noNewPrivileges || ((permitted | effective) & ~mask) !== 0n || (inheritable | ambient) !== 0n;
}

function notReduced(thread: number): NativeError {
  const name = readFileSync(`/proc/self/task/${String(thread)}/comm`, 'utf8').trim();
  const step = 'give up capabilities';
  return new NativeError(
    `Cannot ${step} of thread '${name}': it takes no signal; start the agent by 'bin/wirespan' or 'npm start', or give Node --disable-sigusr1.`,
    { code: 'ERR_NATIVE_PRIVILEGE', step, object: name },
  );
}
