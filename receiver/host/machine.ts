import type { ClockSample } from '../model/clock.ts';
import type { Owner } from '../model/resource.ts';
import { readBootId } from './boot-id.ts';
import { createCgroupIndex, type CgroupIndex, type CgroupIndexOptions } from './cgroup-index.ts';
import { readHostFacts, type HostFacts } from './host-facts.ts';
import { readListenCounters, type ListenCounters } from './listen-counters.ts';
import { LocalAddressCache } from './local-addresses.ts';
import type { OtelEnvironment } from './otel-environment.ts';
import { createProcessReader, type ProcessReader } from './process-reader.ts';
import { isProcessAlive } from './process-start.ts';

/** One end of a packet, as it is on the wire. */
interface PacketEnd {
  readonly netns: number;
  /** 4 or 6. */
  readonly family: number;
  readonly address: Uint8Array;
}

/** What is asked of the machine besides the programs in its kernel: this one is one, a recording is another. */
export interface Machine {
  /** Three clocks at nearly the same moment. */
  sampleClocks(): ClockSample;
  /** CLOCK_MONOTONIC, nanoseconds. */
  steadyNs(): bigint;
  bootId(): string;
  facts(version: string): HostFacts;
  /** Counters of a network namespace, read through a process in it; undefined when it is not there. */
  listenCounters(pid: number, netns: number): ListenCounters | undefined;
  /** Whether the namespace takes packets for this address; asked through a process in it. */
  isLocal(end: PacketEnd, pid: number): boolean;
  /** Addresses may have changed: what is remembered of them is read again. */
  forgetAddresses(): void;
  /** Whether this very process is still there. */
  isAlive(owner: Pick<Owner, 'pid' | 'startNs'>): boolean;
  /** `startedWith`: what a program's environment was when it was started. */
  processes(startedWith: (owner: Owner) => OtelEnvironment | undefined): ProcessReader;
  cgroups(options: CgroupIndexOptions): CgroupIndex;
}

/** This machine. */
export function createMachine(sampleClocks: () => ClockSample): Machine {
  const addresses = new LocalAddressCache();
  return {
    sampleClocks,
    steadyNs: () => process.hrtime.bigint(),
    bootId: readBootId,
    facts: readHostFacts,
    listenCounters: (pid, netns) => readListenCounters(pid, netns),
    isLocal: ({ netns, address, family }, pid) => addresses.of(netns, pid)?.has(address, family) === true,
    forgetAddresses: () => addresses.clear(),
    isAlive: ({ pid, startNs }) => isProcessAlive('/proc', pid, startNs),
    processes: (startedWith) => createProcessReader('/proc', startedWith),
    cgroups: createCgroupIndex,
  };
}
