/** A loopback port at which nobody listens. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface HeldPort {
  readonly port: number;
  /** From now on somebody can listen there. */
  release(): void;
}

/**
 * A port at which nobody listens, nor can until it is released: a client has it for its own, so the kernel gives it to no other
 * test that asks for a free one. It keeps no process alive.
 */
export async function holdPort(): Promise<HeldPort> {
  const server = createServer().listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').unref();
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  accepted.unref();
  accepted.on('error', () => accepted.destroy());
  const { localPort = 0 } = client;
  return {
    port: localPort,
    release: () => {
      // Without TIME_WAIT.
      client.resetAndDestroy();
      server.close();
    },
  };
}
