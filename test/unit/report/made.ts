/** Events and points as the pipeline gives them, without a kernel. */
import type { Attributes } from '@opentelemetry/api';
import type { NetworkEvent } from '../../../receiver/model/event.ts';
import { ReportBuilder } from '../../../receiver/report/builder.ts';
import type { Facts, Report } from '../../../receiver/report/report.ts';

export const START_MS = 1_700_000_000_000;

export const FACTS: Facts = {
  host: 'host',
  kernel: '6.12.0',
  architecture: 'x64',
  wirespan: '0.0.0',
  startMs: START_MS,
  seconds: 10,
  areAddressesMasked: false,
  records: 0,
  ended: 'asked',
  leftOut: [],
  notSeen: [],
};

export function eventOf(
  name: string,
  attributes: Attributes,
  { service = 'shop', ms = 0, traceId }: { service?: string; ms?: number; traceId?: string } = {},
): NetworkEvent {
  const evidence = { spanId: 'a1'.repeat(8), traceFlags: 1, method: 'http1', confidence: 'exact' };
  return {
    name: `wirespan.${name}`,
    resource: { id: service, kind: 'workload', attributes: { 'service.name': service } },
    scope: 'wirespan/tcp',
    severityNumber: 9,
    timeUnixNs: BigInt(START_MS + ms) * 1_000_000n,
    observedTimeUnixNs: 0n,
    attributes,
    ...(traceId !== undefined && { context: { traceId, ...evidence } }),
  };
}

/** Ends of a connection of a client. */
export function endsOf(id: number | string, peer = '192.0.2.1'): Attributes {
  return {
    'network.local.address': '192.0.2.9',
    'network.local.port': 40_000,
    'network.peer.address': peer,
    'network.peer.port': 443,
    'wirespan.tcp.connection.id': String(id),
    'wirespan.tcp.handshake.role': 'client',
    'process.pid': 42,
    'process.executable.name': 'app',
  };
}

export function reportOf(events: Iterable<NetworkEvent>, facts: Partial<Facts> = {}): Report {
  const builder = new ReportBuilder(START_MS);
  for (const event of events) builder.event(event);
  return builder.build({ ...FACTS, ...facts });
}
