/** What Node publishes of its asynchronous contexts, by the real writer (@datadog/pprof), with segments really lost. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { readThreadLayout } from '../../receiver/host/thread-layout.ts';
import type { RetransmitRecord } from '../../receiver/model/record.ts';
import { makeCertificates, withoutOpenssl } from '../support/certificates.ts';
import { Cleanup } from '../support/cleanup.ts';
import { Dropper } from '../support/dropper.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import { startHooked, type Running } from './rig/hooked-service.ts';
import { checkStreams, type WrittenRequest } from './rig/stream-truth.ts';
import { tell } from './rig/thread-publisher.ts';

const PERMILLE = 150;
const SCHEMA = { version: 'nodejs_v1_dev' };

/** A client, and what of its segments has a context at least; whose it is, is never wrong. */
interface Kind {
  readonly name: string;
  readonly requests: number;
  readonly connections: number;
  readonly parallel: number;
  readonly share: number;
  /** How many of 1,000 segments are lost; PERMILLE unless it has few. */
  readonly permille?: number;
  /** The ways in which contexts may be found; of each share, the first is. */
  readonly methods: readonly string[];
}

const KINDS: readonly Kind[] = [
  {
    name: 'https',
    requests: 500,
    connections: 60,
    parallel: 90,
    share: 0.99,
    methods: ['tls_inherit', 'node_ctx'],
  },
  {
    name: 'http',
    requests: 300,
    connections: 40,
    parallel: 60,
    share: 0.99,
    methods: ['http1_header', 'node_ctx'],
  },
  { name: 'pipelined', requests: 400, connections: 20, parallel: 40, share: 0.99, methods: ['node_ctx'] },
  // Those that wait are written in the context of the one that opened the connection.
  {
    name: 'undici',
    requests: 240,
    connections: 60,
    parallel: 100,
    share: 0.05,
    methods: ['node_ctx', 'tls_inherit'],
  },
  { name: 'queued', requests: 240, connections: 60, parallel: 100, share: 0.01, methods: ['node_ctx'] },
  { name: 'http2s', requests: 60, connections: 1, parallel: 4, share: 0, permille: 1000, methods: [] },
];

describe('a Node client that publishes its contexts', { skip: withoutOpenssl }, () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let dropper: Dropper;
  let watcher: Watcher;
  let ca = '';
  let ports: Readonly<Record<string, number>> = {};

  /** The service, in the room. */
  function start(args: readonly string[]): Running {
    const env = { NODE_NO_WARNINGS: '1' };
    return startHooked(cleanup, { room, name: 'context-service.ts', args, isHooked: false, env });
  }

  async function call(kind: Kind): Promise<WrittenRequest[]> {
    const { name, requests, connections, parallel, permille = PERMILLE } = kind;
    const numbers = [requests, connections, parallel].map(String);
    const client = start(['call', name, String(ports[name]), ca, ...numbers]);
    await waitFor('the client', () => client.out() === 'ready\n');
    const isIts = (record: { kind: string }): boolean =>
      record.kind === 'open' && 'owner' in record && (record.owner as { pid: number }).pid === client.pid;
    const open = watcher.records().find((record) => isIts(record));
    assert.ok(open?.kind === 'open', 'its first connection is not known');
    tell(watcher, open.owner, await readThreadLayout('/proc', client.pid, SCHEMA));
    dropper.lose(ports[name] ?? 0, { permille });
    client.say('go');
    assert.equal(await client.ended, 0);
    dropper.rest();
    const lines = client.out().trim().split('\n').slice(1);
    return lines.map((line) => JSON.parse(line) as WrittenRequest);
  }

  before(async () => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    dropper = Dropper.attach(room);
    cleanup.add(() => dropper.close());
    watcher = new Watcher();
    cleanup.add(() => watcher.close());
    const certificates = makeCertificates(cleanup.makeFolder());
    ({ ca } = certificates);
    const { out } = start(['serve', certificates.cert, certificates.key]);
    await waitFor('the service to listen', () => out().endsWith('\n'));
    ports = JSON.parse(out()) as typeof ports;
  });
  after(() => cleanup.run());

  for (const kind of KINDS)
    test(`${kind.name}: ${kind.requests} requests over ${kind.connections} connections, none on another's span`, async (t) => {
      const requests = await call(kind);
      assert.ok(requests.length >= kind.requests);
      const lost = watcher
        .retransmits(room.inode)
        .filter(
          ({ endpoints, type }: RetransmitRecord) =>
            endpoints.peerPort === ports[kind.name] && type !== 'syn',
        );
      const { found, all, methods } = checkStreams(requests, lost);
      t.diagnostic(
        `${kind.name}: ${found} of ${all} retransmissions have their request's span, by ${[...methods].join(' ')}`,
      );
      assert.ok(all > (kind.share > 0 ? 10 : 0) && found >= all * kind.share, `${found} of ${all}`);
      assert.deepEqual(
        [...methods].filter((method) => !kind.methods.includes(method)),
        [],
      );
      assert.ok(kind.methods.slice(0, 1).every((method) => methods.has(method)));
    });
});
