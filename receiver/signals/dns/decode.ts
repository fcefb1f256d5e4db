import type { RecordDecoder } from '../../decode/batch.ts';
import { DNS_RECORD, PROBE_ID, RECORD_HEADER, RECORD_KIND } from '../../decode/generated/layout.ts';
import type { DnsAnswerRecord } from '../../model/dns-answer.ts';

/** The field is the record's last. */
const MESSAGE_BYTES = DNS_RECORD.size - DNS_RECORD.message;

function decodeAnswer(view: DataView, at: number): DnsAnswerRecord {
  const length = view.getUint32(at + DNS_RECORD.length, true);
  return {
    kind: 'dns_answer',
    timeNs: view.getBigUint64(at + RECORD_HEADER.ts_ns, true),
    // The bytes are the batch's, which is overwritten.
    ...(length <= MESSAGE_BYTES && {
      message: new Uint8Array(view.buffer, view.byteOffset + at + DNS_RECORD.message, length).slice(),
    }),
  };
}

/** `struct dns_record`. */
export const dnsAnswerDecoder: RecordDecoder<DnsAnswerRecord> = {
  kind: RECORD_KIND.RECORD_DNS,
  size: DNS_RECORD.size,
  decode: decodeAnswer,
  probeOf: () => PROBE_ID.PROBE_DNS,
};
