import {
  ATTR_NETWORK_LOCAL_ADDRESS,
  EVENT_TCP_LISTENER_START,
  EVENT_TCP_LISTENER_STOP,
} from '../../../semconv/index.ts';
import { LISTENER_KEY, PROBE_ID, ROW_MAP } from '../../decode/generated/layout.ts';
import type { Family, FamilySums, SumsParts } from '../family.ts';
import { followsSockets, type KernelFacts, type Probe, type VariableValue, type Wanted } from '../kernel.ts';
import { listenerDecoder } from './decode.ts';
import { listenerEvents } from './events.ts';
import { showListeners } from './live.ts';
import { listenerRows } from './owned-rows.ts';
import { queueOverflowRecord } from './queue-overflow.ts';
import { HostNamespaces } from './host-namespaces.ts';
import { KernelNamespaces } from './kernel-namespaces.ts';
import { ListenQueues } from './queues.ts';
import { ListenerSums } from './sums.ts';

export interface ListenerOptions {
  readonly emit: { readonly listener: boolean };
  /** `localAddress`: rows by the address that they listen at. */
  readonly details: { readonly localAddress: boolean };
}

/** An accept: its owner, and how long the connection waited for it. */
const ACCEPT: Probe = {
  name: 'inet_csk_accept',
  variants: ({ costlyVariants }) => [
    { programs: ['ws_accept_fexit2', 'ws_accept_fexit4'], words: 'fexit' },
    { programs: ['ws_accept_kprobe'], words: 'a kprobe' },
    ...(costlyVariants ? [{ programs: ['ws_accept_sys_exit'], words: 'sys_exit' }] : []),
  ],
  isWanted: followsSockets,
  advice: ({ costlyVariants }) =>
    costlyVariants
      ? ''
      : '; bpf.costly_variants=on measures accept queues at about 140 ns on every system call',
};

/** `accept` and `accept4`: arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const ACCEPT_NUMBERS: Readonly<Record<string, readonly [bigint, bigint]>> = {
  x64: [43n, 288n],
  arm64: [202n, 242n],
};

/** Listening sockets and their queues. */
export const listener: Family<ListenerOptions> = {
  name: 'listener',
  options: ({ event, showsAddresses, attributes }: Wanted) => ({
    emit: {
      listener: event(EVENT_TCP_LISTENER_START) !== 'off' || event(EVENT_TCP_LISTENER_STOP) !== 'off',
    },
    details: { localAddress: showsAddresses && attributes.has(ATTR_NETWORK_LOCAL_ADDRESS) },
  }),
  probes: [ACCEPT],
  variables,
  kernelMaps: [
    {
      name: 'listeners',
      rows: { number: ROW_MAP.ROWS_LISTENERS, overflowAt: LISTENER_KEY.overflow },
      isTold: true,
    },
    { name: 'listen_namespaces', isTold: true },
  ],
  probeNames: { [PROBE_ID.PROBE_ACCEPT]: 'inet_csk_accept' },
  records: [listenerDecoder],
  sums: createSums,
  events: listenerEvents,
};

function variables(
  { emit, details }: ListenerOptions,
  { statistics }: KernelFacts,
): Readonly<Record<string, VariableValue>> {
  const [accept, accept4] = ACCEPT_NUMBERS[process.arch] ?? [0n, 0n];
  return {
    cfg_emit_listener: emit.listener,
    cfg_local_address: details.localAddress,
    cfg_accept_nr: accept,
    cfg_accept4_nr: accept4,
    cfg_mib_listen_overflows: statistics['LINUX_MIB_LISTENOVERFLOWS'] ?? 0,
    cfg_mib_queue_full_cookies: statistics['LINUX_MIB_TCPREQQFULLDOCOOKIES'] ?? 0,
    cfg_mib_queue_full_drops: statistics['LINUX_MIB_TCPREQQFULLDROP'] ?? 0,
  };
}

function createSums({ context, kernel, host, overflow, now }: SumsParts): FamilySums {
  const listeners = new ListenerSums(context);
  const onHost = new HostNamespaces((pid, netns) => host.listenCounters(pid, netns));
  const inKernel = new KernelNamespaces({
    read: () => kernel.read('listen_namespaces'),
    delete: (key) => kernel.delete('listen_namespaces', key),
  });
  const queues = new ListenQueues({
    context,
    namespaces: kernel.countsNamespaces ? inKernel : onHost,
    onOverflow: (met) => overflow(queueOverflowRecord(met, now())),
  });
  return {
    maps: [
      {
        map: 'listeners',
        isReadOften: true,
        update: (image) => listeners.update(image),
        rows: listenerRows(listeners),
      },
    ],
    get boundsMet() {
      return {
        'network namespaces forgotten': onHost.forgotten,
        'listeners forgotten unsettled': listeners.unsettled,
      };
    },
    meet: ({ netns, pid }) => {
      if (!kernel.countsNamespaces) onHost.meet(netns, pid);
    },
    setGauges: (pass) => listeners.setGauges(pass),
    show: (table) => showListeners(table, listeners.rows.values()),
    settle: (pass) => queues.settle(listeners.takeRows(), pass),
  };
}
