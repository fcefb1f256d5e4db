import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ListenerSums } from '../../../../receiver/signals/listener/sums.ts';
import { HostNamespaces } from '../../../../receiver/signals/listener/host-namespaces.ts';
import type { NamespaceCounters } from '../../../../receiver/signals/listener/namespaces.ts';
import { ListenQueues, type QueueOverflow } from '../../../../receiver/signals/listener/queues.ts';
import { queueOverflowRecord } from '../../../../receiver/signals/listener/queue-overflow.ts';
import { ATTR_NETWORK_TYPE, METRICS } from '../../../../semconv/index.ts';
import {
  LISTENER_CELLS,
  listenerKey,
  mapImage,
  sparse,
  type ProcessKey,
} from '../../../fixtures/records/write-rows.ts';
import { createHarness, NGINX } from '../../../support/sums-harness.ts';

const L = LISTENER_CELLS;
const NETNS = 4_026_531_840;
const OTHER: ProcessKey = { startNs: 2n, pid: 20 };
const ACCEPT = 'wirespan.tcp.accept_queue.overflows';
const SYN = 'wirespan.tcp.syn_queue.overflows';
const ZERO: NamespaceCounters = { acceptOverflows: 0, cookies: 0, synDrops: 0 };

interface Listening {
  readonly owner?: ProcessKey;
  readonly port?: number;
  readonly drops?: number;
  readonly flooded?: number;
  readonly filled?: number;
  readonly pass?: number;
  readonly namespace?: number;
}

/** A namespace whose counters and listeners a test sets. */
class Namespace {
  readonly harness;
  readonly overflows: QueueOverflow[] = [];
  counters: NamespaceCounters | undefined = ZERO;
  readonly sums: ListenerSums;
  readonly queues: ListenQueues;
  readonly host = new HostNamespaces((_, netns) => (netns === NETNS ? this.counters : undefined));

  constructor(given: Parameters<typeof createHarness>[0] = {}) {
    this.harness = createHarness(given);
    this.sums = new ListenerSums(this.harness);
    this.queues = new ListenQueues({
      context: this.harness,
      namespaces: this.host,
      onOverflow: (overflow) => this.overflows.push(overflow),
    });
  }

  /** A look at these listeners. */
  look(pass: number, counters: Partial<NamespaceCounters> | undefined, ...listening: Listening[]): void {
    this.counters = counters && { ...ZERO, ...counters };
    const rows = listening.map(({ owner = NGINX, port = 80, drops = 0, namespace = 1, ...more }) => {
      const { flooded = 0, filled = 0, pass: met = pass } = more;
      const cells = {
        [L.pass]: met,
        [L.drops]: drops,
        [L.flooded]: flooded,
        [L.filled]: filled,
        [L.netns]: NETNS,
        [L.namespaceId]: namespace,
      };
      return [listenerKey(owner, port), sparse(L.total, cells)] as [Uint8Array, Uint8Array];
    });
    this.sums.update(mapImage(rows));
    this.queues.settle(this.sums.takeRows(), pass);
  }

  get counted(): Record<string, number> {
    return Object.fromEntries(this.harness.sink.sums);
  }
}

