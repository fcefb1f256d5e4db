import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** How a process is called in its own pid namespace. Undefined when it has ended. */
export function readNamespacePid(procRoot: string, pid: number): number | undefined {
  try {
    const status = readFileSync(join(procRoot, String(pid), 'status'), 'latin1');
    const own = /^NSpid:\t(?:\d+\t)*(\d+)$/m.exec(status)?.[1];
    return own === undefined ? undefined : Number(own);
  } catch {
    return undefined;
  }
}

/** Inode number of this process's network namespace; 0 when it cannot be told. */
export function ownNetworkNamespace(procRoot: string): number {
  try {
    return statSync(join(procRoot, 'self', 'ns', 'net')).ino;
  } catch {
    return 0;
  }
}
