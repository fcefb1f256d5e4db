/** Records that a view asks the agent for: made while it asks, marked when the agent's settings do not want them. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { loadConfig } from '../../config/index.ts';
import {
  CONNECTION_RECORD,
  CONNECTION_WHAT,
  ENDPOINTS,
  RECORD_HEADER,
  RECORD_KIND,
  RECORD_READER,
  SERIES,
  SERIES_KEY,
  STATE_RECORD,
  VIEWED_RECORD,
} from '../../receiver/decode/generated/layout.ts';
import { kernelOptionsOf } from '../../receiver/settings/kernel.ts';
import { KernelSource } from '../../receiver/source/kernel-source.ts';
import { rowsOf } from '../../receiver/model/map-image.ts';
import { METRIC_TCP_RTT } from '../../semconv/index.ts';
import { Cleanup } from '../support/cleanup.ts';
import { hex, TcpScript } from '../support/script.ts';
import { waitFor } from '../support/wait.ts';
import { closePair, openPair } from './rig/lives.ts';

interface Seen {
  readonly what: string;
  readonly port: number;
  readonly isForViews: boolean;
}

const { RECORD_CONNECTION, RECORD_STATE } = RECORD_KIND;
const WHATS = new Map<number, string>(
  Object.entries(CONNECTION_WHAT).map(([name, number]) => [number, name]),
);

/** Connections and changes of state among records that lie back to back, by the client's port of the other end. */
function seenIn(bytes: Uint8Array): Seen[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const seen: Seen[] = [];
  for (let at = 0; at < bytes.length; at += (view.getUint32(at + RECORD_HEADER.bytes, true) + 7) & ~7) {
    const kind = view.getUint32(at + RECORD_HEADER.kind, true);
    const isForViews = kind >= RECORD_READER.FOR_VIEWS;
    const plain = isForViews ? kind - RECORD_READER.FOR_VIEWS : kind;
    if (plain !== RECORD_CONNECTION && plain !== RECORD_STATE) continue;
    const ends = plain === RECORD_STATE ? STATE_RECORD.endpoints : CONNECTION_RECORD.endpoints;
    const what =
      plain === RECORD_STATE ? 'STATE' : (WHATS.get(view.getUint8(at + CONNECTION_RECORD.what)) ?? '');
    seen.push({ what, port: view.getUint16(at + ends + ENDPOINTS.peer_port, true), isForViews });
  }
  return seen;
}

describe('records for views', () => {
  const cleanup = new Cleanup();
  let script: TcpScript;
  before(() => void ({ script } = TcpScript.open(cleanup)));
  after(() => cleanup.run());

  function start(argv: readonly string[]): {
    source: KernelSource;
    of: (port: number, ...whats: string[]) => boolean[];
  } {
    const config = loadConfig({
      argv: ['--views.socket=/run/wirespan/views.sock', ...argv],
      env: {},
      readFile: () => '',
    });
    const source = KernelSource.start(kernelOptionsOf(config));
    cleanup.add(() => source.close());
    const all: Seen[] = [];
    const of = (port: number, ...whats: string[]): boolean[] => {
      source.drain((bytes) => void all.push(...seenIn(bytes)));
      return all
        .filter((each) => each.port === port && whats.includes(each.what))
        .map(({ isForViews }) => isForViews);
    };
    return { source, of };
  }

  /** One connection from its beginning to its end; the port that it went to. */
  async function live(): Promise<number> {
    const pair = await openPair(script);
    await closePair(script, pair);
    return pair.port;
  }

  test('are made while somebody asks, of what is asked for, and say for whom they are', async () => {
    const { source, of } = start([]);
    const before = await live();
    source.askRecords(1 << VIEWED_RECORD.VIEWED_CLOSE);
    const closes = await live();
    source.askRecords((1 << VIEWED_RECORD.VIEWED_OPEN) | (1 << VIEWED_RECORD.VIEWED_STATE));
    const opens = await live();
    source.askRecords(0);
    const nobody = await live();
    source.askRecords(1 << VIEWED_RECORD.VIEWED_CLOSE);
    const last = await live();
    // The ring keeps their order: what is before the last is there too.
    await waitFor('the last', () => of(last, 'CONNECTION_CLOSE').length > 0);
    const whats = ['CONNECTION_CLOSE', 'CONNECTION_OPEN', 'STATE'];
    assert.deepEqual([of(before, ...whats), of(nobody, ...whats)], [[], []]);
    assert.deepEqual(of(closes, ...whats), [true]);
    assert.deepEqual(of(opens, 'CONNECTION_OPEN'), [true]);
    assert.deepEqual(of(opens, 'CONNECTION_CLOSE'), []);
    // The client goes to SYN_SENT, ESTABLISHED, and by three more to CLOSE.
    assert.deepEqual(of(opens, 'STATE'), [true, true, true, true, true]);
  });

  test('tell of living connections at a pass, which takes no sample that is the agent’s own', async () => {
    const { source, of } = start([]);
    const now = (): bigint => process.hrtime.bigint();
    const pair = await openPair(script);
    const quiet = await openPair(script);
    const told = (): number[] => [pair, quiet].map(({ port }) => of(port, 'CONNECTION_LIVE').length);
    const rtts = (): number => {
      let sum = 0;
      for (const { keys, keyAt, values, valueAt } of rowsOf(source.read('series')))
        if (keys.getUint16(keyAt + SERIES_KEY.server_port, true) === pair.port)
          for (let at = 0; at <= (METRIC_TCP_RTT.boundaries?.length ?? 0); at += 1)
            sum += Number(values.getBigUint64(valueAt + SERIES.rtt + 8 * at, true));
      return sum;
    };
    source.pass(now());
    const before = rtts();
    assert.ok(before > 0);
    source.passForViews(now(), true);
    assert.deepEqual(told(), [0, 0]);
    source.askRecords(1 << VIEWED_RECORD.VIEWED_LIVE);
    source.passForViews(now(), true);
    assert.deepEqual(told(), [1, 1]);
    await script.run('write', pair.client, hex('again'));
    await script.run('read', pair.server, 5);
    while ((await script.run('unacked', pair.client)) > 0);
    source.passForViews(now(), false);
    assert.deepEqual(told(), [2, 1]);
    assert.ok(of(pair.port, 'CONNECTION_LIVE').every((isForViews) => isForViews));
    assert.equal(rtts(), before);
    source.pass(now());
    assert.ok(rtts() > before);
    await closePair(script, pair);
    await closePair(script, quiet);
  });

  test('are the agent’s own where its settings want them', async () => {
    const { source, of } = start(['--events.tcp.connection.close=on']);
    const before = await live();
    source.askRecords(1 << VIEWED_RECORD.VIEWED_CLOSE);
    const asked = await live();
    await waitFor('the last', () => of(asked, 'CONNECTION_CLOSE').length > 0);
    assert.deepEqual([of(before, 'CONNECTION_CLOSE'), of(asked, 'CONNECTION_CLOSE')], [[false], [false]]);
  });
});
