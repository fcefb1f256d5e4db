import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkEvent } from '../../../receiver/model/event.ts';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { EVENTS, type EventMode } from '../../../semconv/index.ts';
import {
  connection,
  harness,
  listener,
  owner,
  request,
  retransmit,
  second,
  stateChange,
  unixOffset,
} from '../../support/correlation.ts';

const everything: Record<string, EventMode> = Object.fromEntries(EVENTS.map(({ name }) => [name, 'on']));

function eventOf(record: KernelRecord, modes = everything): NetworkEvent | undefined {
  const { correlator, events } = harness({ events: modes });
  correlator.handle(record);
  assert.ok(events.length <= 1);
  return events[0];
}

const kinds: [KernelRecord, string, number][] = [
  [connection({ kind: 'open' }), 'wirespan.tcp.connection.open', 5],
  [connection({ kind: 'accept', role: 'server' }), 'wirespan.tcp.connection.accept', 5],
  [connection({ kind: 'fail', error: 'timed_out' }), 'wirespan.tcp.connection.fail', 13],
  [connection(), 'wirespan.tcp.connection.close', 9],
  [connection({ error: 'connection_reset' }), 'wirespan.tcp.connection.close', 13],
  [stateChange(), 'wirespan.tcp.state.change', 1],
  [listener(), 'wirespan.tcp.listener.start', 9],
  [listener({ kind: 'listener_stop' }), 'wirespan.tcp.listener.stop', 9],
  ...(['fast', 'tail_loss_probe', 'other'] as const).map((type): [KernelRecord, string, number] => [
    retransmit({ type }),
    'wirespan.tcp.retransmit',
    9,
  ]),
  ...(['timeout', 'syn', 'syn_ack'] as const).map((type): [KernelRecord, string, number] => [
    retransmit({ type }),
    'wirespan.tcp.retransmit',
    13,
  ]),
];

for (const [record, name, severity] of kinds) {
  test(`${record.kind} becomes ${name} of severity ${severity} with registered attributes only`, () => {
    const event = eventOf(record);
    assert.equal(event?.name, name);
    assert.equal(event.severityNumber, severity);
    assert.equal(event.scope, 'wirespan/tcp');
    assert.equal(event.resource.id, 'workload:42');
    assert.equal(event.timeUnixNs, 100n * second + unixOffset);
    const uses = EVENTS.find((descriptor) => descriptor.name === name)?.attributes ?? [];
    const registered = new Set(uses.map(({ key }) => key));
    for (const key of Object.keys(event.attributes))
      assert.ok(registered.has(key), `${key} is not on ${name}`);
    for (const { key, level } of uses) {
      if (level === 'required') assert.ok(key in event.attributes, `${key} is missing on ${name}`);
    }
  });
}

test('nothing comes of an event that is off, or of an owner', () => {
  const off: Record<string, EventMode> = Object.fromEntries(EVENTS.map(({ name }) => [name, 'off']));
  for (const [record] of kinds) assert.equal(eventOf(record, off), undefined);
  assert.equal(eventOf({ kind: 'owner', owner }), undefined);
});

test('an event that is not named has the mode of the registry', () => {
  assert.equal(eventOf(connection(), {}), undefined);
  assert.equal(eventOf(listener(), {})?.name, 'wirespan.tcp.listener.start');
  assert.equal(eventOf(retransmit(), {}), undefined);
  const event = eventOf(retransmit({ context: request(), segments: 3 }), {});
  assert.equal(event?.name, 'wirespan.tcp.retransmit');
  assert.equal(event.attributes['wirespan.tcp.retransmit.segments'], 3);
});

test('a cancelled attempt is no event', () => {
  assert.equal(eventOf(connection({ kind: 'fail', error: 'cancelled' })), undefined);
  assert.equal(eventOf(connection({ kind: 'fail' }))?.attributes['error.type'], '_OTHER');
});

