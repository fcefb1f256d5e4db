import { createRequire } from 'node:module';

const ADDON = '../build/hook/announce.node';

/**
 * The system call, for a socket and for the thread's next connect:
 * `{ announce: (fd, value) => errno, announceConnect: (value) => errno }`. Undefined where there is no addon for this
 * machine: the application goes on without announcements, and is told once.
 */
export function loadCalls() {
  if (process.platform !== 'linux') return undefined;
  try {
    return createRequire(import.meta.url)(ADDON);
  } catch (error) {
    process.emitWarning(`requests are not announced: ${String(error.message).split('\n')[0]}`, {
      type: 'WirespanHookWarning',
    });
    return undefined;
  }
}
