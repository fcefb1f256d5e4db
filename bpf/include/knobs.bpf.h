/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Knobs, set before load. */
#ifndef WIRESPAN_KNOBS_H
#define WIRESPAN_KNOBS_H

#include "kernel.h"

const volatile u32 cfg_tick_ns = 0;	      /* one jiffy */
const volatile u64 cfg_ring_wakeup_bytes = 0; /* wake the reader at this fill */
const volatile u8 cfg_emit_open = 0;
const volatile u8 cfg_emit_accept = 0;
const volatile u8 cfg_emit_fail = 0;
const volatile u8 cfg_emit_close = 0; /* 1: of those opened for a sampled request, 2: every one */
const volatile u8 cfg_emit_state = 0;
const volatile u8 cfg_emit_listener = 0;
const volatile u8 cfg_emit_retransmit = 0; /* 1: on a trace only, 2: every one */
const volatile u8 cfg_emit_drop = 0;	   /* 1: on a trace only, 2: every one */
const volatile u8 cfg_drop_stack = 0;
const volatile u32 cfg_drop_queue_purge = 0; /* QUEUE_PURGE of this kernel: no event on a trace */
const volatile u8 cfg_emit_reset = 0;
const volatile u8 cfg_sees_resets = 0;	    /* the programs for them are loaded */
const volatile u8 cfg_reset_has_reason = 0; /* tcp_send_reset with a reason (6.10) */
const volatile u32 cfg_subnets = 0;	    /* how many `subnets` holds */
const volatile u8 cfg_state_duration = 0;
const volatile u8 cfg_conn_table = 0; /* conns are kept by address: track.bpf.h */
const volatile u8 cfg_rtt_variation = 0;
const volatile u8 cfg_transfer_size = 0;
const volatile u8 cfg_peer_address = 0;	       /* 1: in clients' rows, 2: in every row */
const volatile u8 cfg_server_address = 0;      /* rows by the address of the server's end */
const volatile u8 cfg_local_address = 0;       /* listeners' rows by the address they listen at */
const volatile u8 cfg_reset_cidr = 0;	       /* resets by the peer's subnet */
const volatile u8 cfg_retransmit_state = 0;    /* retransmits by the state of their socket */
const volatile u8 cfg_state_port = 0;	       /* state durations by the server's port */
const volatile u8 cfg_drop_function = 0;       /* drops by these */
const volatile u8 cfg_drop_interface = 0;      /* " */
const volatile u8 cfg_drop_state = 0;	       /* " */
const volatile u8 cfg_drop_port = 0;	       /* " */
const volatile u8 cfg_requests = 0;	       /* read traceparent */
const volatile u8 cfg_requests_by_address = 0; /* the write's program is a kprobe */
const volatile u8 cfg_emit_handshake = 0;
const volatile u8 cfg_accept_by_address = 0;  /* accepts are in `accepts` */
const volatile u8 cfg_retransmit_has_err = 0; /* tracepoint with `int err` (6.17) */
const volatile u8 cfg_drop_has_reason = 0;    /* kfree_skb with a reason (5.17) */
const volatile u8 cfg_drop_has_rx_sk = 0;     /* ... and the receiving socket (6.11) */
const volatile u32 cfg_drop_consumed = 0;     /* SKB_CONSUMED of this kernel, or 0 */
const volatile u64 cfg_accept_nr[2] = {0, 0}; /* accept and accept4 of this architecture */

/* Above these a record is made; 0: never. */
const volatile u64 cfg_slow_handshake_ns = 0;
const volatile u64 cfg_slow_accept_ns = 0;
const volatile u64 cfg_slow_receive_ns = 0;
const volatile u64 cfg_slow_rtt_ns = 0;
const volatile u64 cfg_slow_softirq_run_ns = 0;
const volatile u64 cfg_slow_softirq_wait_ns = 0;
const volatile u8 cfg_receive = 0;	    /* data is followed until it is read */
const volatile u8 cfg_receive_duration = 0; /* ... and summed in `receives` */

#endif
