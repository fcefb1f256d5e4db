/** Spans and events to export, and what must hold of the counters in the end. */
import type { NetworkEvent, NetworkSpan } from '../../receiver/model/event.ts';
import type { ObservedResource } from '../../receiver/model/resource.ts';
import type { SignalCounters } from '../../receiver/export/counters.ts';
import assert from 'node:assert/strict';

export function service(name: string): ObservedResource {
  return { id: name, kind: 'workload', attributes: { 'service.name': name, 'process.pid': 4711 } };
}

export function spanOf(number: number, changes: Partial<NetworkSpan> = {}): NetworkSpan {
  return {
    name: 'tcp connect 443',
    resource: service('shop'),
    scope: 'wirespan/tcp',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: number.toString(16).padStart(16, '0'),
    traceFlags: 1,
    startUnixNs: 1_790_000_000_123_456_789n,
    endUnixNs: 1_790_000_000_123_999_999n,
    attributes: { 'server.port': 443 },
    failed: false,
    links: [],
    ...changes,
  };
}

export function eventOf(number: number, changes: Partial<NetworkEvent> = {}): NetworkEvent {
  return {
    name: 'wirespan.tcp.retransmit',
    resource: service('shop'),
    scope: 'wirespan/tcp',
    severityNumber: 13,
    timeUnixNs: 1_790_000_000_000_000_001n + BigInt(number),
    observedTimeUnixNs: 1_790_000_001_000_000_001n,
    attributes: { number },
    ...changes,
  };
}

export function assertConserved(counters: SignalCounters): void {
  const dropped = Object.values(counters.dropped).reduce((sum, n) => sum + n, 0);
  assert.equal(counters.accepted, counters.exported + dropped + counters.inFlight);
}
