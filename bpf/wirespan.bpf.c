// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * One object and one translation unit, so that all families share their maps. The files before
 * connection.bpf.c are called by its programs, all others stand alone.
 */
#include "connect.bpf.c"
#include "listener.bpf.c"
#include "accept.bpf.c"
#include "connection.bpf.c"
#include "attempt.bpf.c"
#include "request.bpf.c"
#include "http2.bpf.c"
#include "arrive.bpf.c"
#include "http2_arrive.bpf.c"
#include "phases.bpf.c"
#include "announce.bpf.c"
#include "retransmit.bpf.c"
#include "drop.bpf.c"
#include "reset.bpf.c"
#include "receive.bpf.c"
#include "zero_window.bpf.c"
#include "softirq.bpf.c"
#include "wakeup.bpf.c"
#include "sample.bpf.c"
#include "dns.bpf.c"
#include "packet.bpf.c"
#include "scan.bpf.c"
#include "pass.bpf.c"
#include "rows.bpf.c"
#include "exec.bpf.c"

/* Keeps them in the object's BTF. */
const struct wire_types *wire_types __attribute__((unused));

char LICENSE[] SEC("license") = "Dual BSD/GPL";
