import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

const NAMESPACES = '/run/netns';
/** What tests call their namespaces and groups by: the pid of the process that made them. */
const OURS = /^wirespan-(\d+)(?:-\d+)?$/;

/**
 * Takes away the network namespaces and control groups of test processes that are gone: one that was killed left them.
 * `groups`: where cgroup v2 is mounted. Whatever is still in use stays.
 */
export function removeLeftovers(groups: string | undefined): void {
  for (const name of leftIn(NAMESPACES))
    attempt(() => execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' }));
  if (groups === undefined) return;
  for (const name of leftIn(groups)) attempt(() => removeGroup(join(groups, name)));
}

function leftIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => {
    const pid = OURS.exec(name)?.[1];
    return pid !== undefined && !existsSync(`/proc/${pid}`);
  });
}

function removeGroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroup(join(path, entry.name));
  rmdirSync(path);
}

function attempt(remove: () => void): void {
  try {
    remove();
  } catch {
    // Somebody is still in it, or another test took it away.
  }
}
