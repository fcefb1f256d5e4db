/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* User space sets these before the programs are loaded. */
#ifndef WIRESPAN_LIB_CONFIG_H
#define WIRESPAN_LIB_CONFIG_H

const volatile u32 cfg_tick_ns = 0;	      /* one jiffy */
const volatile u64 cfg_ring_wakeup_bytes = 0; /* wake the reader at this fill */
const volatile u8 cfg_emit_open = 0;
const volatile u8 cfg_emit_accept = 0;
const volatile u8 cfg_emit_fail = 0;
const volatile u8 cfg_emit_close = 0; /* enum emit_mode; on a trace: opened for a sampled request */
const volatile u8 cfg_emit_live = 0;  /* by passes, of connections that moved payload */
const volatile u8 cfg_emit_state = 0;
const volatile u8 cfg_emit_early_states = 0; /* of handshakes and listeners, too */
const volatile u8 cfg_emit_listener = 0;
const volatile u8 cfg_emit_exchange = 0; /* enum emit_mode; on a trace: eventful ones */
const volatile u8 cfg_phases = 0;	 /* how exchanges divide */
const volatile u8 cfg_sees_resets = 0;	 /* the programs for them are loaded */
const volatile u32 cfg_subnets = 0;	 /* how many `subnets` holds */
const volatile u8 cfg_state_duration = 0;
const volatile u8 cfg_conn_table = 0; /* conns are kept by address: track.bpf.h */
const volatile u8 cfg_rtt_variation = 0;
const volatile u8 cfg_transfer_size = 0;
const volatile u8 cfg_peer_address = 0;	       /* enum peer_rows */
const volatile u8 cfg_server_address = 0;      /* rows by the address of the server's end */
const volatile u8 cfg_local_address = 0;       /* listeners' rows by the address they listen at */
const volatile u8 cfg_retransmit_state = 0;    /* retransmits by the state of their socket */
const volatile u8 cfg_state_port = 0;	       /* state durations by the server's port */
const volatile u8 cfg_requests = 0;	       /* what belongs to which request is known */
const volatile u8 cfg_http1 = 0;	       /* read traceparent */
const volatile u8 cfg_http2 = 0;	       /* follow HTTP/2, frame by frame */
const volatile u8 cfg_serves = 0;	       /* and of what arrives */
const volatile u8 cfg_hook = 0;		       /* take announcements */
const volatile u8 cfg_thread_context = 0;      /* read what threads publish */
const volatile u8 cfg_requests_by_address = 0; /* the write's program is a kprobe */
const volatile u8 cfg_syn_at_connect = 0;      /* no program of its own meets a SYN that has data */
const volatile u8 cfg_emit_handshake = 0;
const volatile u8 cfg_accept_by_address = 0; /* accepts are in `accepts` */
const volatile u8 cfg_accepts_unseen = 0;    /* who has a connection open accepted it */

/* What lasts longer than these gets a record; 0 means never. */
const volatile u64 cfg_slow_handshake_ns = 0;
const volatile u64 cfg_slow_accept_ns = 0;
const volatile u64 cfg_slow_rtt_ns = 0;
const volatile u64 cfg_slow_exchange_ns = 0; /* until the first byte of the response */
const volatile u8 cfg_receive = 0;	     /* data is followed until it is read */

const volatile u8 cfg_views = 0; /* views may read from the agent */

/* Written by user space while views read: a bit for each enum viewed_record that they ask for. */
u32 viewed_records = 0;

#endif
