import { closeSync, openSync, readFileSync } from 'node:fs';

/** Whether this process has a terminal: when it is gone, SIGHUP means the end of the session. */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** Whether this process is what its terminal's keys go to: then, and only then, SIGINT may be a person's Ctrl-C. */
export function isForeground(): boolean {
  try {
    // After the name, which may hold anything: state, ppid, pgrp, session, tty_nr, tpgid.
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group !== undefined && group === foreground;
  } catch {
    return false;
  }
}
