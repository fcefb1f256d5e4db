import { followsSockets, type Probe } from '../kernel.ts';
import type { ConnectionOptions } from './options.ts';

export const WRITE_KPROBE = 'ws_write_kprobe';
export const ANNOUNCE = 'ws_announce';
export const ARRIVE = 'ws_arrive';
export const SYN_FENTRY = 'ws_syn';

/** The first write: trace contexts, and the owner. A kprobe knows sockets by their address only: it names no owner. */
export const WRITE: Probe<ConnectionOptions> = {
  name: 'tcp_sendmsg_locked',
  variants: ({ requests, threadContext }) => [
    { programs: ['ws_write'], tracepoint: 'tcp_sendmsg_locked' },
    { programs: ['ws_write_fentry'], words: 'fentry' },
    ...(requests || threadContext ? [{ programs: [WRITE_KPROBE], words: 'a kprobe' }] : []),
  ],
  isWanted: followsSockets,
};

/**
 * Requests that leave with the SYN. Without it, those that connect() and write in one step are met at connect(), where a
 * tracepoint meets writes.
 */
export const SYN: Probe<ConnectionOptions> = {
  name: 'tcp_fastopen_cookie_check',
  variants: () => [{ programs: [SYN_FENTRY], words: 'fentry' }],
  isWanted: ({ requests }) => requests,
  advice: () => '; requests that leave with the SYN of TCP_FASTOPEN_CONNECT have no trace context',
};

/**
 * Requests where they arrive. Where an answer begins is told by the write's program, which a kprobe cannot: it has no
 * type for the socket.
 */
export const ARRIVALS: Probe<ConnectionOptions> = {
  name: 'cgroup_ingress',
  variants: () => [{ programs: [ARRIVE], words: 'cgroup_skb/ingress' }],
  isWanted: ({ requests, arrivals }) => requests && arrivals,
  needs: ['ws_write', 'ws_write_fentry'],
  advice: () =>
    ': what the answers of local servers lose is on no trace. It needs CAP_NET_ADMIN, a mounted cgroup v2, and writes that are met without a kprobe; correlation.http1=clients does without',
};

/** Attempts to connect that fail before there is a SYN: no socket changes its state then. */
export const CONNECT: Probe<ConnectionOptions> = {
  name: 'inet_stream_connect',
  variants: ({ costlyVariants }) => [
    { programs: ['ws_connect_fexit'], words: 'fexit' },
    ...(costlyVariants ? [{ programs: ['ws_connect_sys_exit'], words: 'sys_exit' }] : []),
  ],
  isWanted: followsSockets,
  advice: ({ costlyVariants }) =>
    costlyVariants
      ? ''
      : '; bpf.costly_variants=on counts connects that fail without a SYN, by a program at every system call',
};

/** What applications say of their sockets. */
export const HOOK: Probe<ConnectionOptions> = {
  name: 'cgroup_setsockopt',
  variants: () => [{ programs: [ANNOUNCE], words: 'cgroup/setsockopt' }],
  isWanted: ({ hook }) => hook,
  advice: () =>
    ': what applications announce of their sockets is not heard. It needs CAP_NET_ADMIN and a mounted cgroup v2; correlation.hook=off does without',
};
