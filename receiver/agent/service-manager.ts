import { notifyManager } from '../../native/index.ts';
import type { Logger } from '../cli/log.ts';

/** Tells systemd, where it started the agent: its unit is shown as started, and as stopping (sd_notify(3)). */
export function tellManager(state: 'READY=1' | 'STOPPING=1', log: Logger): void {
  const errno = notifyManager(state);
  if (errno !== 0) log.warn({ errno, state }, 'the service manager was not told');
}
