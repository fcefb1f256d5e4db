import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { URL } from 'node:url';

/** Where the addon of this machine is in a package, and in a checkout. */
const ADDONS = [`../prebuilt/linux-${process.arch}/hook/announce.node`, '../build/hook/announce.node'];

/**
 * The system call, for a socket and for the thread's next connect:
 * `{ announce: (fd, value) => errno, announceConnect: (value) => errno }`. Undefined where there is no addon for this
 * machine: the application goes on without announcements, and is told once.
 */
export function loadCalls() {
  if (process.platform !== 'linux') return undefined;
  try {
    const require = createRequire(import.meta.url);
    return require(ADDONS.find((path) => existsSync(new URL(path, import.meta.url))) ?? ADDONS[1]);
  } catch (error) {
    process.emitWarning(`requests are not announced: ${String(error.message).split('\n')[0]}`, {
      type: 'WirespanHookWarning',
    });
    return undefined;
  }
}
