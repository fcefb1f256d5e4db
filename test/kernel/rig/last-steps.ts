import type { NetNamespace } from '../../support/net-namespace.ts';
import type { TcpScript } from '../../support/script.ts';

/**
 * Twice as many clients as the backlog of the listener at `port` connect. The last steps of the second half's handshakes
 * wait outside, then all come in at once: one finds room. All end with a reset.
 */
export async function endHandshakesAtOnce(
  { script, room }: { readonly script: TcpScript; readonly room: NetNamespace },
  port: number,
  backlog: number,
): Promise<void> {
  const clients: number[] = [];
  for (let i = 0; i < backlog * 2; i += 1) {
    if (i === backlog) room.filter(`tcp dport ${port} tcp flags & (syn | ack) == ack drop`);
    const client = script.next();
    await script.run('socket', client);
    await script.run('connect', client, port);
    clients.push(client);
  }
  room.filter();
  for (const client of clients.slice(backlog)) await script.run('write', client, '61');
  for (const client of clients) await script.run('reset', client);
}
