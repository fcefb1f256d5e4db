import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kernelOptionsOf } from '../../../receiver/settings/kernel.ts';
import { load } from '../config/sources.ts';

function optionsWith(env: Readonly<Record<string, string>> = {}): ReturnType<typeof kernelOptionsOf> {
  const settings = Object.entries(env).map(([key, value]) => [`WIRESPAN_${key}`, value]);
  return kernelOptionsOf(load({ env: Object.fromEntries(settings) as Record<string, string> }));
}

const NO_RECORDS = {
  EVENTS_TCP_CONNECTION_FAIL: 'off',
  EVENTS_TCP_LISTENER_START: 'off',
  EVENTS_TCP_LISTENER_STOP: 'off',
  EVENTS_TCP_RETRANSMIT: 'off',
  EVENTS_PACKET_DROP: 'off',
  EVENTS_TCP_RESET: 'off',
  SPANS_TCP_CONNECT: 'off',
  SPANS_TCP_RETRANSMIT: 'off',
  SPANS_TCP_EXCHANGE: 'off',
  SPANS_PACKET_DROP: 'off',
  OTLP_METRICS_EXEMPLAR_FILTER: 'always_off',
};

/** Which records are made, with everything else off. */
function emittedWith(env: Readonly<Record<string, string>>): string[] {
  const { emit } = optionsWith({ ...NO_RECORDS, ...env });
  return Object.entries(emit).flatMap(([name, value]) => {
    if (value === false || value === 'off') return [];
    return [value === true ? name : `${name} ${value}`];
  });
}

/** How requests are known. */
const WAYS = ['CORRELATION_HTTP1', 'CORRELATION_HOOK', 'CORRELATION_THREAD_CONTEXT'];
const NO_WAY = Object.fromEntries(WAYS.map((way) => [way, 'off']));

