/** Views of packets, as commands: a queue that holds every second packet for longer than the threshold, on one side. */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Cleanup } from '../support/cleanup.ts';
import { TcpScript } from '../support/script.ts';
import { startView, type JsonRow, type RunningView } from '../support/view.ts';
import { waitFor } from '../support/wait.ts';
import { HELD_MS, NEAR, REFILL_MS, SEGMENT, Street, THRESHOLD_MS } from './street.ts';

/** 1,000 packets a side. */
const PAIRS = 500;
const LATE_MS = 40;

interface Stage {
  readonly stage: string;
  readonly ms: number;
  readonly slow: boolean;
  readonly interface: string | null;
  readonly netns: number;
}

const stagesOf = (row: JsonRow): readonly Stage[] => row['stages'] as readonly Stage[];

/** Rows of data by their number, from the first byte on; of those that were sent again the first. */
function dataOf(rows: readonly JsonRow[]): ReadonlyMap<number, JsonRow> {
  const data = rows.filter((row) => row['bytes'] === SEGMENT && row['source_address'] === NEAR);
  const first = Math.min(...data.map((row) => Number(row['sequence'])));
  const byNumber = new Map<number, JsonRow>();
  for (const row of data) {
    const number = (Number(row['sequence']) - first) / SEGMENT;
    if (!byNumber.has(number)) byNumber.set(number, row);
  }
  return byNumber;
}

const NUMBERS = Array.from({ length: 2 * PAIRS }, (_, i) => i);