describe('ListenQueues', () => {
  it('tells overflows of the accept queue from SYNs dropped for a full SYN queue', () => {
    const namespace = new Namespace();
    namespace.host.meet(NETNS, 10);
    namespace.look(1, {}, {});
    namespace.look(2, { acceptOverflows: 3, synDrops: 7 }, { drops: 10, flooded: 1 });
    assert.deepEqual(namespace.counted, {
      [`${ACCEPT} w10 server.port=80`]: 3,
      [`${SYN} w10 server.port=80 wirespan.tcp.syn_queue.action=drop`]: 7,
    });
    assert.deepEqual(
      namespace.overflows.map(({ action }) => action),
      [undefined, 'drop'],
    );
  });

  it('counts from the moment that the namespace is met', () => {
    const namespace = new Namespace();
    namespace.counters = { acceptOverflows: 100, cookies: 50, synDrops: 20 };
    namespace.host.meet(NETNS, 10);
    namespace.look(1, { acceptOverflows: 102, cookies: 53, synDrops: 20 }, { drops: 2, flooded: 1 });
    assert.deepEqual(namespace.counted, {
      [`${ACCEPT} w10 server.port=80`]: 2,
      [`${SYN} w10 server.port=80 wirespan.tcp.syn_queue.action=cookie`]: 3,
    });
  });

  it('counts no more than the namespace did, in the first interval too', () => {
    const namespace = new Namespace();
    namespace.counters = { ...ZERO, acceptOverflows: 4 };
    namespace.host.meet(NETNS, 10);
    namespace.look(1, { acceptOverflows: 5 }, { drops: 40 });
    assert.equal(namespace.counted[`${ACCEPT} w10 server.port=80`], 1);
  });

  it('counts what listeners refused between passes against what the namespace counts until the next one', () => {
    const namespace = new Namespace();
    namespace.host.meet(NETNS, 10);
    namespace.look(1, {}, {});
    namespace.look(1, { acceptOverflows: 5 }, {});
    namespace.look(1, { acceptOverflows: 5 }, {});
    namespace.look(2, { acceptOverflows: 5 }, { drops: 5 });
    assert.equal(namespace.counted[`${ACCEPT} w10 server.port=80`], 5);
  });

  it('gives overflows to the listener whose queue was full, though others refused more', () => {
    const namespace = new Namespace();
    namespace.host.meet(NETNS, 10);
    namespace.look(1, {}, {}, { owner: OTHER, port: 443, filled: 1 });
    namespace.look(
      2,
      { acceptOverflows: 3 },
      { drops: 40 },
      { owner: OTHER, port: 443, drops: 6, filled: 1 },
    );
    assert.deepEqual(namespace.counted, { [`${ACCEPT} w20 server.port=443`]: 3 });
  });

  it('shares overflows out by what each refused when several queues were full', () => {
    const namespace = new Namespace();
    namespace.host.meet(NETNS, 10);
    namespace.look(1, {}, {}, { owner: OTHER, port: 443 });
    namespace.look(
      2,
      { acceptOverflows: 7 },
      { drops: 4, filled: 2 },
      { owner: OTHER, port: 443, drops: 10, filled: 1 },
    );
    assert.deepEqual(namespace.counted, {
      [`${ACCEPT} w10 server.port=80`]: 2,
      [`${ACCEPT} w20 server.port=443`]: 5,
    });
  });

  it('settles what a row refused that was taken out meanwhile', () => {
    const namespace = new Namespace();
    namespace.host.meet(NETNS, 10);
    namespace.look(1, {}, {});
    namespace.sums.update(
      mapImage([
        [listenerKey(NGINX, 80), sparse(L.total, { [L.drops]: 9, [L.netns]: NETNS, [L.namespaceId]: 1 })],
      ]),
    );
    for (const id of [...namespace.sums.rows.keys()]) namespace.sums.forget(id);
    namespace.look(2, { acceptOverflows: 2 });
    assert.deepEqual(namespace.counted, { [`${ACCEPT} w10 server.port=80`]: 2 });
  });

  it('counts what a listener shows one look later than the namespace', () => {
    const namespace = new Namespace();
    namespace.host.meet(NETNS, 10);
    namespace.look(1, {}, {});
    namespace.look(2, { acceptOverflows: 5 }, { drops: 3 });
    namespace.look(3, { acceptOverflows: 5 }, { drops: 5 });
    assert.equal(namespace.counted[`${ACCEPT} w10 server.port=80`], 5);
  });

  it('leaves out what was refused for another cause', () => {
    const namespace = new Namespace();
    namespace.host.meet(NETNS, 10);
    namespace.look(1, {}, {});
    namespace.look(2, {}, { drops: 9 });
    assert.deepEqual([namespace.counted, namespace.overflows], [{}, []]);
  });

  it('finds the flooded one of several listeners', () => {
    const namespace = new Namespace({ optIn: [ATTR_NETWORK_TYPE] });
    namespace.host.meet(NETNS, 10);
    namespace.look(1, { cookies: 6 }, {}, { owner: OTHER, port: 443, flooded: 1 });
    assert.deepEqual(namespace.counted, {
      [`${SYN} w20 network.type=ipv4 server.port=443 wirespan.tcp.syn_queue.action=cookie`]: 6,
    });
  });

  it('guesses no owner: the host has what several can have been, with the port they share', () => {
    const namespace = new Namespace();
    namespace.host.meet(NETNS, 10);
    namespace.look(1, { cookies: 6 }, { flooded: 1 }, { owner: OTHER, flooded: 1 });
    namespace.look(2, { cookies: 7 }, {}, { owner: OTHER }, { port: 81 });
    assert.deepEqual(namespace.counted, {
      [`${SYN} host server.port=80 wirespan.tcp.syn_queue.action=cookie`]: 6,
      [`${SYN} host wirespan.tcp.syn_queue.action=cookie`]: 1,
    });
    assert.deepEqual(namespace.overflows, []);
  });

  it('takes no listener’s word where the namespace cannot be read', () => {
    const namespace = new Namespace();
    namespace.look(1, undefined, { drops: 3 });
    namespace.look(2, undefined, { drops: 4, pass: 1 });
    assert.deepEqual([namespace.counted, namespace.overflows], [{}, []]);
  });

  it('tells nothing that is off', () => {
    const namespace = new Namespace({ off: METRICS });
    namespace.host.meet(NETNS, 10);
    namespace.look(1, { acceptOverflows: 1, cookies: 1 }, { drops: 1 });
    assert.equal(namespace.harness.sink.calls, 0);
    assert.equal(namespace.overflows.length, 2, 'events have a switch of their own');
  });

  it('remembers a bounded number of namespaces, and says so', () => {
    const all = new HostNamespaces(() => ZERO);
    assert.equal(all.forgotten, 0);
    for (let netns = 1; netns <= 1_024 + 3; netns += 1) all.meet(netns, 1);
    assert.equal(all.forgotten, 3);
  });

  it('counts a namespace that was given the number of one that is gone from zero', () => {
    const space = new Namespace();
    space.look(1, { acceptOverflows: 90, synDrops: 40 }, { drops: 0 });
    space.look(2, { acceptOverflows: 97, synDrops: 40 }, { drops: 7 });
    assert.equal(space.harness.sink.total(ACCEPT), 7);
    space.look(3, { acceptOverflows: 99, synDrops: 42 }, { port: 81, drops: 99, namespace: 2 });
    assert.equal(space.harness.sink.total(ACCEPT), 7 + 99);
    assert.equal(space.harness.sink.total(SYN), 42);
  });
});

describe('queueOverflowRecord', () => {
  it('says which socket it was', () => {
    const sums = new ListenerSums(createHarness());
    const value = sparse(L.total, { [L.netns]: NETNS, [L.cookie]: 77, [L.backlog]: 128 });
    value.set([192, 0, 2, 7], L.local * 8);
    sums.update(mapImage([[listenerKey(NGINX, 8080), value]]));
    const [row] = [...sums.rows.values()];
    assert.ok(row);
    const { owner, ...rest } = queueOverflowRecord({ row, action: 'drop' }, 9n);
    assert.equal(owner.pid, 10);
    assert.deepEqual(rest, {
      kind: 'queue_overflow',
      timeNs: 9n,
      cookie: 77n,
      netns: NETNS,
      endpoints: { family: 4, localAddress: '192.0.2.7', localPort: 8080, peerAddress: '', peerPort: 0 },
      backlog: 128,
      action: 'drop',
    });
  });
});