describe('kernelOptionsOf', () => {
  it('asks for what the defaults need', () => {
    assert.partialDeepStrictEqual(optionsWith(), {
      ringBufferBytes: 4_194_304,
      maxSeries: 16_384,
      maxSockets: 262_144,
      maxOwners: 16_384,
      costlyVariants: false,
      emit: {
        open: false,
        accept: false,
        fail: true,
        close: 'correlated',
        state: false,
        listener: true,
        retransmit: 'correlated',
        handshake: true,
        drop: 'correlated',
        reset: false,
        latency: false,
        softirqSlow: false,
      },
      thresholds: {
        handshakeUs: 500_000,
        acceptQueueUs: 100_000,
        receiveQueueUs: 0,
        rttUs: 500_000,
        softirqRunUs: 10_000,
        softirqWaitUs: 10_000,
      },
      requests: true,
      stateDuration: false,
      rttVariation: false,
      transferSize: false,
      peerAddress: 'off',
      details: {
        serverAddress: false,
        localAddress: false,
        resetCidr: false,
        retransmitState: false,
        statePort: false,
        dropFunction: false,
        dropInterface: false,
        dropState: false,
        dropPort: false,
      },
      retransmits: true,
      drops: true,
      dropStacks: false,
      resets: true,
      subnets: [],
      receive: false,
      receiveDuration: false,
      softirqs: true,
      softirqDuration: true,
      softirqWait: false,
      filter: { include: [], exclude: [] },
    });
  });

  it('hands sizes and variants on', () => {
    const { ringBufferBytes, maxSeries, maxOwners, costlyVariants } = optionsWith({
      BPF_RING_BUFFER_SIZE: '65536',
      BPF_MAX_SERIES: '100',
      BPF_MAX_OWNERS: '200',
      BPF_COSTLY_VARIANTS: 'on',
    });
    assert.deepEqual([ringBufferBytes, maxSeries, maxOwners, costlyVariants], [65_536, 100, 200, true]);
  });

  it('has no record made that nobody needs', () => {
    assert.deepEqual(emittedWith({}), []);
  });

  for (const [setting, value, record] of [
    ['EVENTS_TCP_CONNECTION_OPEN', 'on', 'open'],
    ['EVENTS_TCP_CONNECTION_ACCEPT', 'on', 'accept'],
    ['EVENTS_TCP_CONNECTION_FAIL', 'correlated', 'fail'],
    ['EVENTS_TCP_CONNECTION_CLOSE', 'on', 'close on'],
    ['EVENTS_TCP_STATE_CHANGE', 'on', 'state'],
    ['EVENTS_TCP_LISTENER_START', 'on', 'listener'],
    ['EVENTS_TCP_LISTENER_STOP', 'on', 'listener'],
    ['EVENTS_TCP_RETRANSMIT', 'on', 'retransmit on'],
    ['EVENTS_TCP_RETRANSMIT', 'correlated', 'retransmit correlated'],
    ['EVENTS_PACKET_DROP', 'on', 'drop on'],
    ['EVENTS_PACKET_DROP', 'correlated', 'drop correlated'],
    ['EVENTS_TCP_RESET', 'on', 'reset'],
    ['SPANS_TCP_RETRANSMIT', 'correlated', 'retransmit correlated'],
    ['SPANS_PACKET_DROP', 'correlated', 'drop correlated'],
    ['SPANS_TCP_CONNECTION', 'always', 'close on'],
    ['SPANS_TCP_ACCEPT', 'always', 'accept'],
    ['SPANS_TCP_CONNECT', 'correlated', 'handshake'],
  ] as const) {
    it(`has '${record}' made for ${setting}=${value}`, () => {
      assert.deepEqual(emittedWith({ [setting]: value }), [record]);
    });
  }

  it('has opens and failures made for every handshake span', () => {
    assert.deepEqual(emittedWith({ SPANS_TCP_CONNECT: 'always' }), ['open', 'fail', 'handshake']);
  });

  for (const setting of ['SPANS_TCP_RETRANSMIT', 'SPANS_TCP_CONNECT', 'SPANS_PACKET_DROP'])
    it(`has the records of ${setting} made whichever way requests are known, and for none`, () => {
      const emitted = (...on: string[]): string[] =>
        emittedWith({
          [setting]: 'correlated',
          ...NO_WAY,
          ...Object.fromEntries(on.map((way) => [way, 'on'])),
        });
      assert.deepEqual(emitted(), []);
      for (const way of WAYS) assert.deepEqual(emitted(way), emitted(...WAYS));
    });

  it('has the records of measurements on a trace made for exemplars', () => {
    const examples = { OTLP_METRICS_EXEMPLAR_FILTER: 'trace_based' };
    const all = ['retransmit correlated', 'close correlated', 'handshake', 'drop correlated'];
    assert.deepEqual(emittedWith(examples), all);
    for (const one of WAYS) assert.deepEqual(emittedWith({ ...examples, [one]: 'off' }), all);
    assert.deepEqual(emittedWith({ ...examples, ...NO_WAY }), []);
    assert.deepEqual(emittedWith({ ...examples, OTLP_METRICS_EXPORTER: 'none' }), []);
    const atClose = {
      METRICS_TCP_CONNECTION_CLOSED: 'off',
      METRICS_TCP_CONNECTION_DURATION: 'off',
      METRICS_TCP_RTT: 'off',
    };
    assert.deepEqual(
      emittedWith({ ...examples, ...atClose }),
      all.filter((each) => each !== 'close correlated'),
    );
  });

  it('never makes an event of every retransmission one of few', () => {
    const env = { EVENTS_TCP_RETRANSMIT: 'on', SPANS_TCP_RETRANSMIT: 'correlated' };
    assert.deepEqual(emittedWith(env), ['retransmit on']);
  });

  it('reads no request without correlation', () => {
    const { requests, hook, threadContext } = optionsWith(NO_WAY);
    assert.deepEqual([requests, hook, threadContext], [false, false, false]);
  });

  it('measures what the metrics are', () => {
    const on = optionsWith({
      METRICS_TCP_STATE_DURATION: 'on',
      METRICS_TCP_RTT_VARIATION: 'on',
      METRICS_TCP_CONNECTION_TRANSFER_SIZE: 'on',
    });
    assert.deepEqual([on.stateDuration, on.rttVariation, on.transferSize], [true, true, true]);
    const off = optionsWith({ METRICS_SOFTIRQ_TIME: 'off', METRICS_SOFTIRQ_DURATION: 'off' });
    assert.deepEqual([off.softirqs, off.softirqDuration], [false, false]);
    const durationOnly = optionsWith({ METRICS_SOFTIRQ_TIME: 'off' });
    assert.deepEqual([durationOnly.softirqs, durationOnly.softirqDuration], [true, true]);
    const timeOnly = optionsWith({ METRICS_SOFTIRQ_DURATION: 'off' });
    assert.deepEqual([timeOnly.softirqs, timeOnly.softirqDuration], [true, false]);
    const waitOnly = optionsWith({
      METRICS_SOFTIRQ_TIME: 'off',
      METRICS_SOFTIRQ_DURATION: 'off',
      METRICS_SOFTIRQ_WAIT_DURATION: 'on',
    });
    assert.deepEqual(
      [waitOnly.softirqs, waitOnly.softirqDuration, waitOnly.softirqWait],
      [true, false, true],
    );
  });

  it('watches drops and resets while the metric, the event or the span wants them', () => {
    const none = { ...NO_RECORDS, METRICS_PACKET_DROPPED: 'off', METRICS_TCP_RESETS: 'off' };
    const watched = (env: Record<string, string>): boolean[] => {
      const { drops, resets, dropStacks } = optionsWith({ ...none, ...env });
      return [drops, resets, dropStacks];
    };
    assert.deepEqual(watched({}), [false, false, false]);
    assert.deepEqual(watched({ METRICS_PACKET_DROPPED: 'on' }), [true, false, false]);
    for (const mode of ['on', 'correlated'])
      assert.deepEqual(watched({ EVENTS_PACKET_DROP: mode }), [true, false, false]);
    assert.deepEqual(watched({ SPANS_PACKET_DROP: 'correlated' }), [true, false, false]);
    assert.deepEqual(watched({ METRICS_TCP_RESETS: 'on' }), [false, true, false]);
    assert.deepEqual(watched({ EVENTS_TCP_RESET: 'on' }), [false, true, false]);
    assert.deepEqual(watched({ ATTRIBUTES_CODE_STACKTRACE: 'on' }), [false, false, true]);
  });

  it('hands the subnets on', () => {
    const { subnets } = kernelOptionsOf(load({ yaml: 'subnets: [192.0.2.0/24, "2001:db8::/32"]\n' }));
    assert.deepEqual(
      subnets.map(({ address, prefixLength, family }) => [address, prefixLength, family]),
      [
        ['192.0.2.0', 24, 'ipv4'],
        ['2001:db8::', 32, 'ipv6'],
      ],
    );
  });

  it('watches retransmissions while the metric, the event or the span wants them', () => {
    const none = { ...NO_RECORDS, METRICS_TCP_RETRANSMITS: 'off' };
    assert.equal(optionsWith(none).retransmits, false);
    for (const [key, value] of [
      ['METRICS_TCP_RETRANSMITS', 'on'],
      ['EVENTS_TCP_RETRANSMIT', 'correlated'],
      ['SPANS_TCP_RETRANSMIT', 'correlated'],
    ] as const)
      assert.equal(optionsWith({ ...none, [key]: value }).retransmits, true, key);
  });

  it('keeps peers apart for the live view, and for metrics that ask', () => {
    assert.equal(optionsWith({ OUTPUT: 'table' }).peerAddress, 'clients');
    assert.equal(optionsWith({ OUTPUT: 'none', ATTRIBUTES_NETWORK_PEER_ADDRESS: 'on' }).peerAddress, 'all');
  });

  it('tells rows apart by what opt-in attributes need', () => {
    const detailsWith = (...names: string[]): string[] => {
      const env = Object.fromEntries(names.map((name) => [`ATTRIBUTES_${name}`, 'on']));
      return Object.entries(optionsWith(env).details).flatMap(([name, isOn]) => (isOn ? [name] : []));
    };
    assert.deepEqual(detailsWith('SERVER_ADDRESS'), ['serverAddress']);
    assert.deepEqual(detailsWith('NETWORK_LOCAL_ADDRESS'), ['localAddress']);
    assert.deepEqual(detailsWith('PEER_CIDR'), ['resetCidr']);
    assert.deepEqual(detailsWith('NETWORK_CONNECTION_STATE'), ['retransmitState', 'dropState']);
    assert.deepEqual(detailsWith('SERVER_PORT'), ['dropPort', 'statePort']);
    assert.deepEqual(detailsWith('CODE_FUNCTION_NAME', 'NETWORK_INTERFACE_NAME'), [
      'dropFunction',
      'dropInterface',
    ]);
    const masked = optionsWith({ ADDRESSES: 'none', ATTRIBUTES_SERVER_ADDRESS: 'on' });
    assert.equal(masked.details.serverAddress, false);
  });

  it('follows data until it is read when its metric is on, or its threshold and the event', () => {
    const receiveWith = (env: Readonly<Record<string, string>>): boolean[] => {
      const { receive, receiveDuration, emit } = optionsWith(env);
      return [receive, receiveDuration, emit.latency];
    };
    const outlier = { EVENTS_TCP_LATENCY_OUTLIER: 'on' };
    assert.deepEqual(receiveWith({ METRICS_TCP_RECEIVE_QUEUE_DURATION: 'on' }), [true, true, false]);
    assert.deepEqual(receiveWith({ THRESHOLDS_RECEIVE_QUEUE: '1ms' }), [false, false, false]);
    assert.deepEqual(receiveWith(outlier), [false, false, true]);
    assert.deepEqual(receiveWith({ EVENTS_TCP_LATENCY_OUTLIER: 'correlated' }), [false, false, false]);
    assert.deepEqual(receiveWith({ ...outlier, THRESHOLDS_RECEIVE_QUEUE: '1ms' }), [true, false, true]);
  });

  it('looks at softirqs for slow ones, at waits only where their threshold is given', () => {
    const off = {
      METRICS_SOFTIRQ_TIME: 'off',
      METRICS_SOFTIRQ_DURATION: 'off',
      EVENTS_SOFTIRQ_SLOW: 'on',
    };
    const softirqsWith = (env: Readonly<Record<string, string>>): boolean[] => {
      const { softirqs, softirqDuration, softirqWait } = optionsWith({ ...off, ...env });
      return [softirqs, softirqDuration, softirqWait];
    };
    assert.deepEqual(softirqsWith({}), [true, false, true]);
    assert.deepEqual(softirqsWith({ THRESHOLDS_SOFTIRQ_WAIT: '0' }), [true, false, false]);
    assert.deepEqual(softirqsWith({ THRESHOLDS_SOFTIRQ_RUN: '0' }), [true, false, true]);
    assert.deepEqual(softirqsWith({ THRESHOLDS_SOFTIRQ_RUN: '0', THRESHOLDS_SOFTIRQ_WAIT: '0' }), [
      false,
      false,
      false,
    ]);
    assert.deepEqual(softirqsWith({ EVENTS_SOFTIRQ_SLOW: 'off' }), [false, false, false]);
    const { thresholds } = optionsWith({ THRESHOLDS_SOFTIRQ_RUN: '35us', THRESHOLDS_RTT: '2s' });
    assert.deepEqual([thresholds.softirqRunUs, thresholds.rttUs], [35, 2_000_000]);
  });
});