test('the trace context goes on the event, an unsampled one too', () => {
  for (const traceFlags of [0, 1]) {
    const event = eventOf(retransmit({ context: request(1, { traceFlags }) }), {});
    const { traceId, spanId } = request();
    assert.deepEqual(event?.context, {
      traceId,
      spanId,
      traceFlags,
      method: 'http1_header',
      confidence: 'exact',
    });
    assert.equal(event.attributes['wirespan.correlation.method'], 'http1_header');
    assert.equal(event.attributes['wirespan.correlation.confidence'], 'exact');
  }
});

test('without evidence an event has no context and says nothing of correlation', () => {
  for (const [record] of kinds) {
    const event = eventOf(record);
    assert.equal(event?.context, undefined);
    assert.doesNotMatch(Object.keys(event?.attributes ?? {}).join(), /correlation/);
  }
});

test('a handshake whose request is known is the correlated form of an open', () => {
  const correlated = { 'wirespan.tcp.connection.open': 'correlated' } as const;
  const record = connection({ kind: 'handshake', context: request() });
  const event = eventOf(record, correlated);
  assert.equal(event?.context?.spanId, request().spanId);
  assert.equal(event.timeUnixNs, 91n * second + unixOffset);
  assert.equal(eventOf(connection({ kind: 'open' }), correlated), undefined);
  assert.equal(eventOf(record), undefined, 'the open itself was the event');
});

test('endpoints, and the server only where the role is known', () => {
  const client = eventOf(connection())?.attributes ?? {};
  assert.equal(client['network.local.address'], '10.1.2.3');
  assert.equal(client['network.peer.port'], 8_080);
  assert.equal(client['server.address'], '192.0.2.9');
  assert.equal(client['server.port'], 8_080);
  const server = eventOf(connection({ role: 'server' }))?.attributes ?? {};
  assert.equal(server['server.port'], 40_000);
  assert.equal(server['wirespan.tcp.handshake.role'], 'server');
  const { role: _role, ...unknown } = connection();
  const neither = eventOf(unknown)?.attributes ?? {};
  for (const key of ['server.port', 'server.address', 'wirespan.tcp.handshake.role']) {
    assert.equal(key in neither, false, key);
  }
});

test('a full queue of a listener: the accept queue with its length, the SYN queue with what was done', () => {
  const { kind: _kind, backlog, ...socket } = listener();
  const overflow = (more: { action?: string }) => {
    const { correlator, events } = harness({ events: everything });
    correlator.handle({ ...socket, kind: 'queue_overflow', backlog, ...more });
    return events.map(({ name, severityNumber, attributes }) => [
      name,
      severityNumber,
      attributes['server.port'],
      attributes['network.peer.port'],
      attributes['wirespan.tcp.backlog'],
      attributes['wirespan.tcp.syn_queue.action'],
    ]);
  };
  assert.deepEqual(overflow({}), [
    ['wirespan.tcp.accept_queue.overflow', 17, 40_000, undefined, 128, undefined],
  ]);
  assert.deepEqual(overflow({ action: 'cookie' }), [
    ['wirespan.tcp.syn_queue.overflow', 13, 40_000, undefined, undefined, 'cookie'],
  ]);
});

test('a listener has no peer', () => {
  const { attributes = {} } = eventOf(listener()) ?? {};
  assert.equal(attributes['server.port'], 40_000);
  assert.equal(attributes['wirespan.tcp.backlog'], 128);
  assert.doesNotMatch(Object.keys(attributes).join(), /peer|role/);
});

test('figures of a close, in the units of the registry', () => {
  const { attributes = {} } = eventOf(connection({ closeReason: 'peer_fin' })) ?? {};
  assert.equal(attributes['wirespan.tcp.close.reason'], 'peer_fin');
  assert.equal(attributes['wirespan.tcp.connection.lifetime'], 9);
  assert.equal(attributes['wirespan.tcp.connection.bytes_received'], 20);
  assert.equal(attributes['wirespan.tcp.connection.rtt_smoothed'], 0.0015);
  assert.equal(attributes['wirespan.tcp.connection.rto'], 0.204);
  assert.equal(attributes['wirespan.tcp.connection.receive_window_limited'], 1.25);
  assert.equal(attributes['wirespan.tcp.connection.segments_out_of_order'], 6);
  assert.equal('error.type' in attributes, false);
});

