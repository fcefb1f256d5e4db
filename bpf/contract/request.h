/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records of requests: what became of one, and what its head is made of. Part of wire.h. */
#ifndef WIRESPAN_REQUEST_RECORDS_H
#define WIRESPAN_REQUEST_RECORDS_H

/*
 * A request with a sampled context and its response. Figures are those up to now; `context.start_ns` is when the first
 * byte was written.
 */
struct exchange_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints;
	__u64 first_ns; /* first byte of the response; 0: none came, or it can't be told from another's */
	__u64 last_ns;		      /* the last one so far; 0 as above */
	__u64 bytes_sent;	      /* payload of the request */
	__u64 bytes_received;	      /* payload of the response; 0 as above */
	__u32 segments_retransmitted; /* of the connection, meanwhile */
	__u32 rtt_smoothed_us;
	__u8 what;     /* enum exchange_what */
	__u8 eventful; /* something happened to it, or it is slow */
	__u8 error;    /* of one that ended without a response: errno, ERROR_UNKNOWN or NO_ERROR */
	__u8 reason;   /* enum close_reason */
	__u8 pad[4];
	struct trace_context context;
};
_Static_assert(sizeof(struct exchange_record) == 176, "exchange_record");

#define HTTP2_PIECE 1024

/*
 * A piece of the payload of a HEADERS or CONTINUATION frame that a client wrote (RFC 9113 section 6). Those of a
 * connection come in the order of their bytes, and none is left out. It is as long as its bytes, which hold whatever
 * the client sends: user space reads the one field that it needs, and keeps no other.
 */
struct http2_record {
	struct record_header header;
	__u64 cookie;
	__u32 netns;
	__u32 number; /* of the piece, from 0 on its connection */
	__u32 stream;
	__u32 start_seq;    /* of the frame's first byte */
	__u32 frame_length; /* of its payload */
	__u32 offset;	    /* of this piece in that */
	__u32 length;	    /* of this piece */
	__u8 type;
	__u8 flags;
	__u8 pad[2];
	__u8 bytes[HTTP2_PIECE];
};
_Static_assert(sizeof(struct http2_record) == 56 + HTTP2_PIECE, "http2_record");

#endif
