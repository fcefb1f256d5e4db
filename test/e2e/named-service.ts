import type { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { observe, type Output } from './observe.ts';
import { totalOf } from './otlp.ts';

export const OPENED = 'wirespan.tcp.connection.opened';
const LATER = 7;

/** A process that opens a connection to this port on loopback and closes it when asked. */
export interface NamedService {
  connect(port: number): Promise<unknown>;
}

/**
 * Starts a service in a network namespace of its own, by a command that becomes its program, and observes it until its
 * connections come under the name that it should have. @throws when they do not, or not all that it opens from then on
 */
export async function observeNamed(
  cleanup: Cleanup,
  name: string,
  start: (launcher: readonly [string, ...string[]]) => Promise<NamedService>,
): Promise<Output> {
  const room = new NetNamespace();
  cleanup.add(() => room.remove());
  const server = TcpScript.start(room);
  cleanup.add(() => server.stop());
  const { listener, port } = await server.listen();
  const observation = await observe(cleanup, {
    settings: { WIRESPAN_FILTER_INCLUDE: `[{netns: ${room.inode}}]` },
  });
  // The agent is there first, as on a host where services are started anew.
  const service = await start(['ip', 'netns', 'exec', room.name]);
  const connect = async (): Promise<void> => {
    await service.connect(port);
    await server.run('accept', server.next(), listener);
  };
  const opened = (): number =>
    totalOf(observation.read().metrics, OPENED, { resource: { 'service.name': name } });
  await connect();
  // It is met with its first connection, and has its name some milliseconds later.
  await waitFor('a connection under its name', async () => {
    if (opened() === 0) await connect();
    return opened() > 0;
  });
  const before = opened();
  for (let i = 0; i < LATER; i += 1) await connect();
  await waitFor('the later ones', () => opened() >= before + LATER);
  return observation.finish();
}
