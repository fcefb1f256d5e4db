import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { NetNamespace } from '../support/net-namespace.ts';
import { Cleanup } from '../support/cleanup.ts';
import { observe } from './observe.ts';
import type { Output } from './observe.ts';
import { findPoints, totalsBy } from './otlp.ts';
import { connectPair, endPair, move, TrafficProcess } from './traffic.ts';
import { buildWorkloads, workloadsFolder } from '../support/workloads.ts';

const CIDR = 'wirespan.peer.cidr';
const DIRECTION = 'network.io.direction';
const ROLE = 'wirespan.tcp.handshake.role';
const ADDRESSES = [
  '192.0.2.1/24',
  '192.0.2.200/24',
  '198.51.100.7/24',
  '203.0.113.9/24',
  '2001:db8::1/64',
  '2001:db8:7::1/64',
  'fd00:7::1/64',
];

/** A connection, and in which configured network either end finds its peer. */
interface Flow {
  readonly from: string;
  readonly to: string;
  readonly up: number;
  readonly down: number;
  readonly clientSees: string;
  readonly serverSees: string;
}

interface Case {
  readonly name: string;
  readonly subnets: readonly string[];
  readonly flows: readonly Flow[];
  /** Networks that no other traffic of this machine is in. */
  readonly own: readonly string[];
}

function flow(ends: string, up: number, clientSees: string, serverSees: string): Flow {
  const [from = '', to = ''] = ends.split(' ');
  return { from, to, up, down: up * 3 + 1, clientSees, serverSees };
}

const CASES: readonly Case[] = [
  {
    name: 'documentation networks, everything else, IPv6 as well',
    subnets: ['192.0.2.0/24', '198.51.100.0/24', '0.0.0.0/0', '2001:db8::/32', '2001:db8:7::/48', '::/0'],
    own: ['192.0.2.0/24', '198.51.100.0/24', '2001:db8::/32', '2001:db8:7::/48'],
    flows: [
      flow('198.51.100.7 192.0.2.1', 100_003, '192.0.2.0/24', '198.51.100.0/24'),
      flow('192.0.2.200 192.0.2.1', 1_009, '192.0.2.0/24', '192.0.2.0/24'),
      flow('192.0.2.1 203.0.113.9', 33_331, '0.0.0.0/0', '192.0.2.0/24'),
      flow('127.0.0.1 127.0.0.1', 257, '0.0.0.0/0', '0.0.0.0/0'),
      flow('::ffff:203.0.113.9 ::ffff:198.51.100.7', 4_099, '198.51.100.0/24', '0.0.0.0/0'),
      flow('2001:db8::1 2001:db8:7::1', 65_537, '2001:db8:7::/48', '2001:db8::/32'),
      flow('fd00:7::1 2001:db8::1', 7_001, '2001:db8::/32', '::/0'),
      flow('::1 ::1', 509, '::/0', '::/0'),
    ],
  },
  {
    name: 'the narrowest wins, whatever the order; none: other',
    subnets: ['192.0.2.128/25', '192.0.0.0/8', '192.0.2.0/24', '192.0.2.200/32', '2001:db8::/32'],
    own: ['192.0.2.128/25', '192.0.0.0/8', '192.0.2.0/24', '192.0.2.200/32', '2001:db8::/32'],
    flows: [
      flow('192.0.2.200 192.0.2.1', 50_021, '192.0.2.0/24', '192.0.2.200/32'),
      flow('198.51.100.7 192.0.2.200', 2_003, '192.0.2.200/32', 'other'),
      flow('203.0.113.9 198.51.100.7', 3_001, 'other', 'other'),
      flow('fd00:7::1 2001:db8:7::1', 4_001, '2001:db8::/32', 'other'),
    ],
  },
];

