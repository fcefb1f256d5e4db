/** The BPF object of these tests (native/test/probe.bpf.c) and its trigger. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { BpfSession, NativeError, probe, type NativeErrorCode } from '../../native/index.ts';

export const PROBE_OBJECT = fileURLToPath(new URL('../../build/native/test/probe.bpf.o', import.meta.url));
export const REFUSED_OBJECT = fileURLToPath(
  new URL('../../build/native/test/refused.bpf.o', import.meta.url),
);

/** False, or why tests that load programs are skipped. */
export const skip: string | false = probe().bpf
  ? false
  : 'needs the privilege to load BPF programs (root, or CAP_BPF and CAP_PERFMON)';

/** Number of getppid(2), the system call that `trigger` makes. */
const GETPPID = process.arch === 'arm64' ? 173 : 110;

export interface ProbeOptions {
  /** Records an event; at most 128. */
  readonly burst?: number;
  readonly ringBytes?: number;
  readonly misframeEvery?: number;
  /** Each event ends with one more record, which forces a wake-up. */
  readonly wake?: boolean;
}

/** Opens, configures, loads and attaches the counting program for this process. */
export function startProbe(options: ProbeOptions = {}): BpfSession {
  const session = openProbe(options);
  session.load();
  session.attach('wsn_count');
  return session;
}

/** As {@link startProbe}, but not loaded yet. */
export function openProbe(options: ProbeOptions = {}): BpfSession {
  const session = BpfSession.open(PROBE_OBJECT);
  session.setVariable('cfg_tgid', u32(process.pid));
  session.setVariable('cfg_syscall', u32(GETPPID));
  session.setVariable('burst', u32(options.burst ?? 1));
  session.setVariable('wake', u32(options.wake === true ? 1 : 0));
  session.setVariable('misframe_every', u32(options.misframeEvery ?? 0));
  if (options.ringBytes !== undefined) session.setMaxEntries('records', options.ringBytes);
  return session;
}

/** Makes exactly `events` events that the counting program sees. */
export function trigger(events: number): void {
  for (let i = 0; i < events; i += 1) void process.ppid;
}

export interface ProbeRecord {
  readonly kind: number;
  readonly size: number;
  readonly sequence: number;
}

/** Splits what `drain` gave; throws when a record, its fill or its padding is not as sent. */
export function parseRecords(bytes: Uint8Array): ProbeRecord[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: ProbeRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = view.getUint32(at + 12, true);
    const sequence = Number(view.getBigUint64(at + 16, true));
    if (size !== 24 + (sequence % 37)) throw new Error(`record ${sequence} has size ${size}`);
    const end = at + Math.ceil(size / 8) * 8;
    for (let i = at + 24; i < end; i += 1) {
      const expected = i < at + size ? 0xa5 : 0;
      if (bytes[i] !== expected) throw new Error(`record ${sequence}: byte ${i - at} is wrong`);
    }
    records.push({ kind: view.getUint32(at + 8, true), size, sequence });
    at = end;
  }
  return records;
}

export function u32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** A 64-bit global variable of the probe. */
export function readCounter(session: BpfSession, name: string): number {
  const bytes = new Uint8Array(8);
  session.getVariable(name, bytes);
  return Number(new DataView(bytes.buffer).getBigUint64(0, true));
}

/** A validator for `assert.throws`: a NativeError of this code whose message tells what to do. */
export function nativeError(code: NativeErrorCode, object?: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof NativeError &&
    error.code === code &&
    (object === undefined || error.object === object) &&
    /^Cannot .+: .+; .+\.$/s.test(error.message);
}

/** Ids of the programs of these objects that are in the kernel now, of all processes. */
export function programsInKernel(): number[] {
  const listing = execFileSync('bpftool', ['-j', 'prog', 'show'], { encoding: 'utf8' });
  const programs = JSON.parse(listing) as { id: number; name?: string }[];
  return programs.filter((program) => program.name?.startsWith('wsn_')).map(({ id }) => id);
}

/** How many descriptors of this process are BPF objects or epoll sets of ours. */
export function bpfDescriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('bpf');
    } catch {
      return false;
    }
  }).length;
}
