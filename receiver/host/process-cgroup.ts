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
  let text: string;
  try {
    text = readFileSync(`${procRoot}/${String(pid)}/cgroup`, 'utf8');
  } catch {
    return undefined;
  }
  if (!isProcessAlive(procRoot, pid, startNs)) return undefined;
  const { containerId, unifiedPath } = readProcCgroup(text);
  const paths = text.split('\n').map((line) => line.split(':').slice(2).join(':'));
  const own = paths.find((path) => path !== '' && path !== '/');
  const path = unifiedPath === undefined || unifiedPath === '/' ? (own ?? '/') : unifiedPath;
  return { path, containerId };
}
