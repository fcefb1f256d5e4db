/** Packets that are dropped on purpose in a room of their own, and everyone who counts them. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { DROP_KEY, UNOWNED_DROP, UNOWNED_COUNT } from '../../receiver/decode/generated/layout.ts';
import type { DropRecord } from '../../receiver/model/record.ts';
import type { KernelOptions } from '../../receiver/source/kernel-options.ts';
import { projectFolder } from '../backends/place.ts';
import type { Cleanup } from './cleanup.ts';
import { FreedCounter } from './freed.ts';
import { NetNamespace } from './net-namespace.ts';
import { TcpScript } from './script.ts';
import { ALL_SIGNALS, Watcher } from './watcher.ts';

/** The built program. */
export const RAW_PACKET = join(projectFolder, 'build', 'test', 'kernel', 'raw-packet');

/** The room's address on `va`; packets come in from `vb`. */
export const VETH_ADDRESS = '10.9.9.1';

/** A connection of the script and the peer's ends of it. */
export interface Pair {
  readonly client: number;
  readonly server: number;
  readonly clientPort: number;
  /** What the server expects next. */
  readonly seq: number;
  readonly ack: number;
}

export class DropStage {
  readonly room = new NetNamespace();
  readonly script: TcpScript;
  readonly watcher: Watcher;
  readonly freed: FreedCounter;
  port = 0;
  listener = 0;
  /** The hardware address of `va`. */
  mac = '';

  private constructor(cleanup: Cleanup, options: Partial<KernelOptions>, refused: readonly string[]) {
    cleanup.add(() => this.room.remove());
    this.script = TcpScript.start(this.room);
    cleanup.add(() => this.script.stop());
    this.watcher = new Watcher(
      { emit: { ...ALL_SIGNALS.emit, drop: 'on', reset: true }, dropStacks: true, ...options },
      refused,
    );
    cleanup.add(() => this.watcher.close());
    this.freed = new FreedCounter();
    cleanup.add(() => this.freed.close());
  }

  /** `refused`: programs that are taken for refused by this kernel. */
  static async open(
    cleanup: Cleanup,
    options: Partial<KernelOptions> = {},
    refused: readonly string[] = [],
  ): Promise<DropStage> {
    const stage = new DropStage(cleanup, options, refused);
    Object.assign(stage, await stage.script.listen());
    return stage;
  }

  /** A pair of interfaces: what goes into `vb` arrives at `va`. */
  plugIn(): void {
    const run = (...words: string[]): string => this.room.exec('ip', ...words);
    run('link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb');
    run('address', 'add', `${VETH_ADDRESS}/24`, 'dev', 'va');
    // Neighbours that look for each other drop packets, too.
    for (const name of ['va', 'vb']) this.room.sysctl(`net/ipv6/conf/${name}/disable_ipv6`, '1');
    run('link', 'set', 'va', 'up');
    run('link', 'set', 'vb', 'up');
    this.room.sysctl('net/ipv4/conf/va/rp_filter', '1');
    this.mac = this.room.exec('cat', '/sys/class/net/va/address').trim();
  }

  /** Sends packets as test/kernel/raw-packet.c says. */
  send(fields: Readonly<Record<string, string | number>>): void {
    const words = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
    execFileSync('ip', ['netns', 'exec', this.room.name, RAW_PACKET, ...words]);
  }

  async connect(port = this.port, listener = this.listener): Promise<Pair> {
    const { script } = this;
    const [client, server] = [script.next(), script.next()];
    await script.run('socket', client);
    const clientPort = await script.run('connect', client, port);
    await script.run('accept', server, listener);
    const seq = await script.run('next', server, 0);
    return { client, server, clientPort, seq, ack: await script.run('next', server, 1) };
  }

  async close({ client, server }: Pair): Promise<void> {
    await this.script.run('reset', client);
    await this.script.run('close', server);
  }

  reasonName(reason: number): string {
    return this.watcher.source.names.dropReason(reason);
  }

  /** Drop events of the room, in order. */
  records(): DropRecord[] {
    return this.watcher
      .records()
      .filter((record) => record.kind === 'drop')
      .filter(({ netns }) => netns === this.room.inode);
  }

  /** The kernel's sums of a process, 0 for nobody's, by reason. Nobody's are those of the whole machine. */
  sums(pid: number): Map<string, number> {
    const { count, keys, values, keySize, stride } = this.watcher.source.read('drops');
    const key = new DataView(keys.buffer);
    const value = new DataView(values.buffer);
    const sums = new Map<string, number>();
    for (let i = 0; i < count; i += 1) {
      if (key.getUint32(i * keySize + DROP_KEY.owner + 8, true) !== pid) continue;
      const reason = this.reasonName(key.getUint32(i * keySize + DROP_KEY.reason, true));
      sums.set(reason, (sums.get(reason) ?? 0) + Number(value.getBigUint64(i * stride, true)));
    }
    if (pid === 0) this.#addUnowned(sums);
    return sums;
  }

  /** Drops without a socket, which no pass has given an owner here. */
  #addUnowned(sums: Map<string, number>): void {
    const { count, values, stride } = this.watcher.source.read('unowned_drops');
    const value = new DataView(values.buffer);
    for (let row = 0; row < count * stride; row += stride) {
      for (let at = row + UNOWNED_DROP.counts; at < row + UNOWNED_DROP.size; at += UNOWNED_COUNT.size) {
        const many = Number(value.getBigUint64(at + UNOWNED_COUNT.count, true));
        if (many === 0) continue;
        const reason = this.reasonName(value.getUint32(at + UNOWNED_COUNT.what, true));
        sums.set(reason, (sums.get(reason) ?? 0) + many);
      }
    }
  }

  /** What the other observer counted in the room, by reason. */
  truth(): Map<string, number> {
    const found = [...this.freed.of(this.room.inode)];
    return new Map(found.map(([reason, count]) => [this.reasonName(reason), count]));
  }

  /** Runs of the drop program that the kernel skipped. */
  get skipped(): number {
    return this.watcher.source.recursionMisses().find(({ probe }) => probe === 'kfree_skb')?.missed ?? 0;
  }
}

/** What `after` has more than `before`. */
export function gained(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): Record<string, number> {
  const entries = [...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)] as const);
  return Object.fromEntries(entries.filter(([, count]) => count !== 0));
}
