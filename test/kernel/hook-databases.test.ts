/** `wirespan/hook` in a Node client of Redis and PostgreSQL, with the stock SDK and its instrumentations and without, with segments really lost. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RetransmitRecord } from '../../receiver/model/record.ts';
import { withoutOpenssl } from '../support/certificates.ts';
import { Cleanup } from '../support/cleanup.ts';
import { Dropper } from '../support/dropper.ts';
import { NetNamespace } from '../support/net-namespace.ts';
import { waitFor } from '../support/wait.ts';
import { Watcher } from '../support/watcher.ts';
import { plain } from './rig/conversation.ts';
import { DATABASE_PORTS, startDatabases } from './rig/databases.ts';
import { startHooked } from './rig/hooked-service.ts';
import { checkStreams, type WrittenRequest } from './rig/stream-truth.ts';
import type { Context } from '../support/traceparent.ts';

const PERMILLE = 150;
/** What Redis gets of one command of the client. */
const COMMAND_BYTES = `*3\r\n$3\r\nset\r\n$10\r\nn:00000000\r\n$80\r\n${'x'.repeat(80)}\r\n`.length;

type Sdk = 'instrumented' | 'spans' | 'none';

interface Case {
  readonly kind: keyof typeof DATABASE_PORTS;
  readonly way: string;
  readonly sdk: Sdk;
  readonly commands: number;
  readonly connections: number;
  readonly parallel: number;
  /** How many of what is sent again have a context at least; whose it is, is never wrong. */
  readonly share: number;
  /** A write is of all its commands, so of none of their own spans. */
  readonly isBatch?: true;
}

const some = { commands: 300, connections: 8, parallel: 32 };
const CASES: readonly Case[] = [
  { kind: 'redis', way: 'shared', sdk: 'instrumented', share: 0.95, ...some },
  { kind: 'redis', way: 'shared', sdk: 'spans', share: 0.95, ...some },
  { kind: 'redis', way: 'shared', sdk: 'none', share: 0, ...some },
  { kind: 'redis', way: 'offline', sdk: 'instrumented', share: 0.9, ...some },
  { kind: 'redis', way: 'offline', sdk: 'spans', share: 0.9, ...some },
  { kind: 'redis', way: 'automatic', sdk: 'instrumented', share: 0, isBatch: true, ...some, commands: 900 },
  { kind: 'redis', way: 'pipelined', sdk: 'instrumented', share: 0.95, isBatch: true, ...some },
  { kind: 'redis', way: 'broken', sdk: 'instrumented', share: 0.5, ...some },
  { kind: 'pg', way: 'pooled', sdk: 'instrumented', share: 0.95, ...some },
  { kind: 'pg', way: 'pooled', sdk: 'spans', share: 0.95, ...some },
  { kind: 'pg', way: 'prepared', sdk: 'instrumented', share: 0.95, ...some },
  { kind: 'pg', way: 'called back', sdk: 'instrumented', share: 0.95, ...some },
  { kind: 'pg', way: 'called back', sdk: 'spans', share: 0.95, ...some },
  { kind: 'pg', way: 'queued', sdk: 'instrumented', share: 0.95, ...some },
  { kind: 'pg', way: 'queued', sdk: 'spans', share: 0.95, ...some },
  // Over TLS, a command of the turn in which another was written waits for the next one, and goes out with others.
  { kind: 'rediss', way: 'placed', sdk: 'instrumented', share: 0.2, ...some, connections: 32 },
  { kind: 'pgs', way: 'placed', sdk: 'instrumented', share: 0.95, ...some, connections: 32 },
];

interface SpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** As the client knew it: `asked` is the span in which the application called, `own` that of its instrumentation. */
interface Command {
  readonly text: string;
  readonly startNs: string;
  readonly endNs: string;
  readonly asked: SpanContext;
  readonly own?: SpanContext;
  readonly localPort?: number;
  readonly from?: number;
  readonly to?: number;
}

const contextOf = ({ traceId, spanId, traceFlags }: SpanContext): Context => ({
  traceId,
  spanId,
  flags: traceFlags,
});

