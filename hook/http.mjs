import { subscribe } from 'node:diagnostics_channel';
import { activeContext, headerContext } from './context.mjs';

/**
 * Requests of `node:http` and `node:https`: a request's socket is known before its first byte is written. Returns an owner
 * of sockets (see hookNet()).
 */
export function hookHttp(announcer) {
  const met = new WeakSet();
  const waiting = new Set();
  const meet = ({ request }) => {
    try {
      if (met.has(request)) return;
      met.add(request);
      if (waitsForSocket(request)) keepWhileWaiting(waiting, request);
      const active = activeContext();
      const begin = (socket) => {
        announcer.begin(socket, request, contextOf(request, active));
        request.prependOnceListener('close', () => announcer.end(socket, request));
      };
      if (request.socket) begin(request.socket);
      else request.prependOnceListener('socket', begin);
    } catch {
      // Network events are not worth a request.
    }
  };
  subscribe('http.client.request.created', meet);
  // Node before 22 has this one alone. It comes when the request is whole: what went out before is nobody's.
  subscribe('http.client.request.start', meet);
  // An agent opens a connection for one that waits in whatever context another connection closed.
  return () => waiting.size > 0;
}

/** An agent has no connection for the request, and will not open one for now: its last one, since it was made just now. */
function waitsForSocket(request) {
  return Object.values(request.agent?.requests ?? {}).some((queue) => queue.at(-1) === request);
}

function keepWhileWaiting(waiting, request) {
  waiting.add(request);
  const forget = () => waiting.delete(request);
  request.prependOnceListener('socket', forget);
  request.prependOnceListener('close', forget);
}

/** What the request carries is what its server sees; else the span that it was made in. */
function contextOf(request, active) {
  try {
    return headerContext(request.getHeader('traceparent')) ?? active;
  } catch {
    return active;
  }
}
