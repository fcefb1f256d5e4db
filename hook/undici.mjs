import { subscribe } from 'node:diagnostics_channel';
import { activeContext, headerContext } from './context.mjs';

const TRACEPARENT = /^traceparent:[ \t]*(\S+)[ \t]*\r?$/im;

/**
 * Requests of undici, and of `fetch()`, which is undici: its instrumentations do not activate their span while writing.
 * Returns an owner of sockets (see hookNet()).
 */
export function hookUndici(announcer) {
  const contexts = new WeakMap();
  const sockets = new WeakMap();
  const opener = hookConnects((socket, { request, context }) => {
    sockets.set(request, socket);
    // Not all versions of Node call it connecting by now.
    announcer.open(socket, context);
    announcer.begin(socket, request, context);
  });
  on('undici:request:create', ({ request }) => {
    const context = activeContext();
    contexts.set(request, context);
    opener.is({ request, context });
  });
  // Right before the head is written.
  on('undici:client:sendHeaders', ({ request, headers, socket }) => {
    if (socket.alpnProtocol === 'h2') return;
    sockets.set(request, socket);
    const carried = headerContext(TRACEPARENT.exec(headers)?.[1]);
    announcer.begin(socket, request, carried ?? contexts.get(request));
  });
  const end = ({ request }) => {
    const socket = sockets.get(request);
    if (socket !== undefined) announcer.end(socket, request);
  };
  on('undici:request:trailers', end);
  on('undici:request:error', end);
  return opener.opens;
}

/**
 * A request that finds no connection opens one before its making returns. One that is opened at any other time is for
 * whatever waits by then, so it is nobody's.
 */
function hookConnects(open) {
  let made;
  let isConnecting = false;
  const forget = () => {
    made = undefined;
    isConnecting = false;
  };
  on('undici:client:beforeConnect', () => {
    isConnecting = true;
    void Promise.resolve().then(forget);
  });
  return {
    is(opener) {
      made = opener;
      void Promise.resolve().then(forget);
    },
    opens(socket) {
      if (!isConnecting) return false;
      const opener = made;
      forget();
      if (opener !== undefined) open(socket, opener);
      return true;
    },
  };
}

function on(channel, handle) {
  subscribe(channel, (message) => {
    try {
      handle(message);
    } catch {
      // Network events are not worth a request.
    }
  });
}
