/** Run by privileges.test.ts: loads everything, keeps what the agent keeps, and does all that the agent does later. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { hideMemory } from '../../../native/index.ts';
import { reducePrivileges } from '../../../receiver/agent/privileges.ts';
import { KernelSource } from '../../../receiver/source/kernel-source.ts';
import { readListenCounters } from '../../../receiver/host/listen-counters.ts';
import { readLocalAddresses } from '../../../receiver/host/local-address-reader.ts';
import { ALL_SIGNALS } from '../../support/watcher.ts';

/** What is printed, as JSON. */
export interface Reduced {
  readonly kept: readonly string[];
  /** What did not work afterwards, with the error. */
  readonly failed: readonly string[];
  /** Lines `Cap…` and `NoNewPrivs` of each thread's status. */
  readonly threads: readonly Readonly<Record<string, string>>[];
  /** What could be read of the other user's process. */
  readonly others: readonly string[];
}

const MAPS = ['series', 'owners', 'listeners', 'drops', 'resets', 'unowned_drops', 'softirqs', 'lost'];

/** Everything that asks the kernel after the start, in an order that works. */
function useAll(source: KernelSource): string[] {
  const key = source.read('series').keys.slice(0, source.read('series').keySize);
  const work: Record<string, () => unknown> = {
    pass: () => source.pass(process.hrtime.bigint()),
    passForUnowned: () => source.passForUnowned(process.hrtime.bigint()),
    countStates: () => source.countStates(),
    setFilter: () => source.setFilter({ include: [], exclude: [] }),
    read: () => MAPS.map((map) => source.read(map)),
    delete: () => source.delete('series', key),
    losses: () => source.losses(),
    recursionMisses: () => source.recursionMisses(),
    programRuns: () => source.programRuns(),
    ring: () => source.ringBytes,
    drain: () => source.drain(() => undefined),
    detach: () => source.detach(),
    close: () => source.close(),
  };
  return failuresOf(work);
}

/** Names of what threw, with the error. */
function failuresOf(work: Readonly<Record<string, () => unknown>>): string[] {
  return Object.entries(work).flatMap(([name, run]) => {
    try {
      run();
      return [];
    } catch (error) {
      return [`${name}: ${String(error)}`];
    }
  });
}

function mustBeThere(value: unknown): void {
  if (value === undefined) throw new Error('it cannot be read');
}

/** Parts of `/proc/PID` that can be read. */
function readOthers(pid: number, netns: number): string[] {
  const work: Record<string, () => unknown> = {
    environ: () => readFileSync(`/proc/${pid}/environ`),
    exe: () => readlinkSync(`/proc/${pid}/exe`),
    counters: () => mustBeThere(readListenCounters(pid, netns)),
    addresses: () => mustBeThere(readLocalAddresses(pid, netns)),
  };
  const failed = failuresOf(work).map((text) => text.split(':')[0]);
  return Object.keys(work).filter((name) => !failed.includes(name));
}

function threads(): Record<string, string>[] {
  return readdirSync('/proc/self/task').map((thread) => {
    const status = readFileSync(`/proc/self/task/${thread}/status`, 'latin1');
    const lines = status.matchAll(/^(Cap...|NoNewPrivs):\s*(\S+)/gm);
    return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
  });
}

const [pid = 0, netns = 0] = process.argv.slice(2).map(Number);
const source = KernelSource.start(ALL_SIGNALS);
hideMemory();
const { kept } = reducePrivileges({
  metrics: new Map(),
  events: new Map(),
  attributes: new Set(),
  readsContexts: true,
});
const result: Reduced = {
  kept,
  failed: useAll(source),
  threads: threads(),
  others: readOthers(pid, netns),
};
process.stdout.write(JSON.stringify(result));
