/** What /proc says about one process. */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: what /proc counts in, 100 on every Linux architecture that Node runs on. */
const TICK_MS = 10;

export interface CpuTime {
  /** On a CPU, all threads, to the nanosecond. */
  readonly totalMs: number;
  /** In user mode, in steps of 10 ms. */
  readonly userMs: number;
}

export function readCpu(pid: number): CpuTime {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const userMs = Number(fields[11]) * TICK_MS;
  let totalNs = 0;
  for (const task of readdirSync(`/proc/${String(pid)}/task`))
    totalNs += Number(readFileSync(`/proc/${String(pid)}/task/${task}/schedstat`, 'utf8').split(' ')[0]);
  return { totalMs: totalNs / 1e6, userMs };
}

/** Times the main thread went to sleep of itself: as often it was woken. */
export function readSleeps(pid: number): number {
  return readStatus(pid, 'voluntary_ctxt_switches');
}

/** Resident memory, MB (10^6 bytes). */
export function readRssMb(pid: number): number {
  return (readStatus(pid, 'VmRSS') * 1024) / 1e6;
}

/** The most that was resident so far, MB (10^6 bytes). */
export function readPeakRssMb(pid: number): number {
  return (readStatus(pid, 'VmHWM') * 1024) / 1e6;
}

/** Open files of any kind. */
export function countDescriptors(pid: number): number {
  return readdirSync(`/proc/${String(pid)}/fd`).length;
}

/** Sockets of this network namespace that wait after a close. */
export function countTimeWait(): number {
  return Number(/^TCP:.* tw (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1] ?? NaN);
}

/** `tcpPassiveOpens` of this network namespace (RFC 4022). */
export function countPassiveOpens(): number {
  const lines = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'));
  const [names = [], values = []] = lines.map((line) => line.split(' '));
  return Number(values[names.indexOf('PassiveOpens')]);
}

function readStatus(pid: number, field: string): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? NaN);
}
