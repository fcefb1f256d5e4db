/** Two ends with a bridge between them, where a queue may hold packets. */
import { NetNamespace } from '../support/net-namespace.ts';
import { TcpScript } from '../support/script.ts';
import type { Cleanup } from '../support/cleanup.ts';

/** Payload of a full segment at an MTU of 1500, with time stamps. */
export const SEGMENT = 1448;
/** Tokens for one packet and 86 bytes: of two that come together, the second waits for 1,428 bytes. */
const RATE = ['tbf', 'rate', '500kbit', 'burst', '1600', 'limit', '100000'];
export const HELD_MS = (1428 * 8) / 500;
/** A timer of the queue lets go of what it held. On a machine where programs do not see what interrupts one of its processes, that must not be it. */
const BUSY_MS = 26;
/** Until there are tokens for a packet again: 24.3 ms. */
export const REFILL_MS = 26;
/** Between what every packet needs and what those that are held need. */
export const THRESHOLD_MS = 15;
export const [NEAR, FAR] = ['10.77.0.1', '10.77.0.2'] as const;

/** A room with a client, one with a bridge, one with a server: `va` - `vba`, `vbc` - `vc`. */
export class Street {
  readonly near = new NetNamespace();
  readonly bridge = new NetNamespace();
  readonly far = new NetNamespace();
  readonly client: TcpScript;
  readonly server: TcpScript;

  constructor(cleanup: Cleanup) {
    for (const room of [this.near, this.bridge, this.far]) {
      cleanup.add(() => room.remove());
      room.sysctl('net/ipv6/conf/default/disable_ipv6', '1');
      // Probes of a tail that is only held would wait in the queue as well, and use up tokens.
      room.sysctl('net/ipv4/tcp_early_retrans', '0');
    }
    const { near, bridge, far } = this;
    const pair = (room: NetNamespace, name: string, peer: string): string =>
      bridge.exec(
        ...(['ip', 'link', 'add', peer, 'type', 'veth', 'peer', 'name', name] as const),
        ...['netns', room.name],
      );
    pair(near, 'va', 'vba');
    pair(far, 'vc', 'vbc');
    bridge.exec('ip', 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0');
    for (const port of ['vba', 'vbc']) bridge.exec('ip', 'link', 'set', port, 'master', 'br0', 'up');
    bridge.exec('ip', 'link', 'set', 'br0', 'up');
    for (const [room, name, address] of [
      [near, 'va', NEAR],
      [far, 'vc', FAR],
    ] as const) {
      room.exec('ip', 'address', 'add', `${address}/24`, 'dev', name);
      room.exec('ip', 'link', 'set', name, 'up');
    }
    this.client = TcpScript.start(near);
    cleanup.add(() => this.client.stop());
    this.server = TcpScript.start(far);
    cleanup.add(() => this.server.stop());
  }

  /** From now on the queue of this interface holds every second packet of two that come together. */
  static hold(room: NetNamespace, name: string): void {
    room.exec('tc', 'qdisc', 'add', 'dev', name, 'root', ...RATE);
  }

  /** Two segments by one command of the client. Until the second has left the queue, nothing else runs on that CPU. */
  async send(socket: number, command: 'fill' | 'write', what: number | string): Promise<void> {
    await this.client.run('busy', socket, BUSY_MS, command, what);
  }

  async connect(port: number, listener: number): Promise<readonly [client: number, server: number]> {
    const [socket, accepted] = [this.client.next(), this.server.next()];
    await this.client.run('socket', socket);
    await this.client.run('connect-to', socket, FAR, port);
    await this.server.run('accept', accepted, listener);
    return [socket, accepted];
  }
}
