import type {
  ConnectionRecord,
  KernelRecord,
  ListenerRecord,
  OwnerRecord,
  RetransmitRecord,
  StateRecord,
} from '../model/record.ts';
import {
  CONNECTION_RECORD,
  CONNECTION_WHAT,
  DROP_RECORD,
  ENDPOINTS,
  LATENCY_RECORD,
  LISTENER_RECORD,
  OWNER_RECORD,
  RECORD_HEADER,
  RECORD_KIND,
  RESET_RECORD,
  RETRANSMIT_RECORD,
  SOFTIRQ_RECORD,
  STATE_RECORD,
} from './generated/layout.ts';
import { decodeLatency, decodeSoftirq } from './latency.ts';
import { CLOSE_REASON_NAMES, errorTypeOf, RETRANSMIT_TYPE_NAMES, STATE_NAMES } from './names.ts';
import { readOwner, type OwnerTable } from './owners.ts';
import { decodeDrop, decodeReset } from './packets.ts';
import { probeOf } from './received.ts';
import { decodeContext, decodeSocket } from './socket.ts';

/** What decoding met, in records. */
export interface DecodeCounters {
  decoded: number;
  /** Decoded, by probe (`enum probe_id`). */
  readonly received?: number[];
  /** Truncated, of an unknown kind, or with a size that does not fit. */
  bad: number;
}

const WHAT_NAMES: Readonly<Record<number, ConnectionRecord['kind']>> = {
  [CONNECTION_WHAT.CONNECTION_OPEN]: 'open',
  [CONNECTION_WHAT.CONNECTION_ACCEPT]: 'accept',
  [CONNECTION_WHAT.CONNECTION_FAIL]: 'fail',
  [CONNECTION_WHAT.CONNECTION_CLOSE]: 'close',
  [CONNECTION_WHAT.CONNECTION_HANDSHAKE]: 'handshake',
};

/** `tcp_min_rtt` before the first sample (net/ipv4/tcp.c, tcp_init_sock), and `NO_FIGURE` of kinds.h: ~0U. */
const NO_SAMPLE = 0xffffffff;

/** Being filled. */
type Draft<T> = { -readonly [K in keyof T]: T[K] };

type Decoder = (view: DataView, at: number, owners: OwnerTable) => KernelRecord | undefined;

/** Kind to its least size and its decoder. A longer record is a newer one: its tail is ignored. */
const DECODERS: ReadonlyMap<number, { readonly size: number; readonly decode: Decoder }> = new Map([
  [RECORD_KIND.RECORD_OWNER, { size: OWNER_RECORD.size, decode: decodeOwner }],
  [RECORD_KIND.RECORD_CONNECTION, { size: CONNECTION_RECORD.size, decode: decodeConnection }],
  [RECORD_KIND.RECORD_STATE, { size: STATE_RECORD.size, decode: decodeState }],
  [RECORD_KIND.RECORD_LISTENER, { size: LISTENER_RECORD.size, decode: decodeListener }],
  [RECORD_KIND.RECORD_RETRANSMIT, { size: RETRANSMIT_RECORD.size, decode: decodeRetransmit }],
  [RECORD_KIND.RECORD_DROP, { size: DROP_RECORD.size, decode: decodeDrop }],
  [RECORD_KIND.RECORD_RESET, { size: RESET_RECORD.size, decode: decodeReset }],
  [RECORD_KIND.RECORD_LATENCY, { size: LATENCY_RECORD.size, decode: decodeLatency }],
  [RECORD_KIND.RECORD_SOFTIRQ, { size: SOFTIRQ_RECORD.size, decode: decodeSoftirq }],
] as [number, { size: number; decode: Decoder }][]);

/**
 * Decodes the records that `drain` laid back to back, each padded to 8 bytes, and
 * hands them on in order. Never throws: what cannot be read is counted, and a
 * size that cannot be trusted ends the batch as one bad record.
 */
export function decodeBatch(
  bytes: Uint8Array,
  owners: OwnerTable,
  counters: DecodeCounters,
  handle: (record: KernelRecord) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.byteLength) {
    if (at + RECORD_HEADER.size > bytes.byteLength) {
      counters.bad += 1;
      return;
    }
    const size = view.getUint32(at + 12, true);
    if (size < RECORD_HEADER.size || at + size > bytes.byteLength) {
      counters.bad += 1;
      return;
    }
    const entry = DECODERS.get(view.getUint32(at + RECORD_HEADER.kind, true));
    const record = entry !== undefined && size >= entry.size ? entry.decode(view, at, owners) : undefined;
    if (record === undefined) {
      counters.bad += 1;
    } else {
      counters.decoded += 1;
      countReceived(counters, record);
      handle(record);
    }
    at += (size + 7) & ~7;
  }
}

function countReceived({ received }: DecodeCounters, record: KernelRecord): void {
  if (received === undefined) return;
  const probe = probeOf(record);
  received[probe] = (received[probe] ?? 0) + 1;
}

function decodeOwner(view: DataView, at: number, owners: OwnerTable): OwnerRecord {
  const owner = readOwner(view, at + OWNER_RECORD.owner, view, at + OWNER_RECORD.info);
  owners.learn(owner);
  return { kind: 'owner', owner };
}

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
  const closeReason = CLOSE_REASON_NAMES[view.getUint8(at + CONNECTION_RECORD.reason)];
  const outOfOrder = view.getUint32(at + CONNECTION_RECORD.segments_out_of_order, true);
  const context = decodeContext(view, at + CONNECTION_RECORD.context);
  if (record.kind === 'close' && closeReason !== undefined) record.closeReason = closeReason;
  if (outOfOrder !== NO_SAMPLE) record.segmentsOutOfOrder = outOfOrder;
  if (error !== undefined) record.error = error;
  if (context !== undefined) record.context = context;
}

function decodeState(view: DataView, at: number, owners: OwnerTable): StateRecord | undefined {
  const state = STATE_NAMES[view.getUint8(at + STATE_RECORD.endpoints + ENDPOINTS.state)];
  const previous = STATE_NAMES[view.getUint8(at + STATE_RECORD.previous)];
  if (state === undefined || previous === undefined) return undefined;
  return { kind: 'state', ...decodeSocket(view, at, owners), state, previous };
}

function decodeListener(view: DataView, at: number, owners: OwnerTable): ListenerRecord {
  const stop = view.getUint8(at + LISTENER_RECORD.stop) !== 0;
  return {
    kind: stop ? 'listener_stop' : 'listener_start',
    ...decodeSocket(view, at, owners),
    backlog: view.getUint32(at + LISTENER_RECORD.backlog, true),
  };
}

function decodeRetransmit(view: DataView, at: number, owners: OwnerTable): RetransmitRecord | undefined {
  const type = RETRANSMIT_TYPE_NAMES[view.getUint8(at + RETRANSMIT_RECORD.type)];
  const state = STATE_NAMES[view.getUint8(at + RETRANSMIT_RECORD.endpoints + ENDPOINTS.state)];
  if (type === undefined || state === undefined) return undefined;
  const context = decodeContext(view, at + RETRANSMIT_RECORD.context);
  return {
    kind: 'retransmit',
    ...decodeSocket(view, at, owners),
    type,
    state,
    seq: view.getUint32(at + RETRANSMIT_RECORD.seq, true),
    endSeq: view.getUint32(at + RETRANSMIT_RECORD.end_seq, true),
    segments: view.getUint32(at + RETRANSMIT_RECORD.segments, true),
    ...(context !== undefined && { context }),
  };
}
