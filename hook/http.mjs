import { subscribe } from 'node:diagnostics_channel';
import { activeContext, headerContext } from './context.mjs';

/** Requests of `node:http` and `node:https`: a request's socket is known before its first byte is written. */
export function hookHttp(announcer) {
  const met = new WeakSet();
  const meet = ({ request }) => {
    try {
      if (met.has(request)) return;
      met.add(request);
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
}

/** What the request carries is what its server sees; else the span that it was made in. */
function contextOf(request, active) {
  try {
    return headerContext(request.getHeader('traceparent')) ?? active;
  } catch {
    return active;
  }
}
