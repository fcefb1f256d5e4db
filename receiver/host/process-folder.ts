import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Where `/proc` says what a process is. When its first thread has ended (`pthread_exit()` in `main`), `/proc/PID` has
 * neither environment nor executable any more; any other thread's folder has. Only a first thread stays when it has ended,
 * so the second is nearly always it.
 */
export function processFolder(procRoot: string, pid: number): string {
  const folder = join(procRoot, String(pid));
  if (!isEnded(folder)) return folder;
  return threadsOf(folder).find((thread) => !isEnded(thread)) ?? folder;
}

function threadsOf(folder: string): string[] {
  try {
    return readdirSync(join(folder, 'task')).map((thread) => join(folder, 'task', thread));
  } catch {
    return [];
  }
}

/** A zombie, or dead; a folder that is not there is neither. */
function isEnded(folder: string): boolean {
  try {
    return /^State:\t[ZX]/m.test(readFileSync(join(folder, 'status'), 'latin1'));
  } catch {
    return false;
  }
}
