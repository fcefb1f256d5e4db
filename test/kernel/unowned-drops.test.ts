/** Packets that are dropped before they have a socket: on the owner of their address, exactly. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { kernelFilterOf } from '../../receiver/settings/filter.ts';
import { Cleanup } from '../support/cleanup.ts';
import { CLOSED_PORT } from './rig/drop-scenes.ts';
import { RAW_PACKET, VETH_ADDRESS } from '../support/drop-stage.ts';
import { UnownedStage } from './rig/unowned-stage.ts';

const ATTEMPTS = 5;
const SYN = 2;
const ACK = 16;
const ROWS = 4096;

type Play = () => Promise<void> | void;

describe('drops without a socket', () => {
  const cleanup = new Cleanup();
  let rig: UnownedStage;

  before(async () => {
    rig = await UnownedStage.open(cleanup);
  });
  after(() => cleanup.run());

  const server = (): number => rig.stage.script.pid;
  const client = (): number => rig.client.pid;

  /**
   * What each gained, the other observer's count last; played again where the kernel skipped the program, or
   * where it is not `sent`: a connection may send something of its own, which the packet filter drops as well.
   */
  async function gains(
    reason: string,
    play: Play,
    sent?: number,
  ): Promise<{ gained: number[]; skipped: number }> {
    const { stage } = rig;
    const look = (): number[] => [
      ...[server(), client(), 0].map((pid) => rig.dropsOf(pid, reason)),
      stage.truth().get(reason) ?? 0,
    ];
    for (let attempt = 1; ; attempt += 1) {
      rig.settle();
      const [start, skipped] = [look(), stage.skipped];
      await play();
      rig.settle();
      const gained = look().map((count, i) => count - (start[i] ?? 0));
      const missed = stage.skipped - skipped;
      const isClean = missed === 0 && gained.at(-1) === (sent ?? gained.at(-1));
      if (isClean || attempt === ATTEMPTS) return { gained, skipped: missed };
    }
  }

  /** The host's are of the whole machine: at least so many. */
  async function check(
    reason: string,
    play: Play,
    expected: { server: number; client: number; host: number },
  ): Promise<void> {
    const { host } = expected;
    const sent = expected.server + expected.client + host;
    const { gained, skipped } = await gains(reason, play, sent);
    const [ofServer = 0, ofClient = 0, ofHost = 0, truth] = gained;
    // On a slow machine some of very many packets are skipped each time: no more are missing than it was told.
    const missing = [expected.server - ofServer, expected.client - ofClient];
    const said = `${JSON.stringify(gained)}, ${skipped} skipped`;
    assert.ok(
      missing.every((count) => count >= 0 && count <= skipped),
      said,
    );
    assert.ok(ofHost >= host, `${ofHost} on the host`);
    assert.equal(truth, sent, 'the other observer');
  }

  /** Segments of an open connection that the packet filter drops: `toServer` and `toClient` of them. */
  async function filtered(toServer: number, toClient: number, closes = false): Promise<void> {
    const { stage } = rig;
    const pair = await rig.connect();
    const { clientPort, seq, ack } = pair;
    const { port } = stage;
    stage.room.filter(`tcp sport { ${clientPort}, ${port} } tcp dport { ${clientPort}, ${port} } drop`);
    if (toServer > 0) stage.send({ sport: clientPort, dport: port, seq, ack, flags: ACK, count: toServer });
    if (toClient > 0)
      stage.send({ sport: port, dport: clientPort, seq: ack, ack: seq, flags: ACK, count: toClient });
    stage.room.filter();
    if (!closes) rig.settle();
    await rig.close(pair);
  }

  test('the packet filter, towards either end of a connection', async () => {
    await check('netfilter_drop', () => filtered(13, 11), { server: 13, client: 11, host: 0 });
  });

  test('a connection that closes before anyone looks', async () => {
    const play = (): Promise<void> => filtered(7, 5, true);
    await check('netfilter_drop', play, { server: 7, client: 5, host: 0 });
  });

  test('a wrong checksum', async () => {
    const play = async (): Promise<void> => {
      const pair = await rig.connect();
      const { clientPort, seq, ack } = pair;
      rig.stage.send({
        sport: clientPort,
        dport: rig.stage.port,
        seq,
        ack,
        bad: 'tcp',
        payload: 5,
        count: 11,
      });
      await rig.close(pair);
    };
    await check('tcp_csum', play, { server: 11, client: 0, host: 0 });
  });

  async function filteredSyns(port: number, count: number, to = '127.0.0.1'): Promise<void> {
    const { stage } = rig;
    stage.room.filter(`tcp dport ${port} drop`);
    stage.send({ to, sport: 1234, dport: port, flags: SYN, count });
    stage.room.filter();
    await Promise.resolve();
  }

  test('towards a listener', async () => {
    const play = (): Promise<void> => filteredSyns(rig.stage.port, 13);
    await check('netfilter_drop', play, { server: 13, client: 0, host: 0 });
  });

  test('towards a port where nobody listens, or another address: the host', async () => {
    const play = async (): Promise<void> => {
      await filteredSyns(CLOSED_PORT, 7);
      await filteredSyns(rig.stage.port, 5, '127.0.0.2');
    };
    await check('netfilter_drop', play, { server: 0, client: 0, host: 12 });
  });

  for (const command of ['listen-any', 'listen-any6'] as const)
    test(`towards who listens at every address (${command})`, async () => {
      const { listener, port } = await rig.client.listen(command);
      const play = async (): Promise<void> => {
        await filteredSyns(port, 7);
        await filteredSyns(port, 5, VETH_ADDRESS);
        await filteredSyns(port, 3, '127.9.9.9');
      };
      await check('netfilter_drop', play, { server: 0, client: 15, host: 0 });
      await rig.client.run('close', listener);
    });

  test('before it is routed: the reverse path, and a packet for another machine', async () => {
    const { stage } = rig;
    const { listener, port } = await rig.client.listen('listen-any');
    const packet = { dev: 'vb', mac: stage.mac, sport: 7, dport: port, flags: SYN };
    const spoof = (): void => stage.send({ ...packet, from: '192.0.2.1', to: VETH_ADDRESS, count: 7 });
    await check('ip_rpfilter', spoof, { server: 0, client: 7, host: 0 });
    const forward = (): void => {
      const chain = '{ type filter hook prerouting priority 0; }';
      const rule = `tcp dport ${port} drop`;
      stage.room.exec('nft', `add table inet p; add chain inet p p ${chain}; add rule inet p p ${rule}`);
      stage.send({ ...packet, from: '10.9.9.2', to: '10.9.9.77', count: 5 });
      stage.send({ ...packet, from: '10.9.9.2', to: VETH_ADDRESS, count: 3 });
      stage.room.exec('nft', 'flush ruleset');
    };
    await check('netfilter_drop', forward, { server: 0, client: 3, host: 5 });
    await rig.client.run('close', listener);
  });

  test('of a client whose SYNs are dropped here', async () => {
    const { stage } = rig;
    const play = async (): Promise<void> => {
      stage.room.filter(`tcp dport ${CLOSED_PORT} drop`);
      const socket = rig.client.next();
      await rig.client.run('socket', socket);
      await rig.client.run('try-connect', socket, CLOSED_PORT);
      await rig.client.run('close', socket);
      stage.room.filter();
    };
    const {
      gained: [ofServer, ofClient, , truth],
    } = await gains('netfilter_drop', play);
    assert.deepEqual([ofServer, ofClient], [0, truth]);
    assert.ok((truth ?? 0) >= 1);
  });

  test('a SYN-ACK on its way out', async () => {
    const { stage } = rig;
    const play = (): void => {
      const chain = '{ type filter hook output priority 0; }';
      const rule = `tcp sport ${stage.port} tcp flags & (syn | ack) == syn | ack drop`;
      stage.room.exec('nft', `add table inet o; add chain inet o o ${chain}; add rule inet o o ${rule}`);
      stage.send({ sport: 1235, dport: stage.port, flags: SYN });
      stage.room.exec('nft', 'flush ruleset');
    };
    const {
      gained: [ofServer, ofClient, , truth],
    } = await gains('netfilter_drop', play);
    assert.deepEqual([ofServer, ofClient], [truth, 0]);
    assert.ok((truth ?? 0) >= 1);
  });

  test('what the filter leaves out stays out', async () => {
    const { source } = rig.stage.watcher;
    source.setFilter(kernelFilterOf({ include: [], exclude: [{ port: rig.stage.port }] }, []));
    const play = async (): Promise<void> => {
      await filtered(7, 5);
      await filteredSyns(rig.stage.port, 3);
    };
    const {
      gained: [ofServer, ofClient, , truth],
    } = await gains('netfilter_drop', play, 15);
    source.setFilter(kernelFilterOf({ include: [], exclude: [] }, []));
    assert.deepEqual([ofServer, ofClient, truth], [0, 0, 15]);
  });

  test('while others look', async () => {
    const { stage } = rig;
    const COUNT = 10_007;
    let looks = 0;
    const play = async (): Promise<void> => {
      // Only these: a connection of before may send its last segment again.
      stage.room.filter(`tcp sport 1236 tcp dport ${stage.port} drop`);
      const words = [`dport=${stage.port}`, 'sport=1236', `flags=${SYN}`, `count=${COUNT}`];
      let isDone = false;
      const sent = promisify(execFile)('ip', [
        'netns',
        'exec',
        stage.room.name,
        RAW_PACKET,
        ...words,
      ]).finally(() => (isDone = true));
      while (!isDone) {
        rig.settle();
        looks += 1;
        await new Promise(setImmediate);
      }
      await sent;
      stage.room.filter();
    };
    await check('netfilter_drop', play, { server: COUNT, client: 0, host: 0 });
    assert.ok(looks > 1, 'nobody looked');
  });

  test('more than there is room for: the host, and the sum is exact', async () => {
    const { stage } = rig;
    const COUNT = ROWS + 907;
    const full = stage.watcher.count('PROBE_DROP', 'LOST_MAP_FULL');
    const play = (): void => {
      stage.room.filter(`tcp dport ${stage.port} drop`);
      stage.send({ sport: 2000, dport: stage.port, flags: SYN, count: COUNT, step: 1 });
      stage.room.filter();
    };
    const {
      gained: [ofServer = 0, ofClient, ofHost = 0, truth],
    } = await gains('netfilter_drop', play, COUNT);
    assert.deepEqual([ofClient, truth], [0, COUNT]);
    assert.ok(ofServer <= ROWS && ofServer > ROWS / 2, `${ofServer} found their owner`);
    assert.ok(ofServer + ofHost >= COUNT, `${ofServer} + ${ofHost}`);
    assert.ok(stage.watcher.count('PROBE_DROP', 'LOST_MAP_FULL') - full >= COUNT - ROWS);
    // Gone when nobody needs them any more.
    rig.settle();
    rig.settle();
    await check('netfilter_drop', () => filteredSyns(stage.port, 13), {
      server: 13,
      client: 0,
      host: 0,
    });
  });
});
