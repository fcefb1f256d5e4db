import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** The command line that scripts/launch.mjs makes, wherever the project is, or a package of it. */
const AGENT = /\0[^\0]*\/receiver\/main\.[jt]s\0(?:[^\0]*\0)*run\0/;
/** Program, map or link of BPF. */
const BPF = /^anon_inode:\[?bpf/;

/**
 * Processes of this pid namespace, the host's by rule, that run as agents too: by their command line, and, since anybody
 * may have such a one, by the BPF maps that they hold open. One that has not loaded its programs yet is none.
 */
export function findOtherAgents(procRoot: string, ownPid: number): number[] {
  return readdirSync(procRoot)
    .filter((name) => /^\d+$/.test(name) && Number(name) !== ownPid)
    .filter((name) => hasCommand(join(procRoot, name)) && holdsBpf(join(procRoot, name, 'fd')))
    .map(Number);
}

function hasCommand(folder: string): boolean {
  try {
    return AGENT.test(readFileSync(join(folder, 'cmdline'), 'latin1'));
  } catch {
    return false; // it has ended
  }
}

function holdsBpf(folder: string): boolean {
  try {
    return readdirSync(folder).some((fd) => BPF.test(linkOf(join(folder, fd))));
  } catch {
    return false; // it has ended, or is another user's
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed meanwhile
  }
}
