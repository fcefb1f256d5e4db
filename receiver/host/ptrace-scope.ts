import { readFileSync } from 'node:fs';

/** Whether the security module Yama lets nobody read the memory of other processes; without it there is no such file. */
export function forbidsMemory(path = '/proc/sys/kernel/yama/ptrace_scope'): boolean {
  try {
    return readFileSync(path, 'latin1').trim() === '3';
  } catch {
    return false;
  }
}