// Both sides at one time: most of it is waiting for the queue's tokens.
describe('views of packets', { concurrency: 2 }, () => {
  const cleanup = new Cleanup();
  after(() => cleanup.run());

  const watch = async (view: string, ...options: readonly string[]): Promise<RunningView> =>
    await startView(cleanup, view, '--json', ...options);

  for (const side of ['transmit', 'receive'] as const)
    it(`a delay on the side that ${side}s: each packet that has it says where, and no other is slow`, async () => {
      const street = new Street(cleanup);
      const [slowRoom, slowInterface] =
        side === 'transmit' ? [street.near, 'va'] : ([street.bridge, 'vbc'] as const);
      Street.hold(slowRoom, slowInterface);
      const { listener, port } = await street.server.listen('listen-any');
      const options = ['-P', String(port), '-m', String(THRESHOLD_MS)];
      const [ways, crossings] = [await watch('tcptrace', ...options), await watch('netpod', ...options)];
      const [socket, accepted] = await street.connect(port, listener);
      for (let i = 0; i < PAIRS; i += 1) {
        await sleep(REFILL_MS);
        await street.send(socket, 'fill', 2 * SEGMENT);
        await street.server.run('read', accepted, 2 * SEGMENT);
      }
      await waitFor(
        'the last acknowledgement',
        async () => (await street.client.run('unacked', socket)) === 0,
      );
      for (const view of [ways, crossings]) assert.equal(await view.stop(), 0);

      const data = dataOf(ways.rows());
      assert.deepEqual(
        [...data.keys()].sort((a, b) => a - b),
        NUMBERS,
      );
      for (const [number, row] of data) {
        const stages = stagesOf(row);
        assert.ok(Math.abs(stages.reduce((sum, { ms }) => sum + ms, 0) - Number(row['total_ms'])) < 1e-6);
        assert.deepEqual([row['lost'], row['last']], [null, 'read']);
        const held = stages.filter(({ stage, slow }) => slow && stage !== 'socket_to_read');
        const expected = number % 2 === 0 ? [] : [['qdisc', slowInterface, slowRoom.inode]];
        assert.deepEqual(
          held.map(({ stage, interface: name, netns }) => [stage, name, netns]),
          expected,
          JSON.stringify(row),
        );
        for (const { ms } of held) assert.ok(ms > HELD_MS - 1, String(ms));
        // The same buffer through three rooms; where there is no word of it, the socket has it with the read.
        const through = stages.map(({ stage, interface: name }) => `${stage} ${name ?? ''}`);
        const way = ['qdisc va', 'driver va', 'driver_to_ip vba', 'forward vba', 'qdisc vbc', 'driver vbc'];
        assert.deepEqual(through.slice(0, 8), [...way, 'driver_to_ip vc', 'ip_to_tcp vc']);
      }
      const crossed = crossings.rows();
      const isAlarm = (row: JsonRow | undefined): boolean =>
        row !== undefined && (row['slow'] as readonly string[]).length > 0;
      const alarms = crossed.filter(isAlarm);
      const numbers = dataOf(crossed);
      assert.deepEqual(
        NUMBERS.filter((number) => isAlarm(numbers.get(number))),
        NUMBERS.filter((number) => number % 2 === 1),
      );
      // What was sent again waited in the same queue.
      const firsts = new Set(numbers.values());
      const again = alarms.filter((row) => !firsts.has(row));
      assert.ok(
        again.every((row) => row['bytes'] === SEGMENT),
        JSON.stringify(again),
      );
      for (const row of alarms) {
        assert.deepEqual(row['slow'], [side]);
        assert.deepEqual(
          [row['interface'], row['netns'], row['peer_interface'], row['peer_netns']],
          ['va', street.near.inode, 'vc', street.far.inode],
        );
      }
      const words = `wirespan netpod: ${alarms.length} of ${crossed.length} packets were slow: ${side} ${alarms.length}\n`;
      assert.ok(crossings.stderr().endsWith(words), crossings.stderr());
    });

  it('a reader that comes late, and a packet that is lost', async () => {
    const { room, client, server } = TcpScript.openPair(cleanup);
    const { listener, port } = await server.listen();
    const options = ['-P', String(port), '-a', '127.0.0.1', '-i', 'lo', '--netns', String(room.inode)];
    const view = await watch('tcptrace', ...options, '-m', String(THRESHOLD_MS));
    const [socket, accepted] = [client.next(), server.next()];
    await client.run('socket', socket);
    const local = await client.run('connect', socket, port);
    await server.run('accept', accepted, listener);
    await client.run('fill', socket, 77);
    await sleep(LATE_MS);
    await server.run('read', accepted, 77);
    room.filter(`tcp dport ${port} meta length > 100 numgen inc mod 2 == 0 counter drop`);
    await client.run('fill', socket, 101);
    await server.run('read', accepted, 101);
    assert.equal(await view.stop(), 0);
    const rows = view.rows().filter((row) => row['source_port'] === local);
    const [late, ...more] = rows.filter((row) => row['bytes'] === 77);
    assert.deepEqual(more, []);
    const waited = stagesOf(late ?? {}).at(-1);
    assert.equal(waited?.stage, 'socket_to_read');
    assert.ok(waited.slow && waited.ms > LATE_MS - 2, String(waited.ms));
    assert.deepEqual(
      [
        late?.['ip'],
        late?.['source_address'],
        late?.['destination_port'],
        late?.['flags'],
        late?.['segments'],
      ],
      [4, '127.0.0.1', port, ['PSH', 'ACK'], 1],
    );
    const lost = rows.filter((row) => row['lost'] !== null);
    assert.deepEqual(
      lost.map((row) => [row['bytes'], row['lost'], row['last']]),
      [[101, 'netfilter_drop', 'lost']],
    );
    assert.ok(rows.some((row) => row['bytes'] === 101 && row['last'] === 'read'));
  });

  it('columns for people, as many packets as were asked for, and none of others', async () => {
    const { client, server } = TcpScript.openPair(cleanup);
    const { listener, port } = await server.listen();
    const view = await startView(cleanup, 'tcptrace', '-P', String(port), '-n', '3', '-4');
    const other = await server.listen();
    for (const [at, end] of [
      [other.listener, other.port],
      [listener, port],
    ] as const) {
      const [socket, accepted] = [client.next(), server.next()];
      await client.run('socket', socket);
      await client.run('connect', socket, end);
      await server.run('accept', accepted, at);
      for (let i = 0; i < 5; i += 1) {
        await client.run('fill', socket, 10);
        await server.run('read', accepted, 10);
      }
    }
    assert.equal(await view.ended(), 0);
    const lines = view.stdout().split('\n').slice(0, -1);
    assert.match(
      lines[0] ?? '',
      /^TIME +SADDR:SPORT +> DADDR:DPORT +\(FLAGS\) +SEQ +ACK +WIN +LEN SEGS TOTAL\(ms\) SLOW$/,
    );
    const packets = lines.slice(1).filter((line) => !line.startsWith(' '));
    assert.equal(packets.length, 3);
    for (const line of packets) {
      assert.match(line, /^\d\d:\d\d:\d\d\.\d{6} 127\.0\.0\.1:\d+ +> 127\.0\.0\.1:\d+ +\([A-Z|]+\) /);
      assert.ok(line.includes(`:${port} `), line);
    }
    for (const line of lines.slice(1).filter((each) => each.startsWith(' ')))
      assert.match(
        line,
        /^ {4}(?:qdisc|driver|driver_to_ip|ip_to_tcp|tcp_to_socket|socket_to_read) +(?:lo|-) +\d+ +\d+>\d+ +\d+\.\d{3}/,
      );
  });
});
