import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/**
 * The sockets of one connection, whichever library opens them for it. Neither a gRPC channel nor the SDK's
 * exporter gives up a connection that is still being made (TCP, proxy, TLS, HTTP/2 settings): it would
 * stay open for ever behind a channel that was closed.
 */
export interface Sockets {
  /** Sockets that `work`, and what follows from it, opens belong here. */
  run<T>(work: () => T): T;
  /** Closes them all, whatever they wait for, and those that a library still opens afterwards. */
  close(): void;
}

interface Scope {
  readonly open: Set<Socket>;
  isClosed: boolean;
}

const scopes = new AsyncLocalStorage<Scope>();
let isSubscribed = false;

/** Node tells of each client socket while it is made, in the context of who asked for it. */
function subscribeOnce(): void {
  if (isSubscribed) return;
  isSubscribed = true;
  subscribe('net.client.socket', (message) => {
    const scope = scopes.getStore();
    if (scope === undefined) return;
    const { socket } = message as { socket: Socket };
    scope.open.add(socket);
    socket.once('close', () => scope.open.delete(socket));
    // Not at once: it is about to be connected, which would bring it back.
    if (scope.isClosed) process.nextTick(() => socket.destroy());
  });
}

export function createSockets(): Sockets {
  subscribeOnce();
  const scope: Scope = { open: new Set(), isClosed: false };
  return {
    run: (work) => scopes.run(scope, work),
    close() {
      scope.isClosed = true;
      for (const socket of scope.open) socket.destroy();
    },
  };
}
