import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Threads that are looked at for one that lives. */
const MAX_THREADS = 64;

/**
 * Where `/proc` says what a process is. When its first thread has ended (`pthread_exit()` in `main`), `/proc/PID` has
 * neither environment nor executable any more; any other thread's folder has.
 */
export function processFolder(procRoot: string, pid: number): string {
  const folder = join(procRoot, String(pid));
  if (!isEnded(folder)) return folder;
  const threads = threadsOf(folder).slice(0, MAX_THREADS);
  return threads.find((thread) => !isEnded(thread)) ?? folder;
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
