import {
  ATTR_NETWORK_PEER_ADDRESS,
  ATTR_SERVER_ADDRESS,
  EVENT_TCP_CONNECTION_ACCEPT,
  EVENT_TCP_CONNECTION_CLOSE,
  EVENT_TCP_CONNECTION_FAIL,
  EVENT_TCP_CONNECTION_OPEN,
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_DURATION,
  METRIC_TCP_CONNECTION_OPENED,
  METRIC_TCP_CONNECTION_TRANSFER_SIZE,
  METRIC_TCP_HANDSHAKE_DURATION,
  METRIC_TCP_RTT,
  METRIC_TCP_RTT_VARIATION,
  SPAN_TCP_ACCEPT,
  SPAN_TCP_CONNECT,
  SPAN_TCP_CONNECTION,
  type EventDescriptor,
} from '../../../semconv/index.ts';
import { PEER_ROWS, PROBE_ID, ROW_MAP, SERIES_KEY } from '../../decode/generated/layout.ts';
import type { MapImage } from '../../model/map-image.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import {
  followsSockets,
  isAttached,
  modeNumber,
  modeWith,
  onTracepoint,
  type Chosen,
  type KernelMap,
  type VariableValue,
  type Wanted,
} from '../kernel.ts';
import { connectionDecoder } from './decode.ts';
import { ConnectionEvents } from './events.ts';
import { connectionExemplars } from './exemplars.ts';
import { showConnections } from './live.ts';
import type { ConnectionOptions } from './options.ts';
import { connectionRows } from './owned-rows.ts';
import { ANNOUNCE, ARRIVALS, ARRIVE, CONNECT, HOOK, SYN, SYN_FENTRY, WRITE, WRITE_KPROBE } from './probes.ts';
import { rareFailures } from './rare.ts';
import { ConnectionSums } from './sums.ts';

/** Whose measurements are taken at the close of a connection. */
const AT_CLOSE = [
  METRIC_TCP_CONNECTION_CLOSED,
  METRIC_TCP_CONNECTION_DURATION,
  METRIC_TCP_CONNECTION_TRANSFER_SIZE,
  METRIC_TCP_RTT,
];

/** Heads at once that came in part; of more, the oldest are forgotten, which is counted when their rest comes. */
const MAX_WINDOWS = 256;
/** Clients' heads at once that are written in part; of more, those of who has the most are forgotten, which is counted. */
const MAX_HELD_HEADS = 256;
/** Client connections at once; of more, requests are not known, which is counted. */
const MAX_FOLLOWED = 8_192;
/** Processes whose threads publish at once; of more it is not read, which is counted. */
const MAX_PUBLISHERS = 4_096;
/** The oldest make room: their connections keep the owner that is learned later. */
const MAX_UNMET_ACCEPTS = 65_536;
/** Where a socket is known when it is accepted, only those that are not established at that moment wait. */
const MAX_EARLY_ACCEPTS = 1_024;

/** `connect`: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const CONNECT_NUMBERS: Readonly<Record<string, bigint>> = { x64: 42n, arm64: 203n };

const MAPS: readonly KernelMap<ConnectionOptions>[] = [
  {
    name: 'series',
    entries: ({ maxSeries }) => maxSeries,
    sizedBy: 'series',
    rows: { number: ROW_MAP.ROWS_SERIES, overflowAt: SERIES_KEY.overflow },
    isTold: true,
  },
  {
    name: 'connections',
    entries: ({ maxSockets }, { isConnTable }) => (isConnTable ? maxSockets : undefined),
    sizedBy: 'sockets',
  },
  {
    name: 'follows',
    entries: (_options, chosen) => (isAttached(chosen, WRITE_KPROBE) ? MAX_FOLLOWED : undefined),
  },
  {
    name: 'windows',
    entries: (_options, chosen) => (isAttached(chosen, ARRIVE) ? MAX_WINDOWS : undefined),
  },
  {
    name: 'heads',
    entries: ({ requests }) => (requests ? MAX_HELD_HEADS : undefined),
  },
  {
    name: 'thread_layouts',
    entries: ({ threadContext }) => (threadContext ? MAX_PUBLISHERS : undefined),
  },
  {
    name: 'accepts',
    entries: acceptsToNote,
  },
];

const FOLLOWS = { isWanted: followsSockets, isRepaired: true };

/** Connections, and what they moved. */
export const connection: Family<ConnectionOptions> = {
  name: 'connection',
  options,
  probes: [
    onTracepoint('inet_sock_set_state', 'ws_state', FOLLOWS),
    onTracepoint('tcp_destroy_sock', 'ws_destroy', FOLLOWS),
    onTracepoint('inet_sk_error_report', 'ws_error', FOLLOWS),
    CONNECT,
    WRITE,
    SYN,
    ARRIVALS,
    HOOK,
  ],
  variables,
  kernelMaps: MAPS,
  probeNames: {
    [PROBE_ID.PROBE_STATE]: 'inet_sock_set_state',
    [PROBE_ID.PROBE_REQUEST]: 'tcp_sendmsg_locked',
    [PROBE_ID.PROBE_ANNOUNCE]: 'cgroup_setsockopt',
    [PROBE_ID.PROBE_ARRIVE]: 'cgroup_ingress',
    [PROBE_ID.PROBE_THREAD]: 'thread_context',
    [PROBE_ID.PROBE_NODE]: 'node_context',
  },
  records: [connectionDecoder],
  sums: createSums,
  rare: rareFailures,
  events: (parts) => new ConnectionEvents(parts),
  exemplars: connectionExemplars,
};