interface Counts {
  readonly found: number;
  readonly all: number;
}

describe('a Node client of databases with the hook', { skip: withoutOpenssl }, () => {
  const cleanup = new Cleanup();
  let room: NetNamespace;
  let dropper: Dropper;
  let watcher: Watcher;
  let ca = '';
  /** Commands so far: each has a number of its own. */
  let made = 0;

  before(async () => {
    room = new NetNamespace();
    cleanup.add(() => room.remove());
    dropper = Dropper.attach(room);
    cleanup.add(() => dropper.close());
    ({ ca } = await startDatabases(cleanup, room));
    watcher = new Watcher();
    cleanup.add(() => watcher.close());
  });
  after(() => cleanup.run());

  async function call({ kind, way, sdk, ...numbers }: Case): Promise<Command[]> {
    const { commands, connections, parallel } = numbers;
    const counts = [commands, connections, parallel].map(String);
    const env = {
      NODE_NO_WARNINGS: '1',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.7',
    };
    made += commands;
    const args = [kind, way, String(DATABASE_PORTS[kind]), ca, ...counts, sdk, String(made)];
    const client = startHooked(cleanup, { room, name: 'database-service.ts', args, isHooked: true, env });
    await waitFor('the client', () => client.out() === 'ready\n');
    dropper.lose(DATABASE_PORTS[kind], { permille: PERMILLE });
    client.say('go');
    assert.equal(await client.ended, 0);
    dropper.rest();
    const lines = client.out().trim().split('\n').slice(1);
    assert.equal(lines.length, commands);
    return lines.map((line) => JSON.parse(line) as Command);
  }

  /** By what the lost segments had in them. */
  function checkTexts(
    { way, isBatch }: Case,
    commands: readonly Command[],
    records: readonly RetransmitRecord[],
  ): Counts {
    const lost = new Map(dropper.dropped().map((one) => [`${one.clientPort} ${one.seq}`, one]));
    const counts = { found: 0, all: 0 };
    for (const { endpoints, seq, context } of records) {
      const segment = lost.get(`${endpoints.localPort} ${seq}`);
      const text = /n:\d{8}/.exec(segment?.head ?? '')?.[0];
      const command = commands.find((one) => one.text === text);
      if (segment === undefined || command === undefined) {
        assert.ok(segment === undefined || context === undefined, `${segment?.length} bytes of no command`);
        continue;
      }
      counts.all += 1;
      if (context === undefined) continue;
      counts.found += 1;
      const own = isBatch === true ? undefined : command.own;
      assert.deepEqual(plain(context), contextOf(own ?? command.asked), `of ${text}`);
      assert.equal(context.method, 'sdk_hook');
      if (way === 'automatic') assert.equal(segment.length, COMMAND_BYTES, 'of one command alone');
    }
    return counts;
  }

  for (const one of CASES)
    test(`${one.kind}, ${one.way}, ${one.sdk}: none on another's span`, async (t) => {
      const before = watcher.retransmits(room.inode).length;
      const commands = await call(one);
      const port = DATABASE_PORTS[one.kind];
      const records = watcher
        .retransmits(room.inode)
        .slice(before)
        .filter(({ endpoints, type }) => endpoints.peerPort === port && type !== 'syn');
      const { found, all } =
        one.way === 'placed'
          ? checkStreams(commands.map(writtenOf), records)
          : checkTexts(one, commands, records);
      t.diagnostic(
        `${one.kind}, ${one.way}, ${one.sdk}: ${found} of ${all} retransmissions on their command`,
      );
      assert.ok(all > 10 && found >= all * one.share, `${found} of ${all}`);
      if (one.sdk === 'none') assert.equal(found, 0);
      const isOwn = commands.map(({ own }) => own !== undefined);
      assert.deepEqual(new Set(isOwn), new Set([one.sdk === 'instrumented']));
    });
});

function writtenOf({ localPort = 0, from = 0, to = 0, startNs, endNs, asked, own }: Command): WrittenRequest {
  return { ...contextOf(own ?? asked), localPort, from, to, startNs, endNs };
}
