import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Exemplar } from '../../../receiver/aggregate/exemplar.ts';
import { RecordExemplars, type RecordExemplarsParts } from '../../../receiver/exemplars/record-exemplars.ts';
import { createCidrLookup } from '../../../receiver/exemplars/subnets.ts';
import { FAMILIES } from '../../../receiver/signals/index.ts';
import type { KernelRecord } from '../../../receiver/model/record.ts';
import { parseCidr } from '../../../config/cidr.ts';
import { connection, dropped, request, retransmit, unixOffset } from '../../support/correlation.ts';

interface Offered extends Exemplar {
  readonly metric: string;
  readonly attributes: object;
}

const opened = 'wirespan.tcp.connection.opened';
const handshake = 'wirespan.tcp.handshake.duration';
const atClose = [
  'wirespan.tcp.connection.closed',
  'wirespan.tcp.connection.duration',
  'wirespan.tcp.rtt',
  'wirespan.tcp.connection.transfer.size',
  'wirespan.tcp.connection.transfer.size',
];

/** What the records are examples of. */
function examplesOf(
  records: readonly KernelRecord[],
  more: Partial<RecordExemplarsParts> & { readonly optIn?: readonly string[]; readonly off?: string } = {},
): Offered[] {
  const offered: Offered[] = [];
  const host = { id: 'host', kind: 'host', attributes: {} } as const;
  const exemplars = new RecordExemplars({
    store: {
      offer: (metric, _resource, attributes, exemplar) =>
        void offered.push({ metric: metric.name, attributes, ...exemplar }),
    },
    filter: 'trace_based',
    context: {
      isOn: ({ name }) => name !== more.off,
      optIn: new Set(more.optIn),
      mask: (address) => address,
      resolve: () => ({ id: 'app', kind: 'workload', attributes: {} }),
      host: () => host,
    },
    cidrOf: () => undefined,
    families: FAMILIES.flatMap(({ exemplars: create }) => create ?? []),
    clock: { toUnixNs: (ns) => ns + unixOffset },
    names: { dropReason: (reason) => `reason_${reason}` },
    ...more,
  });
  for (const record of records) exemplars.see(record);
  return offered;
}

const namesOf = (offered: readonly Offered[]): string[] => offered.map(({ metric }) => metric);

describe('exemplars of records', () => {
  const context = request();

  it('are retransmissions with their type, segments, time and trace', () => {
    const [one, ...rest] = examplesOf([retransmit({ type: 'timeout', segments: 3, context })]);
    assert.deepEqual(rest, []);
    assert.deepEqual(one, {
      metric: 'wirespan.tcp.retransmits',
      attributes: {
        'wirespan.tcp.handshake.role': 'client',
        'server.port': 8_080,
        'wirespan.tcp.retransmit.type': 'timeout',
      },
      time: [1_700_000_100, 0],
      value: 3,
      traceId: context.traceId,
      spanId: context.spanId,
    });
  });

  it('are drops by reason', () => {
    const [one] = examplesOf([dropped({ context })]);
    assert.deepEqual(
      [one?.metric, one?.value, one?.traceId],
      ['wirespan.packet.dropped', 1, context.traceId],
    );
    assert.deepEqual(one?.attributes, {
      'wirespan.packet.drop.reason': 'reason_6',
      'network.transport': 'tcp',
      'network.type': 'ipv4',
    });
  });

  it('are handshakes for a request, and the close of that connection', () => {
    const records = [connection({ kind: 'handshake', context }), connection({ error: 'timed_out' })];
    const offered = examplesOf(records);
    assert.deepEqual(namesOf(offered), [opened, handshake, ...atClose]);
    assert.ok(
      offered.every(({ traceId, spanId }) => traceId === context.traceId && spanId === context.spanId),
    );
    assert.deepEqual(
      offered.map(({ value }) => value),
      [1, 1, 1, 9, 0.0015, 10, 20],
    );
    const failed = offered.filter(({ attributes }) => 'error.type' in attributes);
    assert.deepEqual(namesOf(failed), ['wirespan.tcp.connection.duration']);
  });

  it('are a close of the request that last lost a segment, once', () => {
    const records = [
      connection({ kind: 'handshake', context }),
      retransmit({ context: request(2) }),
      connection(),
      connection(),
    ];
    const closes = examplesOf(records).slice(3);
    assert.equal(closes.length, atClose.length);
    assert.ok(closes.every(({ traceId }) => traceId === request(2).traceId));
  });

  it('need a sampled trace, unless all are wanted', () => {
    const records: KernelRecord[] = [
      retransmit(),
      retransmit({ context: request(1, { traceFlags: 0 }) }),
      connection({ kind: 'fail', error: 'connection_refused' }),
      connection(),
    ];
    assert.deepEqual(examplesOf(records), []);
    assert.deepEqual(examplesOf([retransmit({ context })], { filter: 'always_off' }), []);
    const all = examplesOf(records, { filter: 'always_on' });
    assert.equal(all.length, 2 + 2 + atClose.length);
    assert.equal(all.filter(({ traceId }) => traceId !== undefined).length, 1);
  });

  it('are of metrics that are on', () => {
    const records = [connection({ kind: 'handshake', context })];
    assert.deepEqual(namesOf(examplesOf(records, { off: opened })), [handshake]);
  });

  it('have the opt-in attributes of their series', () => {
    const subnets = ['192.0.0.0/16', '192.0.2.0/24', '10.0.0.0/8'].map(parseCidr);
    const optIn = ['network.peer.address', 'wirespan.peer.cidr', 'network.type'];
    const [one] = examplesOf([retransmit({ context })], { cidrOf: createCidrLookup(subnets), optIn });
    assert.deepEqual(one?.attributes, {
      'wirespan.tcp.handshake.role': 'client',
      'server.port': 8_080,
      'network.type': 'ipv4',
      'network.peer.address': '192.0.2.9',
      'wirespan.peer.cidr': '192.0.2.0/24',
      'wirespan.tcp.retransmit.type': 'fast',
    });
  });
});
