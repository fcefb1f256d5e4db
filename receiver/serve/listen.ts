import type { AddressInfo, Server } from 'node:net';

/** Where a server of the agent listens. */
export interface ServerAddress {
  /** An IP address. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Who listens, in words for a user. */
export interface Listening {
  /** For example `The OTLP tap`. */
  readonly who: string;
  /** The setting that a user changes when it cannot. */
  readonly setting: string;
  /** What else may have the port. */
  readonly other: string;
}

/** A port that is taken, an address that this machine does not have: one sentence for the user, who can mend it. */
export class ListenError extends Error {
  /** That of bad settings. */
  readonly exitCode = 2;
}

const reasons: Readonly<Record<string, (other: string) => string>> = {
  EADDRINUSE: (other) => `another program listens there, maybe ${other}: stop it, or give another port`,
  EADDRNOTAVAIL: () => 'this machine does not have the address',
  EACCES: () => 'a port below 1024 needs CAP_NET_BIND_SERVICE: give another port',
};

/** An address and its port, as it is written in a URL. */
export function placeOf({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${String(port)}` : `${host}:${String(port)}`;
}

/** Listens; the port. Throws a ListenError. */
export function listen(
  server: Server,
  address: ServerAddress,
  { who, setting, other }: Listening,
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = reasons[error.code ?? '']?.(other) ?? error.message;
      reject(new ListenError(`${who} cannot listen at ${placeOf(address)} (${setting}): ${why}.`));
    });
    server.listen({ host: address.host, port: address.port }, () =>
      resolve((server.address() as AddressInfo).port),
    );
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
