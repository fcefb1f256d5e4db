import type { AddressInfo, Server } from 'node:net';
import type { TapAddress } from './options.ts';

/** A port that is taken, an address that this machine does not have: one sentence for the user, who can mend it. */
export class TapError extends Error {
  /** That of bad settings. */
  readonly exitCode = 2;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there, maybe a collector: stop it, or give the tap another port',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EACCES: 'a port below 1024 needs CAP_NET_BIND_SERVICE: give the tap another port',
};

/** Listens; the port. `setting`: what a user changes when that fails. Throws a TapError. */
export function listen(server: Server, { host, port }: TapAddress, setting: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
      const why = reasons[error.code ?? ''] ?? error.message;
      reject(new TapError(`The OTLP tap cannot listen at ${place} (${setting}): ${why}.`));
    });
    server.listen({ host, port }, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Counts connections that `server` closed since there were too many. */
export function countRefused(server: Server): () => number {
  let refused = 0;
  server.on('drop', () => {
    refused += 1;
  });
  return () => refused;
}
