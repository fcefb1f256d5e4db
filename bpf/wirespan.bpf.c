// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * One object and one translation unit, so that all families share their maps. The files before
 * connection.bpf.c are called by its programs, all others stand alone.
 */
#include "connect.bpf.c"
#include "listener.bpf.c"
#include "accept.bpf.c"
#include "connection.bpf.c"
#include "request.bpf.c"
#include "retransmit.bpf.c"
#include "drop.bpf.c"
#include "reset.bpf.c"
#include "receive.bpf.c"
#include "softirq.bpf.c"
#include "scan.bpf.c"
#include "poll.bpf.c"
#include "rows.bpf.c"

/* Keeps the wire types in the object's BTF, from which user space's layouts are made. */
const struct wire_types {
	struct owner_record owner;
	struct connection_record connection;
	struct state_record state;
	struct listener_record listener;
	struct retransmit_record retransmit;
	struct reset_record reset;
	struct drop_record drop;
	struct latency_record latency;
	struct softirq_record softirq;
} * wire_types __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
