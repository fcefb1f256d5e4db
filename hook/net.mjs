import { subscribe } from 'node:diagnostics_channel';
import { liveContext } from './context.mjs';

/** From these on every `net.Socket` is told of, and every request when it is made. */
const NEEDED = [22, 12];

/**
 * Sockets that connect, whatever they carry: for the span in which the application asked for it, unless one of `owners`
 * knows better. An owner is asked with the socket, and tells whether it, or nobody, is to say for whom it is.
 */
export function hookNet(announcer, owners) {
  const tellsAll = isAtLeast(process.versions.node, NEEDED);
  subscribe('net.client.socket', ({ socket }) => {
    try {
      if (owners.some((isOwn) => isOwn(socket)) || !tellsAll) return;
      announcer.open(socket, liveContext());
    } catch {
      // Network events are not worth a request.
    }
  });
}

function isAtLeast(version, [major, minor]) {
  const [ofMajor, ofMinor] = version.split('.').map(Number);
  return ofMajor > major || (ofMajor === major && ofMinor >= minor);
}
