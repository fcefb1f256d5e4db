import { existsSync } from 'node:fs';

/** Whether an agent may be at this path: something is. Who it is shows when it is opened. */
export function isThere(path: string): boolean {
  return existsSync(path);
}
