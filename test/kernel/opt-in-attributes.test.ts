/** Attributes that are on by request alone: what the kernel side tells apart, on a workload's own truth. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OPT_IN_ATTRIBUTES } from '../../config/sections/opt-in-attributes.ts';
import { ConnectionSums } from '../../receiver/signals/connection/sums.ts';
import { DropDetails } from '../../receiver/signals/drop/details.ts';
import { hasDropReceiver } from '../support/kernel-abilities.ts';
import { DropSums } from '../../receiver/signals/drop/sums.ts';
import { StateSums } from '../../receiver/signals/state/sums.ts';
import { ListenerSums } from '../../receiver/signals/listener/sums.ts';
import { ResetSums } from '../../receiver/signals/reset/sums.ts';
import { UnownedSums } from '../../receiver/signals/drop/unowned.ts';
import { Cleanup } from '../support/cleanup.ts';
import { createHarness, type Harness } from '../support/sums-harness.ts';
import { Conversation } from './rig/conversation.ts';
import { scenes } from './rig/drop-scenes.ts';
import { DropStage } from '../support/drop-stage.ts';
import { Dropper } from '../support/dropper.ts';
import { ALL_SIGNALS } from '../support/watcher.ts';

const ATTEMPTS = 5;
const LOOPBACK = '127.0.0.1';

/** Everything that the agent makes of the kernel's maps, with every opt-in attribute on. */
class Collectors {
  readonly harness: Harness = createHarness({
    optIn: OPT_IN_ATTRIBUTES.map(({ key }) => key),
    subnets: ['127.0.0.0/8'],
  });
  readonly #stage: DropStage;
  readonly #connections = new ConnectionSums(this.harness);
  readonly #listeners = new ListenerSums(this.harness);
  readonly #states = new StateSums(this.harness);
  readonly #resets: ResetSums;
  readonly #drops: DropSums;
  readonly #unowned: UnownedSums;

  constructor(stage: DropStage) {
    this.#stage = stage;
    const { source } = stage.watcher;
    const details = new DropDetails(source);
    this.#resets = new ResetSums(this.harness, (reason) => source.names.resetReason(reason));
    this.#drops = new DropSums(this.harness, details);
    this.#unowned = new UnownedSums({
      nowMs: () => performance.now(),
      context: this.harness,
      details,
      delete: (map, key) => source.delete(map, key),
      isLocal: () => true,
    });
  }

  collect(): void {
    const { source } = this.#stage.watcher;
    const { pass, bank } = source.passForUnowned(process.hrtime.bigint());
    this.#unowned.settle({
      drops: source.read('unowned_drops'),
      listenEnds: source.read('listen_ends'),
      bank,
      pass,
    });
    // Twice: what the sockets said is compared with its events at the next reading.
    for (let i = 0; i < 2; i += 1) this.#connections.update(source.read('series'));
    this.#listeners.update(source.read('listeners'));
    this.harness.sink.gauges.clear();
    this.#listeners.setGauges(pass);
    this.#states.update(source.read('state_durations'));
    this.#resets.update(source.read('resets'));
    this.#drops.update(source.read('drops'));
  }

  /** Series of a metric and resource, without its name, with what they have. */
  series(metric: string, resource: string): Map<string, number> {
    const { sums, gauges, histograms } = this.harness.sink;
    const counts = [...histograms].map(
      ([series, { counts }]) => [series, counts.reduce((a, b) => a + b, 0)] as const,
    );
    const start = `${metric} ${resource} `;
    return new Map(
      [...sums, ...gauges, ...counts]
        .filter(([series]) => series.startsWith(start))
        .map(([series, value]) => [series.slice(start.length), value]),
    );
  }

  total(metric: string, resource: string, ...parts: readonly string[]): number {
    let sum = 0;
    for (const [series, value] of this.series(metric, resource))
      if (parts.every((part) => ` ${series} `.includes(part))) sum += value;
    return sum;
  }
}

