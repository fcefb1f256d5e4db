/** Really loses request segments on their way to the processes of one cgroup; see test/workloads/drop.bpf.c. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';
import { workloadsFolder } from '../support/workloads.ts';

/** What to lose. */
export interface DropSettings {
  /** Destination port of the segments. */
  readonly port: number;
  /** Chance, in thousandths, that a segment with payload is lost when it comes first. */
  readonly permille: number;
  /** How many copies of it are lost; 1: the first only. */
  readonly copies: number;
}

/** A segment that was lost: the truth. */
export interface DroppedSegment {
  readonly clientPort: number;
  readonly seq: number;
  /** Copies lost. */
  readonly count: number;
  /** Payload bytes. */
  readonly length: number;
  /** The payload's first 64 bytes. */
  readonly head: string;
}

/** A cgroup whose processes lose segments. */
export interface Dropper {
  /** Write a process id here to put it into the cgroup. */
  readonly procsFile: string;
  readonly set: (settings: DropSettings) => void;
  readonly dropped: () => DroppedSegment[];
}

/** Makes the cgroup, loads the program, attaches it; all of it goes with `cleanup`. Processes must end before. */
export function startDropper(cleanup: Cleanup): Dropper {
  const cgroup = join(findCgroup2(), `wirespan-e2e-${process.pid}-${Date.now()}`);
  mkdirSync(cgroup);
  cleanup.add(() => rmdirSync(cgroup));
  // bpftool mounts a BPF file system where it is told to pin, when there is none.
  const pins = join(cleanup.makeFolder(), 'pins');
  mkdirSync(pins);
  const program = join(pins, 'drop');
  const maps = join(pins, 'maps');
  cleanup.add(() => unmountAll(pins));
  bpftool('prog', 'load', join(workloadsFolder, 'drop.bpf.o'), program, 'pinmaps', maps);
  bpftool('cgroup', 'attach', cgroup, 'cgroup_inet_ingress', 'pinned', program);
  cleanup.add(() => bpftool('cgroup', 'detach', cgroup, 'cgroup_inet_ingress', 'pinned', program));
  return {
    procsFile: join(cgroup, 'cgroup.procs'),
    set: ({ port, permille, copies }) => {
      const value = Buffer.alloc(8);
      value.writeUInt16LE(port, 0);
      value.writeUInt16LE(permille, 2);
      value.writeUInt32LE(copies, 4);
      const bytes = [...value].map(String);
      bpftool(
        ...['map', 'update', 'pinned', join(maps, 'settings')],
        ...['key', '0', '0', '0', '0', 'value', ...bytes],
      );
    },
    dropped: () => readDropped(join(maps, 'dropped')),
  };
}

function readDropped(map: string): DroppedSegment[] {
  const entries = JSON.parse(bpftool('-j', 'map', 'dump', 'pinned', map)) as {
    key: string[];
    value: string[];
  }[];
  return entries.map(({ key, value }) => {
    const [keyBytes, valueBytes] = [toBytes(key), toBytes(value)];
    return {
      clientPort: keyBytes.readUInt16LE(0),
      seq: keyBytes.readUInt32LE(4),
      count: valueBytes.readUInt32LE(0),
      length: valueBytes.readUInt32LE(4),
      head: valueBytes.toString('latin1', 8).replace(/\0+$/, ''),
    };
  });
}

function toBytes(hex: readonly string[]): Buffer {
  return Buffer.from(hex.map(Number));
}

function bpftool(...args: string[]): string {
  return execFileSync('bpftool', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
}

function findCgroup2(): string {
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find((fields) => fields[2] === 'cgroup2');
  if (mount?.[1] === undefined) throw new Error('no cgroup v2 is mounted');
  return mount[1];
}

/** bpftool may have mounted at the folder, or below it. */
function unmountAll(folder: string): void {
  const points = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point === folder || point.startsWith(`${folder}/`));
  for (const point of points.reverse()) execFileSync('umount', [point]);
}