function options(wanted: Wanted): ConnectionOptions {
  const { attributes, http1, arrivals, hook, threadContext } = wanted;
  const event = (descriptor: EventDescriptor): boolean => wanted.event(descriptor) !== 'off';
  const connects = wanted.span(SPAN_TCP_CONNECT);
  const wantsClose = event(EVENT_TCP_CONNECTION_CLOSE) || wanted.span(SPAN_TCP_CONNECTION) !== 'off';
  return {
    emit: {
      open: event(EVENT_TCP_CONNECTION_OPEN) || connects === 'always',
      accept: event(EVENT_TCP_CONNECTION_ACCEPT) || wanted.span(SPAN_TCP_ACCEPT) !== 'off',
      fail: event(EVENT_TCP_CONNECTION_FAIL) || connects === 'always',
      close: modeWith(wantsClose ? 'on' : 'off', wanted.exemplars(...AT_CLOSE)),
      handshake:
        ((http1 || hook || threadContext) && connects !== 'off') ||
        wanted.exemplars(METRIC_TCP_CONNECTION_OPENED, METRIC_TCP_HANDSHAKE_DURATION, ...AT_CLOSE),
      live: wanted.liveRecords ?? false,
    },
    requests: http1,
    arrivals,
    hook,
    threadContext,
    rttVariation: wanted.metric(METRIC_TCP_RTT_VARIATION),
    transferSize: wanted.metric(METRIC_TCP_CONNECTION_TRANSFER_SIZE),
    peerAddress: peerAddress(wanted),
    details: { serverAddress: wanted.showsAddresses && attributes.has(ATTR_SERVER_ADDRESS) },
  };
}

const PEER_ROW_NUMBERS: Readonly<Record<ConnectionOptions['peerAddress'], number>> = {
  off: PEER_ROWS.PEERS_NONE,
  clients: PEER_ROWS.PEERS_CLIENTS,
  all: PEER_ROWS.PEERS_ALL,
};

/** The live view shows peers, though the metrics leave them out. */
function peerAddress({ attributes, hasLiveView }: Wanted): ConnectionOptions['peerAddress'] {
  if (attributes.has(ATTR_NETWORK_PEER_ADDRESS)) return 'all';
  return hasLiveView ? 'clients' : 'off';
}

function variables(wanted: ConnectionOptions, chosen: Chosen): Readonly<Record<string, VariableValue>> {
  const { emit, details } = wanted;
  return {
    cfg_emit_open: emit.open,
    cfg_emit_accept: emit.accept,
    cfg_emit_fail: emit.fail,
    cfg_emit_close: modeNumber(emit.close),
    cfg_emit_handshake: emit.handshake,
    cfg_emit_live: emit.live,
    cfg_rtt_variation: wanted.rttVariation,
    cfg_transfer_size: wanted.transferSize,
    cfg_peer_address: PEER_ROW_NUMBERS[wanted.peerAddress],
    cfg_server_address: details.serverAddress,
    cfg_requests: wanted.requests || wanted.threadContext || isAttached(chosen, ANNOUNCE),
    cfg_http1: wanted.requests,
    cfg_serves: isAttached(chosen, ARRIVE),
    cfg_hook: isAttached(chosen, ANNOUNCE),
    cfg_thread_context: wanted.threadContext,
    cfg_conn_table: chosen.isConnTable,
    cfg_requests_by_address: isAttached(chosen, WRITE_KPROBE),
    cfg_syn_at_connect: wanted.requests && !isAttached(chosen, WRITE_KPROBE, SYN_FENTRY),
    cfg_accept_by_address: isAcceptByAddress(chosen),
    cfg_connect_nr: CONNECT_NUMBERS[process.arch] ?? 0n,
    cfg_accepts_unseen: !isAcceptByAddress(chosen) && !isAcceptTyped(chosen),
  };
}

/** Accepts are noted by the socket's address, and taken over by the next program that meets it. */
function isAcceptByAddress(chosen: Chosen): boolean {
  return isAttached(chosen, 'ws_accept_kprobe', 'ws_accept_sys_exit');
}

function isAcceptTyped(chosen: Chosen): boolean {
  return isAttached(chosen, 'ws_accept_fexit2', 'ws_accept_fexit4');
}

function acceptsToNote(_options: ConnectionOptions, chosen: Chosen): number | undefined {
  if (isAcceptByAddress(chosen)) return MAX_UNMET_ACCEPTS;
  return isAcceptTyped(chosen) ? MAX_EARLY_ACCEPTS : undefined;
}

function createSums({ context }: SumsParts): FamilySums {
  const connections = new ConnectionSums(context);
  const series = {
    map: 'series',
    isReadOften: true,
    update: (image: MapImage) => connections.update(image),
    rows: connectionRows(connections),
  };
  return {
    maps: [series],
    setGauges: (pass) => connections.setGauges(pass),
    show: (table) => showConnections(table, connections.rows.values()),
  };
}
