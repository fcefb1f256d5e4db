/** A room with listeners of known queues, and what the agent makes of them. */
import { HostNamespaces } from '../../../receiver/signals/listener/host-namespaces.ts';
import { KernelNamespaces } from '../../../receiver/signals/listener/kernel-namespaces.ts';
import type { Namespaces } from '../../../receiver/signals/listener/namespaces.ts';
import { ListenQueues, type QueueOverflow } from '../../../receiver/signals/listener/queues.ts';
import { ListenerSums, type ListenerRow } from '../../../receiver/signals/listener/sums.ts';
import { LISTENER } from '../../../receiver/decode/generated/layout.ts';
import { readListenCounters } from '../../../receiver/host/listen-counters.ts';
import type { Cleanup } from '../../support/cleanup.ts';
import { DropStage } from '../../support/drop-stage.ts';
import type { TcpScript } from '../../support/script.ts';
import { createHarness } from '../../support/sums-harness.ts';
import type { Watcher } from '../../support/watcher.ts';

const SYN = 2;
const ACCEPT = 'wirespan.tcp.accept_queue';

/** The agent's listen queues, from what the programs of a watcher counted. */
export class QueueReader {
  readonly sink;
  readonly overflows: QueueOverflow[] = [];
  readonly #watcher: Watcher;
  readonly #sums: ListenerSums;
  readonly #queues: ListenQueues;
  #pass = 0;

  /** `pid`: a process in the namespace `netns`, through which it is met where the programs do not count it. */
  constructor(watcher: Watcher, netns: number, pid: number) {
    const harness = createHarness();
    this.#watcher = watcher;
    this.sink = harness.sink;
    this.#sums = new ListenerSums(harness);
    this.#queues = new ListenQueues({
      context: harness,
      namespaces: namespacesOf(watcher, netns, pid),
      onOverflow: (overflow) => this.overflows.push(overflow),
    });
  }

  /** What the agent does once an interval; of these namespaces: other processes may have full queues as well. */
  collect(...netns: readonly number[]): void {
    this.#watcher.pass();
    this.#pass += 1;
    this.#sums.update(this.#watcher.source.read('listeners'));
    this.sink.gauges = new Map();
    this.#sums.setGauges(this.#pass);
    const isOurs = ({ memory }: ListenerRow): boolean => netns.includes(memory.seen(LISTENER.netns));
    this.#queues.settle(this.#sums.takeRows().filter(isOurs), this.#pass);
  }
}

function namespacesOf({ source }: Watcher, netns: number, pid: number): Namespaces {
  if (source.countsNamespaces)
    return new KernelNamespaces({
      read: () => source.read('listen_namespaces'),
      delete: (key) => source.delete('listen_namespaces', key),
    });
  const namespaces = new HostNamespaces(readListenCounters);
  namespaces.meet(netns, pid);
  return namespaces;
}

/** So many clients that do not wait for an answer. */
export async function overfill(script: TcpScript, port: number, clients: number): Promise<void> {
  for (let i = 0; i < clients; i += 1) {
    const client = script.next();
    await script.run('socket', client);
    await script.run('try-connect', client, port);
  }
}

export class Hall {
  readonly stage: DropStage;
  readonly reader: QueueReader;

  private constructor(stage: DropStage) {
    this.stage = stage;
    this.reader = new QueueReader(stage.watcher, stage.room.inode, stage.script.pid);
  }

  /** `refused`: programs that are taken for refused by this kernel. */
  static async open(
    cleanup: Cleanup,
    { syncookies = '1', refused = [] as readonly string[] } = {},
  ): Promise<Hall> {
    const hall = new Hall(await DropStage.open(cleanup, {}, refused));
    hall.stage.room.sysctl('net/ipv4/tcp_syncookies', syncookies);
    return hall;
  }

  get sink(): QueueReader['sink'] {
    return this.reader.sink;
  }

  get overflows(): QueueReader['overflows'] {
    return this.reader.overflows;
  }

  get owner(): string {
    return `w${this.stage.script.pid}`;
  }

  listen(backlog: number): Promise<{ listener: number; port: number }> {
    return this.stage.script.listen('listen', backlog);
  }

  /** What the agent does once an interval. */
  collect(): void {
    this.reader.collect(this.stage.room.inode);
  }

  gauge(name: string, port: number): number | undefined {
    return this.sink.gauges.get(`${ACCEPT}.${name} ${this.owner} server.port=${port}`);
  }

  /** Overflows of accept queues that the agent counted, of one listener's or all, whoever it gave them to. */
  counted(port?: number): number {
    const parts = port === undefined ? [] : [this.owner, `=${port}`];
    return this.sink.total(`${ACCEPT}.overflows`, ...parts);
  }

  /** Connects until the accept queue is full, and `more` times again; how many wait. */
  async overfill(port: number, backlog: number, more: number): Promise<number> {
    await overfill(this.stage.script, port, backlog + 1 + more);
    return backlog + 1;
  }

  /** SYNs of so many clients that never answer. */
  flood(port: number, count: number): void {
    const { room } = this.stage;
    // The answer to a SYN-ACK that nobody asked for would empty the queue again.
    room.filter(`tcp dport ${port} tcp flags & rst == rst drop`);
    this.stage.send({ sport: 20_000, dport: port, flags: SYN, count, step: 1 });
  }

  /** Clients that want to know no more than that somebody listens: the kernel answers each SYN-ACK with a RST. */
  halfOpen(port: number, count: number): void {
    this.stage.send({ sport: 10_000, dport: port, flags: SYN, count, step: 1 });
  }

  /** A counter of this room, by the kernel's statistics. */
  counter(name: string): number {
    return this.stage.room.counter(`TcpExt${name}`);
  }
}
