import { statSync } from 'node:fs';

/** Inode number of the network namespace that a process is in; undefined: there is none such, or it is not to be looked at. */
export function netNamespaceOf(pid: string): number | undefined {
  try {
    return statSync(`/proc/${pid}/ns/net`).ino;
  } catch {
    return undefined;
  }
}
