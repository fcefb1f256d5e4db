import { LATENCY_KIND_VALUE_ACCEPT_QUEUE, LATENCY_KIND_VALUE_RECEIVE_QUEUE } from '../../../semconv/index.ts';
import type { RecordDecoder } from '../../decode/batch.ts';
import { LATENCY_RECORD, PROBE_ID, RECORD_KIND } from '../../decode/generated/layout.ts';
import { LATENCY_KIND_NAMES } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeSocket } from '../../decode/socket.ts';
import type { LatencyRecord } from '../../model/record.ts';

/** Those that the program of a state change does not make. */
const PROBES: Readonly<Record<string, number>> = {
  [LATENCY_KIND_VALUE_ACCEPT_QUEUE]: PROBE_ID.PROBE_ACCEPT,
  [LATENCY_KIND_VALUE_RECEIVE_QUEUE]: PROBE_ID.PROBE_RECEIVE,
};

function decodeLatency(view: DataView, at: number, owners: OwnerTable): LatencyRecord | undefined {
  const what = LATENCY_KIND_NAMES[view.getUint8(at + LATENCY_RECORD.kind)];
  if (what === undefined) return undefined;
  const valueNs = view.getBigUint64(at + LATENCY_RECORD.value_ns, true);
  return { kind: 'latency', ...decodeSocket(view, at, owners), what, valueNs };
}

/** `struct latency_record`. */
export const latencyDecoder: RecordDecoder<LatencyRecord> = {
  kind: RECORD_KIND.RECORD_LATENCY,
  size: LATENCY_RECORD.size,
  decode: decodeLatency,
  probeOf: ({ what }) => PROBES[what] ?? PROBE_ID.PROBE_STATE,
};
