import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands before a port of this machine and counts what goes there. */
export interface ByteCounter {
  readonly port: number;
  /** Bytes that came from clients, until now. */
  readonly bytes: () => number;
  readonly close: () => void;
}

export async function startCounter(target: number): Promise<ByteCounter> {
  let bytes = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    client.on('data', (data) => (bytes += data.length));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      // The other side tells of a connection that broke.
      from.on('error', () => to.destroy());
      from.on('close', () => open.delete(from));
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, bytes: () => bytes, close };
}
