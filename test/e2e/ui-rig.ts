/** Two processes in a room, one with a name that is markup, what `ss` says of their sockets, and the table that is to say the same. */
import { chmodSync, copyFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cleanup } from '../support/cleanup.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { PROGRAM, TcpScript } from '../support/script.ts';
import type { Cell } from './report-page.ts';

/** What the client calls itself. */
export const COMMAND = '<!--<script>';

/** A socket as `ss` has it. */
export interface Socket {
  readonly state: string;
  readonly received: number;
  readonly retransmits: number;
  readonly rttUs: number;
}

export class UiRig {
  readonly room = new NetNamespace();
  readonly client: TcpScript;
  readonly server: TcpScript;

  constructor(cleanup: Cleanup) {
    cleanup.add(() => this.room.remove());
    const program = join(cleanup.makeFolder('wirespan-ui-test-'), COMMAND);
    copyFileSync(PROGRAM, program);
    chmodSync(program, 0o755);
    this.client = TcpScript.start(this.room, { program });
    cleanup.add(() => this.client.stop());
    this.server = TcpScript.start(this.room);
    cleanup.add(() => this.server.stop());
  }

  async connect(to: { listener: number; port: number }): Promise<Connection> {
    const { client, server } = this;
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    const local = await client.run('connect', socket, to.port);
    await server.run('accept', accepted, to.listener);
    return { socket, accepted, local, port: to.port };
  }

  async move(from: 'client' | 'server', { socket, accepted }: Connection, bytes: number): Promise<void> {
    const [writer, reader] = from === 'client' ? [this.client, this.server] : [this.server, this.client];
    await writer.run('fill', from === 'client' ? socket : accepted, bytes);
    await reader.run('read', from === 'client' ? accepted : socket, bytes);
  }

  /** Connections by their two ends; those that are accepted have a process. */
  sockets(): Map<string, Socket> {
    const sockets = new Map<string, Socket>();
    const lines = this.room.exec('ss', '-tinHO', 'state', 'connected').split('\n');
    for (const line of lines.filter((each) => each.trim() !== '')) {
      const [state = '', , , local = '', peer = ''] = line.trim().split(/\s+/);
      const figure = (name: string): number =>
        Number(new RegExp(` ${name}:([\\d./]+)`).exec(line)?.[1]?.split('/').at(-1) ?? 0);
      const [, rtt = '0'] = / rtt:([\d.]+)/.exec(line) ?? [];
      sockets.set(`${local} ${peer}`, {
        state,
        received: figure('bytes_received'),
        retransmits: figure('retrans'),
        rttUs: Math.round(Number(rtt) * 1_000),
      });
    }
    return sockets;
  }
}

export interface Connection {
  readonly socket: number;
  readonly accepted: number;
  readonly local: number;
  readonly port: number;
}

/** The rows of the table of connections by their two ends. */
export function byEnds(rows: readonly (readonly Cell[])[]): Map<string, readonly Cell[]> {
  return new Map(rows.map((row) => [`${row[1]?.text ?? ''} ${row[2]?.text ?? ''}`, row]));
}
