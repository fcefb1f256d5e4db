import type { RecordDecoder } from '../../decode/batch.ts';
import { PROBE_ID, RECORD_HEADER, RECORD_KIND, SOFTIRQ_RECORD } from '../../decode/generated/layout.ts';
import { SOFTIRQ_NAMES } from '../../decode/names.ts';
import { NO_OWNER } from '../../decode/owners.ts';
import type { SoftirqRecord } from '../../model/record.ts';

function decodeSoftirq(view: DataView, at: number): SoftirqRecord | undefined {
  const vector = SOFTIRQ_NAMES[view.getUint32(at + SOFTIRQ_RECORD.vector, true)];
  if (vector === undefined) return undefined;
  const valueNs = view.getBigUint64(at + SOFTIRQ_RECORD.value_ns, true);
  // In recordings of earlier versions.
  const isWait = view.getUint8(at + SOFTIRQ_RECORD.waited) !== 0;
  const isWaitKnown = view.getUint8(at + SOFTIRQ_RECORD.wait_known) !== 0;
  return {
    kind: 'softirq',
    timeNs: view.getBigUint64(at + RECORD_HEADER.ts_ns, true),
    owner: NO_OWNER,
    vector,
    cpu: view.getUint32(at + SOFTIRQ_RECORD.cpu, true),
    ...(isWait ? { waitNs: valueNs } : { runNs: valueNs }),
    ...(isWaitKnown && { waitNs: view.getBigUint64(at + SOFTIRQ_RECORD.wait_ns, true) }),
  };
}

/** `struct softirq_record`. */
export const softirqDecoder: RecordDecoder<SoftirqRecord> = {
  kind: RECORD_KIND.RECORD_SOFTIRQ,
  size: SOFTIRQ_RECORD.size,
  decode: decodeSoftirq,
  probeOf: () => PROBE_ID.PROBE_SOFTIRQ,
};
