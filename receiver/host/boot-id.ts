import { readFileSync } from 'node:fs';

/** Random, of this start of the kernel. */
export function readBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}
