/** Stages of packets as the collector wrote them: a queue holds every second packet, each of a request of its own. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogEntry } from '../backends/otlp.ts';
import { Cleanup } from '../support/cleanup.ts';
import type { NetNamespace } from '../support/net-namespace.ts';
import { checkAgainstRegistry } from '../support/registry-check.ts';
import { hex } from '../support/script.ts';
import { newContext, requestOf } from '../support/traceparent.ts';
import { waitFor } from '../support/wait.ts';
import { observe, type Output } from './observe.ts';
import { findEvents, findPoints, histogramOf } from './otlp.ts';
import { FAR, HELD_MS, NEAR, REFILL_MS, SEGMENT, Street, THRESHOLD_MS } from './street.ts';

const DURATION = 'wirespan.packet.stage.duration';
const SLOW = 'wirespan.packet.slow';
const REQUESTS = 47;
const ANSWER = hex('HTTP/1.1 204 No Content\r\n\r\n');
/** Bytes of a body with which a request fills two segments. */
const BODY = 2 * SEGMENT - (requestOf(newContext(), 1_000).length - 1_000);

/** All that its TCP sent: first segments, and those that were sent again. */
function sentBy(room: NetNamespace): number {
  const counter = room.counters();
  return counter('TcpOutSegs') + counter('TcpRetransSegs');
}

describe('stages of packets over OTLP', () => {
  const cleanup = new Cleanup();
  // The last one is not sampled.
  const contexts = Array.from({ length: REQUESTS }, (_, i) => newContext(i === REQUESTS - 1 ? 0 : 1));
  let output: Output;
  let street: Street;
  let port: number;
  let segments: { readonly near: number; readonly far: number };

  before(async () => {
    street = new Street(cleanup);
    Street.hold(street.near, 'va');
    let listener: number;
    ({ listener, port } = await street.server.listen('listen-any'));
    const { finish } = await observe(cleanup, {
      settings: {
        WIRESPAN_METRICS_PACKET_STAGE_DURATION: 'on',
        WIRESPAN_EVENTS_PACKET_SLOW: 'on',
        WIRESPAN_EVENTS_RATE_LIMIT: '0',
        WIRESPAN_THRESHOLDS_PACKET_STAGE: `${THRESHOLD_MS}ms`,
        WIRESPAN_PACKETS_SAMPLE: '1',
        WIRESPAN_PACKETS_PORTS: String(port),
        WIRESPAN_PACKETS_ADDRESS: FAR,
      },
    });
    const { client, server } = street;
    const [socket, accepted] = await street.connect(port, listener);
    for (const context of contexts) {
      await sleep(REFILL_MS);
      await street.send(socket, 'write', hex(requestOf(context, BODY)));
      await server.run('read', accepted, 2 * SEGMENT);
      await server.run('write', accepted, ANSWER);
      await client.run('read', socket, ANSWER.length / 2);
    }
    await waitFor('the last acknowledgement', async () => (await server.run('unacked', accepted)) === 0);
    segments = { near: sentBy(street.near), far: sentBy(street.far) };
    output = await finish();
  });
  after(() => cleanup.run());

  it('are counted once for each packet that went through an interface', () => {
    const countOf = (stage: string, name: string): number =>
      histogramOf(output.metrics, DURATION, {
        attributes: { 'wirespan.packet.stage': stage, 'network.interface.name': name },
      }).count;
    for (const [from, to, sent] of [
      ['va', 'vba', segments.near],
      ['vc', 'vbc', segments.far],
    ] as const) {
      assert.ok(sent > REQUESTS, String(sent));
      const path = [
        ['qdisc', from],
        ['driver', from],
        ['driver_to_ip', to],
        ['forward', to],
      ] as const;
      assert.deepEqual(
        path.map(([stage, name]) => [stage, name, countOf(stage, name)]),
        path.map(([stage, name]) => [stage, name, sent]),
      );
    }
    // Behind the bridge they are those of the other end.
    for (const stage of ['qdisc', 'driver'])
      assert.deepEqual([countOf(stage, 'vbc'), countOf(stage, 'vba')], [segments.near, segments.far]);
    const held = histogramOf(output.metrics, DURATION, {
      attributes: { 'wirespan.packet.stage': 'qdisc', 'network.interface.name': 'va' },
    });
    assert.ok(held.sum > (REQUESTS * (HELD_MS - 1)) / 1e3, String(held.sum));
    assert.ok(findPoints(output.metrics, DURATION).every(({ unit }) => unit === 's'));
  });

  /** Events of a request's packets by number, from its first byte on; without those of packets that were sent again. */
  function byNumber(events: readonly LogEntry[]): ReadonlyMap<number, LogEntry> {
    const sequences = events.map(({ attributes }) => Number(attributes['wirespan.packet.sequence']));
    const first = Math.min(...sequences) - SEGMENT;
    const found = new Map<number, LogEntry>();
    for (const [i, event] of events.entries()) {
      const number = ((sequences[i] ?? 0) - first) / SEGMENT;
      if (!found.has(number)) found.set(number, event);
    }
    return found;
  }

  it('that took too long are told with the whole way, on the trace of the request, and no other packet is', () => {
    const events = findEvents(output.logs, SLOW);
    const numbers = byNumber(events);
    assert.deepEqual(
      [...numbers.keys()].sort((a, b) => a - b),
      contexts.map((_, i) => 2 * i + 1),
    );
    for (const [i, { traceId, spanId }] of contexts.entries()) {
      const event = numbers.get(2 * i + 1);
      assert.deepEqual([event?.traceId, event?.spanId], [traceId, spanId], String(i));
      const { attributes = {} } = event ?? {};
      assert.deepEqual(
        [attributes['source.address'], attributes['destination.address'], attributes['destination.port']],
        [NEAR, FAR, port],
      );
      assert.equal(attributes['wirespan.packet.payload.size'], SEGMENT);
      assert.equal(attributes['wirespan.correlation.method'], 'http1_header');
      const list = (name: string): readonly unknown[] =>
        attributes[`wirespan.packet.way.${name}`] as unknown as readonly unknown[];
      const [stages, names] = [list('stages'), list('interfaces')];
      assert.deepEqual(
        stages.map((stage, at) => `${String(stage)} ${String(names[at])}`),
        ['qdisc va', 'driver va', 'driver_to_ip vba', 'forward vba', 'qdisc vbc', 'driver vbc'].concat(
          ...['driver_to_ip vc', 'ip_to_tcp vc'],
        ),
      );
      const { near, bridge, far } = street;
      const rooms = [near, near, bridge, bridge, bridge, bridge, far, far];
      assert.deepEqual(
        list('namespaces').map(Number),
        rooms.map(({ inode }) => inode),
      );
      const values = list('values').map(Number);
      assert.deepEqual(
        [attributes['wirespan.packet.stage'], attributes['network.interface.name']],
        ['qdisc', 'va'],
      );
      assert.equal(attributes['wirespan.latency.value'], values[0]);
      assert.ok(Number(values[0]) > (HELD_MS - 1) / 1e3, String(values[0]));
    }
    // What was sent again waited in the same queue, and is on the same trace.
    for (const event of events) assert.ok(contexts.some(({ traceId }) => traceId === event.traceId));
  });

  it('are of whose socket sent them', () => {
    const pids = new Set(findEvents(output.logs, SLOW).map(({ resource }) => resource['process.pid']));
    assert.equal(pids.size, 1);
  });

  it('are as the registry has them', () => assert.deepEqual(checkAgainstRegistry(output.lines), []));
});
