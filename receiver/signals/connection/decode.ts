import {
  CONNECTION_RECORD,
  CONNECTION_WHAT,
  ENDPOINTS,
  MISSING_STAT,
  PROBE_ID,
  RECORD_KIND,
} from '../../decode/generated/layout.ts';
import type { RecordDecoder } from '../../decode/batch.ts';
import { CLOSE_REASON_NAMES, errorTypeOf, STATE_NAMES } from '../../decode/names.ts';
import type { OwnerTable } from '../../decode/owners.ts';
import { decodeContext, decodeSocket } from '../../decode/socket.ts';
import type { ConnectionRecord } from '../../model/record.ts';

const WHAT_NAMES: Readonly<Record<number, ConnectionRecord['kind']>> = {
  [CONNECTION_WHAT.CONNECTION_OPEN]: 'open',
  [CONNECTION_WHAT.CONNECTION_ACCEPT]: 'accept',
  [CONNECTION_WHAT.CONNECTION_FAIL]: 'fail',
  [CONNECTION_WHAT.CONNECTION_CLOSE]: 'close',
  [CONNECTION_WHAT.CONNECTION_HANDSHAKE]: 'handshake',
  [CONNECTION_WHAT.CONNECTION_LIVE]: 'live',
};

const PROBES: Readonly<Record<ConnectionRecord['kind'], number>> = {
  open: PROBE_ID.PROBE_STATE,
  accept: PROBE_ID.PROBE_ACCEPT,
  fail: PROBE_ID.PROBE_STATE,
  close: PROBE_ID.PROBE_STATE,
  live: PROBE_ID.PROBE_STATE,
  handshake: PROBE_ID.PROBE_REQUEST,
};

/** `tcp_min_rtt` before the first sample (net/ipv4/tcp.c, tcp_init_sock): ~0U. */
const NO_SAMPLE = 0xffffffff;

/** Being filled. */
type Draft<T> = { -readonly [K in keyof T]: T[K] };

function decodeConnection(view: DataView, at: number, owners: OwnerTable): ConnectionRecord | undefined {
  const kind = WHAT_NAMES[view.getUint8(at + CONNECTION_RECORD.what)];
  if (kind === undefined) return undefined;
  const rttMin = view.getUint32(at + CONNECTION_RECORD.rtt_min_us, true);
  const { timeNs, cookie, netns, owner, role, endpoints } = decodeSocket(view, at, owners);
  const record: Draft<ConnectionRecord> = {
    kind,
    timeNs,
    cookie,
    netns,
    owner,
    endpoints,
    handshakeStartNs: view.getBigUint64(at + CONNECTION_RECORD.handshake_start_ns, true),
    establishedNs: view.getBigUint64(at + CONNECTION_RECORD.established_ns, true),
    acceptedNs: view.getBigUint64(at + CONNECTION_RECORD.accepted_ns, true),
    bytesSent: view.getBigUint64(at + CONNECTION_RECORD.bytes_sent, true),
    bytesReceived: view.getBigUint64(at + CONNECTION_RECORD.bytes_received, true),
    segmentsSent: Number(view.getBigUint64(at + CONNECTION_RECORD.segments_sent, true)),
    segmentsReceived: Number(view.getBigUint64(at + CONNECTION_RECORD.segments_received, true)),
    segmentsRetransmitted: Number(view.getBigUint64(at + CONNECTION_RECORD.segments_retransmitted, true)),
    rttSmoothedUs: view.getUint32(at + CONNECTION_RECORD.rtt_smoothed_us, true),
    rttMinUs: rttMin === NO_SAMPLE ? 0 : rttMin,
    rtoUs: view.getUint32(at + CONNECTION_RECORD.rto_us, true),
    receiveWindowLimitedUs: Number(view.getBigUint64(at + CONNECTION_RECORD.receive_window_limited_us, true)),
    synRetransmits: view.getUint32(at + CONNECTION_RECORD.syn_retransmits, true),
    preexisting: view.getUint8(at + CONNECTION_RECORD.preexisting) !== 0,
  };
  if (role !== undefined) record.role = role;
  setWhatIsKnown(record, view, at);
  return record;
}

/** Fields that are there or not. Spreading them in would halve what is decoded in a second. */
function setWhatIsKnown(record: Draft<ConnectionRecord>, view: DataView, at: number): void {
  const error = errorTypeOf(view.getUint8(at + CONNECTION_RECORD.error));
  const state = STATE_NAMES[view.getUint8(at + CONNECTION_RECORD.endpoints + ENDPOINTS.state)];
  const closeReason = CLOSE_REASON_NAMES[view.getUint8(at + CONNECTION_RECORD.reason)];
  const nextUid = view.getUint32(at + CONNECTION_RECORD.endpoints + ENDPOINTS.next_uid, true);
  const outOfOrder = view.getUint32(at + CONNECTION_RECORD.segments_out_of_order, true);
  const context = decodeContext(view, at + CONNECTION_RECORD.context);
  if (nextUid !== 0) record.uid = nextUid - 1;
  if (record.kind === 'live' && state !== undefined) record.state = state;
  if (record.kind === 'close' && closeReason !== undefined) record.closeReason = closeReason;
  if (outOfOrder !== MISSING_STAT.NO_STAT) record.segmentsOutOfOrder = outOfOrder;
  if (error !== undefined) record.error = error;
  if (context !== undefined) record.context = context;
}

/** `struct connection_record`. */
export const connectionDecoder: RecordDecoder<ConnectionRecord> = {
  kind: RECORD_KIND.RECORD_CONNECTION,
  size: CONNECTION_RECORD.size,
  decode: decodeConnection,
  probeOf: ({ kind }) => PROBES[kind],
};
