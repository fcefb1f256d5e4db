/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What every family may use, from the bottom up. A header of lib/ includes nothing: it uses
 * those above it in this list, and no other, or it does not compile.
 */
#ifndef WIRESPAN_H
#define WIRESPAN_H

#include "kernel/kernel.h"

#include "contract/wire.h"

/* What there is: settings, maps, records. */
#include "lib/config.bpf.h"
#include "lib/address.bpf.h"
#include "lib/counters.bpf.h"
#include "lib/tcp_counters.bpf.h"
#include "lib/conn.bpf.h"
#include "lib/maps.bpf.h"
#include "lib/ring.bpf.h"
#include "lib/hist.bpf.h"
#include "lib/samples.bpf.h"

/* Sockets, and what is kept of each. */
#include "lib/track.bpf.h"
#include "lib/sock.bpf.h"

/* Processes, and whether their sockets are observed. */
#include "lib/cgroup.bpf.h"
#include "lib/filter.bpf.h"
#include "lib/process.bpf.h"
#include "lib/observe.bpf.h"

/* Rows of sums, and what is added to them. */
#include "lib/rows.bpf.h"
#include "lib/latency.bpf.h"
#include "lib/series.bpf.h"
#include "lib/namespaces.bpf.h"
#include "lib/listeners.bpf.h"
#include "lib/holder.bpf.h"
#include "lib/state.bpf.h"

/* A connection's life. */
#include "lib/record.bpf.h"
#include "lib/accepted.bpf.h"
#include "lib/mptcp.bpf.h"
#include "lib/chunks.bpf.h"
#include "lib/requests.bpf.h"
#include "lib/held_head.bpf.h"
#include "lib/http2.bpf.h"
#include "lib/served.bpf.h"
#include "lib/awaited.bpf.h"
#include "lib/phases.bpf.h"
#include "lib/exchange.bpf.h"
#include "lib/response.bpf.h"
#include "lib/served_exchange.bpf.h"
#include "lib/node_context.bpf.h"
#include "lib/thread_context.bpf.h"
#include "lib/node_opener.bpf.h"
#include "lib/handshake.bpf.h"
#include "lib/next_connect.bpf.h"
#include "lib/syn_request.bpf.h"
#include "lib/open.bpf.h"
#include "lib/end.bpf.h"
#include "lib/repair.bpf.h"

/* Dropped packets without a socket. */
#include "lib/unowned.bpf.h"
#include "lib/taken.bpf.h"

/* Resets, those of half-open connections too. */
#include "lib/resets.bpf.h"

#endif