test('what is not known is left out, never guessed', () => {
  const unknown = connection({ establishedNs: 0n, rttSmoothedUs: 0, rttMinUs: 0, preexisting: true });
  const { attributes = {} } = eventOf(unknown) ?? {};
  assert.doesNotMatch(Object.keys(attributes).join(), /lifetime|rtt/);
  const accept = eventOf(connection({ kind: 'accept', acceptedNs: 0n }))?.attributes ?? {};
  assert.equal('wirespan.tcp.accept_queue.wait' in accept, false);
  const waited = eventOf(connection({ kind: 'accept', acceptedNs: 92n * second }))?.attributes ?? {};
  assert.equal(waited['wirespan.tcp.accept_queue.wait'], 1);
  assert.equal(eventOf(connection({ kind: 'open' }))?.attributes['wirespan.latency.value'], 1);
});

test('masking touches addresses, not ports', () => {
  for (const [addresses, local] of [
    ['prefix', '10.1.2.0'],
    ['none', undefined],
  ] as const) {
    const { correlator, events } = harness({ events: everything, addresses });
    correlator.handle(connection());
    const { attributes = {} } = events[0] ?? {};
    assert.equal(attributes['network.local.address'], local);
    assert.equal(attributes['network.local.port'], 40_000);
    assert.equal(attributes['network.peer.port'], 8_080);
    assert.doesNotMatch(JSON.stringify(attributes), /10\.1\.2\.3|192\.0\.2\.9/);
  }
});

test('one connection has one id, another socket, namespace or boot another', () => {
  const id = (more: Parameters<typeof connection>[0], bootId = 'boot'): unknown => {
    const { correlator, events } = harness({ events: everything, bootId });
    correlator.handle(connection(more));
    return events[0]?.attributes['wirespan.tcp.connection.id'];
  };
  assert.match(String(id({})), /^[0-9a-f]{16}$/);
  assert.equal(id({}), id({ kind: 'open' }));
  assert.equal(new Set([id({}), id({ cookie: 2n }), id({ netns: 8 }), id({}, 'other')]).size, 4);
});

test('events beyond the rate are counted, and the next says how many', () => {
  const subject = harness({ events: everything, rateLimit: 5 });
  for (let index = 0; index < 17; index += 1) subject.correlator.handle(connection());
  assert.equal(subject.events.length, 10);
  subject.nowNs += second;
  subject.correlator.handle(connection());
  assert.equal(subject.events.at(-1)?.attributes['wirespan.event.suppressed'], 7);
  const { events, eventsRateLimited } = subject.correlator.counters;
  assert.deepEqual({ events, eventsRateLimited }, { events: 11, eventsRateLimited: 7 });
});

test('an event that its mode keeps back is not counted as lost', () => {
  const subject = harness({ rateLimit: 1 });
  for (let index = 0; index < 50; index += 1) subject.correlator.handle(retransmit());
  assert.equal(subject.correlator.counters.eventsRateLimited, 0);
});

test('other modes and limits hold from the moment they are given', () => {
  const spanLimits = { perSecond: 0, maxPerParent: 0, maxPerTrace: 0 };
  const rest = { spans: {}, spanLimits, connectionSampling: { ratio: 1, slowSeconds: 1 } };
  const subject = harness({ events: everything, rateLimit: 1 });
  const send = (count: number): number => {
    const before = subject.events.length;
    for (let index = 0; index < count; index += 1) subject.correlator.handle(connection());
    return subject.events.length - before;
  };
  assert.equal(send(7), 2);
  // Modes alone: the limit goes on where it was.
  subject.correlator.reconfigure({ ...rest, events: everything, rateLimit: 1 });
  assert.equal(send(7), 0);
  subject.correlator.reconfigure({ ...rest, events: everything, rateLimit: 2 });
  assert.equal(send(7), 4);
  subject.correlator.reconfigure({ ...rest, events: {}, rateLimit: 0 });
  assert.equal(send(7), 0);
  const { events, eventsRateLimited } = subject.correlator.counters;
  assert.deepEqual({ events, eventsRateLimited }, { events: 6, eventsRateLimited: 15 });
});
