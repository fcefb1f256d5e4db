/** What kernels have, as far as the plan asks. */
/** Tracepoint arguments and the programs that load; every other one is refused. */
export interface Kernel {
  readonly tracepoints: Readonly<Record<string, number>>;
  readonly loads: readonly string[];
}

const COMMON = {
  inet_sock_set_state: 3,
  tcp_destroy_sock: 1,
  inet_sk_error_report: 1,
  tcp_retransmit_synack: 2,
  softirq_raise: 1,
  softirq_entry: 1,
  softirq_exit: 1,
  tcp_receive_reset: 1,
  tcp_probe: 2,
  tcp_rcv_space_adjust: 1,
};
/** Programs at tracepoints that are found out by loading them, which all of these kernels do. */
const PROCESSES = ['ws_exec', 'ws_fork', 'ws_exit'];
/** kfree_skb(skb, location); inet_csk_accept() with four arguments; no tracepoint in sendmsg. */
export const LINUX_5_15: Kernel = {
  tracepoints: { ...COMMON, tcp_retransmit_skb: 2, kfree_skb: 2, tcp_send_reset: 2 },
  loads: [
    ...PROCESSES,
    'ws_accept_fexit4',
    'ws_connect_fexit',
    'ws_write_fentry',
    'ws_syn',
    'ws_announce',
    'ws_arrive',
    'ws_http2_arrive',
    'ws_dns_answer',
    'ws_pass',
    'ws_accept_sys_exit',
  ],
};
/** ... and a drop reason (5.17), addresses of each CPU's values (5.19). */
export const LINUX_6_1: Kernel = {
  tracepoints: { ...LINUX_5_15.tracepoints, kfree_skb: 3 },
  loads: [...LINUX_5_15.loads, 'ws_cpus'],
};
/** ... an address gets its type back (6.2), sk_data_ready (6.3), the receiving socket (6.11); tcp_send_reset with a reason, inet_csk_accept() with two arguments (6.10). */
export const LINUX_6_12: Kernel = {
  tracepoints: { ...LINUX_6_1.tracepoints, kfree_skb: 4, tcp_send_reset: 3, sk_data_ready: 1 },
  loads: [
    ...PROCESSES,
    'ws_accept_fexit2',
    'ws_connect_fexit',
    'ws_write_fentry',
    'ws_syn',
    'ws_announce',
    'ws_arrive',
    'ws_http2_arrive',
    'ws_dns_answer',
    'ws_pass',
    'ws_pass_table',
    'ws_accept_sys_exit',
    'ws_cpus',
  ],
};
/** ... tcp_sendmsg_locked (6.15), tcp_retransmit_skb with an error (6.17); trampolines are refused here. */
export const LINUX_6_18_BARE: Kernel = {
  tracepoints: { ...LINUX_6_12.tracepoints, tcp_retransmit_skb: 3, tcp_sendmsg_locked: 4 },
  loads: [
    ...PROCESSES,
    'ws_announce',
    'ws_arrive',
    'ws_http2_arrive',
    'ws_dns_answer',
    'ws_pass_table',
    'ws_accept_sys_exit',
    'ws_connect_sys_exit',
    'ws_cpus',
  ],
};

/** ... and arm64 before 6.4: kprobes, no trampolines. */
export const LINUX_6_1_ARM64: Kernel = {
  ...LINUX_6_1,
  loads: [
    ...PROCESSES,
    'ws_accept_kprobe',
    'ws_write_kprobe',
    'ws_announce',
    'ws_arrive',
    'ws_http2_arrive',
    'ws_dns_answer',
    'ws_pass',
    'ws_accept_sys_exit',
    'ws_connect_sys_exit',
    'ws_cpus',
  ],
};
