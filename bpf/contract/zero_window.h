/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Peers that take no more for a while. Part of wire.h. */
#ifndef WIRESPAN_ZERO_WINDOW_H
#define WIRESPAN_ZERO_WINDOW_H

/* wirespan.tcp.zero_window.end, in the registry's order. */
enum zero_window_end {
	ZERO_WINDOW_OPENED = 0,
	ZERO_WINDOW_RESET = 1,
};

/* A peer's receive window was closed longer than the threshold, and data waited for it. Its time: when that ended. */
struct zero_window_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints;
	__u64 start_ns; /* when the peer said it first */
	__u32 seq;	/* of the first byte that was not sent when it ended */
	__u32 waiting;	/* payload bytes from there on that were written */
	__u32 told;	/* how often the peer said it, the first time included */
	__u32 stream;	/* as in retransmit_record, of the byte at `seq` */
	__u8 end;	/* enum zero_window_end */
	__u8 pad[7];
	struct trace_context context; /* of the byte at `seq` */
};
_Static_assert(sizeof(struct zero_window_record) == 160, "zero_window_record");

#endif
