/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Records of requests: what became of one, and what its head is made of. Part of wire.h. */
#ifndef WIRESPAN_REQUEST_RECORDS_H
#define WIRESPAN_REQUEST_RECORDS_H

/*
 * What is known of how an exchange divides. Moments are 0 where they are not known; the others are durations. `sent`
 * is a client's request, or a server's response.
 */
struct exchange_phases {
	__u64 came_ns;	      /* of a server: the last byte of the request came */
	__u64 read_ns;	      /* all of the request was read; of a client: all that came so far */
	__u64 queued_ns;      /* of a client: something waited to be read, up to read_ns */
	__u64 waits_ns;	      /* of a client: since then something does */
	__u64 written_ns;     /* the last write of what is sent began, so far */
	__u64 unsent_ns;      /* after that, bytes were last seen to wait to be sent */
	__u64 lost_ns;	      /* after that, nothing moved until a segment was sent again */
	__u64 lost_unsent_ns; /* of which before unsent_ns */
	__u64 earlier_unsent_ns;  /* bytes waited to be sent between writes without enough room */
	__u64 earlier_lost_ns;	  /* as lost_ns, there */
	__u64 earlier_unknown_ns; /* the rest between those: the application's, or in the write */
	__u32 segments_seen;	  /* of those sent again meanwhile, by a program */
	__u8 followed;		  /* 0: nothing is known of this */
	__u8 unclear; /* what came had a gap, or two CPUs met: neither came_ns nor queued_ns is right */
	__u8 pad[2];
	__u64 connect_ns; /* of a client: the connection that was opened for this request was begun */
	__u64 established_ns; /* and its handshake was over; 0: it was opened for none, or another */
	__u64 accepted_ns; /* of a server: an application accepted the connection; 0: not known */
};
_Static_assert(sizeof(struct exchange_phases) == 120, "exchange_phases");

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

/* The same, of the same kind, where it is asked how exchanges divide. */
struct divided_exchange_record {
	struct exchange_record exchange;
	struct exchange_phases phases;
};
_Static_assert(sizeof(struct divided_exchange_record) == 296, "divided_exchange_record");

#define HTTP2_PIECE 1024

/*
 * A piece of the payload of a HEADERS or CONTINUATION frame (RFC 9113 section 6) that a client wrote, or that came to a
 * server. Those of a socket come in the order of their bytes, and none is left out. It is as long as its bytes, which hold whatever
 * the client sends: user space reads the one field that it needs, and keeps no other.
 */
struct http2_record {
	struct record_header header;
	__u64 cookie;
	__u32 netns;
	__u32 number; /* of the piece, from 0 on its socket */
	__u32 stream;
	__u32 start_seq;    /* of the frame's first byte */
	__u32 frame_length; /* of its payload */
	__u32 offset;	    /* of this piece in that */
	__u32 length;	    /* of this piece */
	__u8 type;
	__u8 flags;
	__u8 role; /* enum role: of the socket */
	__u8 pad;
	__u8 bytes[HTTP2_PIECE];
};
_Static_assert(sizeof(struct http2_record) == 56 + HTTP2_PIECE, "http2_record");

#endif