/** Sums of both ends, `network|direction`. */
function expected(flows: readonly Flow[], prefixOf: (role: string) => string): Record<string, number> {
  const totals: Record<string, number> = {};
  const add = (role: string, cidr: string, direction: string, bytes: number): void => {
    const key = `${prefixOf(role)}${cidr}|${direction}`;
    totals[key] = (totals[key] ?? 0) + bytes;
  };
  for (const { up, down, clientSees, serverSees } of flows) {
    add('client', clientSees, 'transmit', up);
    add('client', clientSees, 'receive', down);
    add('server', serverSees, 'transmit', down);
    add('server', serverSees, 'receive', up);
  }
  return totals;
}

function only(totals: Record<string, number>, networks: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(totals).filter(([key]) => networks.includes(key.split('|')[0] ?? '')),
  );
}

for (const { name, subnets, flows, own } of CASES) {
  describe(`bytes by subnet of the peer: ${name}`, () => {
    const cleanup = new Cleanup();
    let output: Output;
    let pids: Set<number>;

    before(async () => {
      await buildWorkloads();
      const room = new NetNamespace();
      cleanup.add(() => room.remove());
      // The loopback interface will do: not every kernel has dummy ones.
      for (const address of ADDRESSES) {
        const nodad = address.includes(':') ? ['nodad'] : [];
        room.exec('ip', 'address', 'add', address, 'dev', 'lo', ...nodad);
      }
      const observation = await observe(cleanup, {
        settings: {
          WIRESPAN_SUBNETS: subnets.join(','),
          WIRESPAN_ATTRIBUTES_PEER_CIDR: 'on',
        },
      });
      const inside = ['ip', 'netns', 'exec', room.name];
      const start = (): TrafficProcess => new TrafficProcess(join(workloadsFolder, 'traffic'), inside);
      const [client, server] = [start(), start()];
      cleanup.add(() => Promise.all([client.stop(), server.stop()]));
      pids = new Set([client.pid, server.pid]);
      for (const { from, to, up, down } of flows) {
        const pair = await connectPair(client, server, to, [from]);
        await move(pair.client, pair.server, up);
        await move(pair.server, pair.client, down);
        await endPair(pair);
      }
      output = await observation.finish();
    });
    after(() => cleanup.run());

    it('the connections carry the network of their peer', () => {
      const io = findPoints(output.metrics, 'wirespan.tcp.io', { pids });
      assert.deepEqual(
        totalsBy(io, [ROLE, CIDR, DIRECTION]),
        expected(flows, (role) => `${role}|`),
      );
      for (const metric of ['opened', 'closed'] as const) {
        const points = findPoints(output.metrics, `wirespan.tcp.connection.${metric}`, { pids });
        const wanted: Record<string, number> = {};
        for (const { clientSees, serverSees } of flows)
          for (const key of [`client|${clientSees}`, `server|${serverSees}`])
            wanted[key] = (wanted[key] ?? 0) + 1;
        assert.deepEqual(totalsBy(points, [ROLE, CIDR]), wanted, metric);
      }
    });

    it('wirespan.tcp.subnet.io is exact by network and direction', () => {
      const subnetIo = totalsBy(findPoints(output.metrics, 'wirespan.tcp.subnet.io'), [CIDR, DIRECTION]);
      assert.deepEqual(
        only(subnetIo, own),
        only(
          expected(flows, () => ''),
          own,
        ),
      );
    });

    it('wirespan.tcp.subnet.io is on the host, and all of wirespan.tcp.io is in it', () => {
      const points = findPoints(output.metrics, 'wirespan.tcp.subnet.io');
      assert.ok(points.length > 0);
      assert.ok(points.every(({ resource }) => resource['process.pid'] === undefined));
      // Other traffic of this machine is in networks that hold everything: it is there as well.
      assert.deepEqual(
        totalsBy(points, [CIDR, DIRECTION]),
        totalsBy(findPoints(output.metrics, 'wirespan.tcp.io'), [CIDR, DIRECTION]),
      );
    });
  });
}
