/** A loopback port at which nobody listens. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

const [FIRST_PORT, END_PORT] = [24_000, 32_000];

export interface HeldPort {
  readonly port: number;
  /** From now on somebody can listen there. */
  release(): void;
}

/**
 * A port at which nobody listens, nor can until it is released: a client has it for its own. It is below those that the kernel
 * gives to clients, one of which would have it right after its release. It keeps no process alive.
 */
export async function holdPort(): Promise<HeldPort> {
  const server = createServer().listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const localPort = randomInt(FIRST_PORT, END_PORT);
  const client = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort }).unref();
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  accepted.unref();
  accepted.on('error', () => accepted.destroy());
  return {
    port: localPort,
    release: () => {
      // Without TIME_WAIT.
      client.resetAndDestroy();
      server.close();
    },
  };
}
