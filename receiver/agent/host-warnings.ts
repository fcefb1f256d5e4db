import type { Logger } from '../cli/log.ts';
import { findOtherAgents } from '../host/other-agents.ts';

export const OTHER_PID_NAMESPACE =
  "The agent is not in the host's pid namespace, so what is in /proc (service names) and connections older than the agent are not found: start it with hostPID: true in Kubernetes, --pid=host in Docker.";
export const OTHER_AGENTS =
  'another wirespan runs on this host: what both observe is measured and sent twice; stop one of them, or give each its part by filter.include';

/** Says what is wrong with where the agent runs; `hostPid`: its number in the initial pid namespace. */
export function warnOfHost(log: Logger, hostPid: number): void {
  const pids = findOtherAgents('/proc', process.pid);
  if (pids.length > 0) log.warn({ pids }, OTHER_AGENTS);
  if (hostPid !== process.pid) log.warn({ hostPid }, OTHER_PID_NAMESPACE);
}
