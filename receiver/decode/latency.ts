import type { LatencyRecord, SoftirqRecord } from '../model/record.ts';
import { LATENCY_RECORD, RECORD_HEADER, SOFTIRQ_RECORD } from './generated/layout.ts';
import { LATENCY_KIND_NAMES, SOFTIRQ_NAMES } from './names.ts';
import { NO_OWNER, type OwnerTable } from './owners.ts';
import { decodeSocket } from './socket.ts';

/** `struct latency_record`. */
export function decodeLatency(view: DataView, at: number, owners: OwnerTable): LatencyRecord | undefined {
  const what = LATENCY_KIND_NAMES[view.getUint8(at + LATENCY_RECORD.kind)];
  if (what === undefined) return undefined;
  const valueNs = view.getBigUint64(at + LATENCY_RECORD.value_ns, true);
  return { kind: 'latency', ...decodeSocket(view, at, owners), what, valueNs };
}

/** `struct softirq_record`. */
export function decodeSoftirq(view: DataView, at: number): SoftirqRecord | undefined {
  const vector = SOFTIRQ_NAMES[view.getUint32(at + SOFTIRQ_RECORD.vector, true)];
  if (vector === undefined) return undefined;
  return {
    kind: 'softirq',
    timeNs: view.getBigUint64(at + RECORD_HEADER.ts_ns, true),
    owner: NO_OWNER,
    vector,
    cpu: view.getUint32(at + SOFTIRQ_RECORD.cpu, true),
    valueNs: view.getBigUint64(at + SOFTIRQ_RECORD.value_ns, true),
    isWait: view.getUint8(at + SOFTIRQ_RECORD.waited) !== 0,
  };
}