describe('opt-in attributes', () => {
  const cleanup = new Cleanup();
  let stage: DropStage;
  let dropper: Dropper;
  let collectors: Collectors;

  before(async () => {
    stage = await DropStage.open(cleanup, {
      peerAddress: 'all',
      details: {
        serverAddress: true,
        localAddress: true,
        resetCidr: true,
        retransmitState: true,
        statePort: true,
        dropFunction: true,
        dropInterface: true,
        dropState: true,
        dropPort: true,
      },
      subnets: [{ address: '127.0.0.0', prefixLength: 8, family: 'ipv4' }],
      emit: { ...ALL_SIGNALS.emit, drop: 'off' },
    });
    dropper = Dropper.attach(stage.room);
    cleanup.add(() => dropper.close());
    collectors = new Collectors(stage);
  });
  after(() => cleanup.run());

  const mine = (): string => `w${stage.script.pid}`;

  /** How much was gained by series that have all of `parts`; played again where the kernel skipped a program. */
  async function gained(
    play: () => Promise<unknown>,
    ...asked: readonly (readonly [metric: string, resource: string, ...parts: string[]])[]
  ): Promise<number[]> {
    const look = (): number[] =>
      asked.map(([metric, resource, ...parts]) => collectors.total(metric, resource, ...parts));
    for (let attempt = 1; ; attempt += 1) {
      collectors.collect();
      const [start, skipped] = [look(), stage.skipped];
      await play();
      collectors.collect();
      if (stage.skipped !== skipped && attempt < ATTEMPTS) continue;
      return look().map((value, i) => value - (start[i] ?? 0));
    }
  }

  test('addresses of a connection and of its resets', async () => {
    const port = ` server.port=${stage.port} `;
    const ends = [` network.peer.address=${LOOPBACK} `, ` server.address=${LOOPBACK} `, port];
    const cidr = ' wirespan.peer.cidr=127.0.0.0/8 ';
    const gains = await gained(
      async () => {
        const pair = await stage.connect();
        await stage.script.run('write', pair.client, '616263');
        await stage.script.run('read', pair.server, 3);
        await stage.close(pair);
      },
      ['wirespan.tcp.io', mine(), 'role=client', 'direction=transmit', cidr, ...ends],
      ['wirespan.tcp.io', mine(), 'role=server', 'direction=receive', cidr, ...ends],
      ['wirespan.tcp.resets', mine(), 'role=client', 'direction=transmit', cidr, ...ends],
      ['wirespan.tcp.resets', mine(), 'role=server', 'direction=receive', cidr, ...ends],
    );
    assert.deepEqual(gains, [3, 3, 1, 1]);
  });

  test('where a listener listens, for its connections as well', async () => {
    const [accepted] = await gained(
      async () => stage.close(await stage.connect()),
      ['wirespan.tcp.accept_queue.utilization', mine(), ` network.local.address=${LOOPBACK} `],
    );
    assert.equal(accepted, 1);
    const listener = ['wirespan.tcp.listener.count', mine()] as const;
    assert.equal(collectors.total(...listener, ` network.local.address=${LOOPBACK} `), 1);
    assert.equal(collectors.total(...listener), 1);
  });

  test('the server’s port of state durations, at both ends', async () => {
    const established = [' network.connection.state=established ', ` server.port=${stage.port} `];
    const gains = await gained(
      async () => stage.close(await stage.connect()),
      ['wirespan.tcp.state.duration', mine(), 'role=client', ...established],
      ['wirespan.tcp.state.duration', mine(), 'role=server', ...established],
    );
    assert.deepEqual(gains, [1, 1]);
  });

  test('function, state and port of drops that have a socket', async () => {
    // Older kernels do not say whose the packet was: its connection is found later, without its state then.
    const state = hasDropReceiver(stage.watcher.source.plan)
      ? [' network.connection.state=established ']
      : [];
    const parts = [...state, ` server.port=${stage.port} `, 'reason=tcp_flags'];
    const [count] = await gained(
      async () => scenes['no flags']?.play(stage, 7),
      ['wirespan.packet.dropped', mine(), 'code.function.name=tcp_', ...parts],
    );
    assert.equal(count, 7);
  });

  test('function and interface of drops without one; the port of whose it was', async () => {
    const interfaceName = ' network.interface.name=lo ';
    const dropped = 'wirespan.packet.dropped';
    const gains = await gained(
      async () => {
        await scenes['a rule of the packet filter']?.play(stage, 5);
        await scenes['a wrong checksum']?.play(stage, 3);
      },
      [dropped, 'host', 'code.function.name=nf', interfaceName, 'reason=netfilter_drop'],
      [dropped, mine(), interfaceName, ` server.port=${stage.port} `, 'reason=tcp_csum'],
    );
    // Others' on this machine count, too.
    assert.ok((gains[0] ?? 0) >= 5, JSON.stringify([...collectors.series(dropped, 'host')]));
    assert.equal(gains[1], 3);
  });

  test('the state of retransmits, each segment once', async () => {
    const retransmits = 'wirespan.tcp.retransmits';
    const { watcher, room, script, listener, port } = stage;
    let sent = 0;
    const [all, typed] = await gained(
      async () => {
        const start = room.counter('TcpRetransSegs');
        const talk = await Conversation.openSilent({ watcher, room, script, dropper, listener, port });
        for (let i = 0; i < 3; i += 1) {
          talk.lose();
          await talk.write('lost');
          dropper.spareNew(port);
          await talk.settle();
        }
        await stage.close({ ...talk, clientPort: 0, seq: 0, ack: 0 });
        sent = room.counter('TcpRetransSegs') - start;
      },
      [retransmits, mine()],
      [retransmits, mine(), ' network.connection.state=established '],
    );
    assert.ok(sent >= 3, String(sent));
    assert.equal(all, sent, 'the kernel’s own count');
    const untold = collectors.total(retransmits, mine(), 'type=other');
    assert.ok((typed ?? 0) + untold >= sent, `${typed} of ${sent} with their state`);
  });
});
