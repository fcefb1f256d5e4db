import { readFileSync } from 'node:fs';
import { readProcCgroup } from './cgroup-path.ts';
import { isProcessAlive } from './process-start.ts';

/** The control group of a process. */
export interface ProcessCgroup {
  /** That of cgroup v2, else of the first hierarchy that has one. */
  readonly path: string;
  /** 64 hex digits; undefined: it is in no container. */
  readonly containerId: string | undefined;
}

/** What `/proc` says of the process that started then (nanoseconds since boot); undefined: it is gone. */
export function readProcessCgroup(procRoot: string, pid: number, startNs: bigint): ProcessCgroup | undefined {
  const text = readCgroups(procRoot, pid, startNs);
  if (text === undefined) return undefined;
  const { containerId, unifiedPath } = readProcCgroup(text);
  const own = pathsIn(text).find((path) => path !== '' && path !== '/');
  const path = unifiedPath === undefined || unifiedPath === '/' ? (own ?? '/') : unifiedPath;
  return { path, containerId };
}

/** Its paths in all hierarchies, version 1 and 2; none: it is gone. */
export function readProcessCgroups(procRoot: string, pid: number, startNs: bigint): string[] {
  const text = readCgroups(procRoot, pid, startNs);
  return text === undefined ? [] : pathsIn(text).filter((path) => path !== '');
}

function readCgroups(procRoot: string, pid: number, startNs: bigint): string | undefined {
  let text: string;
  try {
    text = readFileSync(`${procRoot}/${String(pid)}/cgroup`, 'utf8');
  } catch {
    return undefined;
  }
  return isProcessAlive(procRoot, pid, startNs) ? text : undefined;
}

function pathsIn(text: string): string[] {
  return text.split('\n').map((line) => line.split(':').slice(2).join(':'));
}
