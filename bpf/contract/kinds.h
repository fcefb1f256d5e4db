/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Kinds, roles, reasons, probes: the numbers of the wire contract. Part of wire.h. */
#ifndef WIRESPAN_KINDS_H
#define WIRESPAN_KINDS_H

#define COMM_LEN	 16
#define EXECUTABLE_LEN	 32
#define CLOSE_REASONS	 8
#define RETRANSMIT_TYPES 6
#define SOFTIRQ_VECTORS	 10

/* States that the kernel numbers, from 1, and a place for 0. */
enum state_count {
	TCP_STATES = 13,
};

/* Stands in the place of a stat that the kernel does not have. */
enum missing_stat {
	NO_STAT = 0xffffffffU,
};

/* What an error is, when it is no errno. */
enum connection_error {
	NO_ERROR = 0,
	/* It failed, and no program saw how. */
	ERROR_UNKNOWN = 253,
	/* The application closed the socket before the handshake ended. */
	ERROR_CANCELLED = 254,
};

/* Which records of a kind are made: the values of most `cfg_emit_` variables. */
enum emit_mode {
	EMIT_NONE = 0,
	EMIT_TRACED = 1, /* those on a trace */
	EMIT_ALL = 2,
};

/* Which rows tell peers apart: the values of `cfg_peer_address`. */
enum peer_rows {
	PEERS_NONE = 0,
	PEERS_CLIENTS = 1,
	PEERS_ALL = 2,
};

/* How a trace context was found: wirespan.correlation.method. Where two say something of a byte, the lower one has it. */
enum context_method {
	METHOD_HTTP1_HEADER = 1,
	METHOD_SDK_HOOK = 2,
	/* The answer to the one request that is not answered, whose head has the context. */
	METHOD_HTTP1_WINDOW = 3,
	/* These are of threads: one ends the other. */
	METHOD_THREAD_CTX = 4,
	/* As the asynchronous context is that a thread of Node is in. */
	METHOD_NODE_CTX = 5,
	/* Node writes a TLS client's first request in no context: it is of the one that opened the connection. */
	METHOD_TLS_INHERIT = 6,
};

/* Records that a view may ask the agent for. */
enum viewed_record {
	VIEWED_OPEN = 0,
	VIEWED_ACCEPT = 1,
	VIEWED_FAIL = 2,
	VIEWED_CLOSE = 3,
	VIEWED_STATE = 4,
	VIEWED_LISTENER = 5,
	VIEWED_RETRANSMIT = 6,
	VIEWED_DROP = 7,
	VIEWED_LIVE = 8,
};

/* For whom a record is made. */
enum record_reader {
	FOR_NOBODY = 0,
	FOR_AGENT = 1,
	/* Also the bit in a record's kind that says so: the agent leaves such a record out of all else. */
	FOR_VIEWS = 0x80000000U,
};

enum connection_what {
	CONNECTION_OPEN = 1,
	CONNECTION_ACCEPT = 2,
	CONNECTION_FAIL = 3,
	CONNECTION_CLOSE = 4,
	/* A client handshake whose first request was what opened it. */
	CONNECTION_HANDSHAKE = 5,
	/* A pass met it, and it moved payload since the pass before. */
	CONNECTION_LIVE = 6,
};

enum exchange_what {
	/* The first byte of its response came, and it is eventful. */
	EXCHANGE_ANSWERED = 1,
	/* The next request begins. */
	EXCHANGE_ENDED = 2,
	/* Its connection is over. */
	EXCHANGE_CLOSED = 3,
};

enum role {
	ROLE_UNKNOWN = 0,
	ROLE_CLIENT = 1,
	ROLE_SERVER = 2,
	ROLE_LISTENER = 3,
};

/* wirespan.tcp.close.reason, in the registry's order. */
enum close_reason {
	CLOSE_LOCAL_FIN = 0,
	CLOSE_PEER_FIN = 1,
	CLOSE_RESET_SENT = 2,
	CLOSE_RESET_RECEIVED = 3,
	CLOSE_TIMEOUT = 4,
	CLOSE_PROCESS_EXIT = 5,
	CLOSE_OTHER = 6,
	/* Not closing yet. */
	CLOSE_NONE = 7,
};

/* wirespan.tcp.retransmit.type, in the registry's order. */
enum retransmit_type {
	RETRANSMIT_FAST = 0,
	RETRANSMIT_TIMEOUT = 1,
	RETRANSMIT_TLP = 2,
	RETRANSMIT_SYN = 3,
	RETRANSMIT_SYN_ACK = 4,
	RETRANSMIT_OTHER = 5,
};

/* wirespan.latency.kind, in the registry's order. */
enum latency_kind {
	LATENCY_HANDSHAKE = 0,
	LATENCY_ACCEPT_QUEUE = 1,
	LATENCY_RECEIVE_QUEUE = 2,
	LATENCY_RTT = 3,
};

/* In the cell of a row that tells its use: user space took it out of its map. */
#define ROW_GONE (1ULL << 63)

/* Programs that can lose something; the first index of `lost`. */
enum probe_id {
	PROBE_STATE = 0,
	PROBE_ACCEPT = 1,
	PROBE_RETRANSMIT = 2,
	PROBE_SYNACK = 3,
	PROBE_DROP = 4,
	PROBE_RESET = 5,
	PROBE_REQUEST = 6,
	PROBE_SOFTIRQ = 7,
	PROBE_SCAN = 8,
	PROBE_OWNER = 9,
	PROBE_RECEIVE = 10,
	PROBE_ANNOUNCE = 11,
	PROBE_ARRIVE = 12,
	PROBE_THREAD = 13,
	PROBE_EXEC = 14,
	PROBE_EXCHANGE = 15,
	PROBE_NODE = 16,
	PROBE_HTTP2 = 17,
	PROBE_PACKET = 18,
	PROBE_WAKEUP = 19,
	PROBE_ZERO_WINDOW = 20,
	PROBE_HTTP2_ARRIVE = 21,
	PROBE_DNS = 22,
	PROBE_COUNT = 23,
};

/* Why something was lost; the second index of `lost`. */
enum loss_reason {
	LOST_RING_FULL = 0,
	LOST_MAP_FULL = 1,
	LOST_STORAGE = 2,
	/* Programs were skipped, and how it ended is not known: once a connection. */
	LOST_SKIPPED = 3,
	/* Not losses: request heads that gave no trace context, by cause. */
	MISS_HEAD_TOO_LONG = 4,
	MISS_UNREADABLE = 5,
	MISS_NO_HEADER = 6,
	MISS_INVALID = 7,
	MISS_FRAMING = 8,
	HIT_HEADER = 9,
	/* Records submitted. */
	SENT = 10,
	/* Data that joined the newest of those that wait to be read. */
	JOINED = 11,
	/* Openings and ends that no program saw, made good with their figures. */
	REPAIRED = 12,
	/* Samples that have the client's thinking time in them: TCP_DEFER_ACCEPT. */
	LEFT_OUT = 13,
	/* Announcements that were taken. */
	TAKEN = 14,
	/* The bytes that an announcement was for have a header with other ids, which wins. */
	CONFLICT = 15,
	/* As above, no context: another program was at a head on this CPU, which this one interrupted. */
	MISS_BUSY = 16,
	/* Names that a program was started with and that are not kept: too long, not to be read, no room. */
	NAMES_TOO_LONG = 17,
	NAMES_UNREADABLE = 18,
	NAMES_NO_ROOM = 19,
	/* A thread's context was not taken: its connection may carry many requests at once. */
	MISS_MULTIPLEXED = 20,
	/* As above, no context: another thread was writing the record. */
	MISS_TORN = 21,
	/*
	 * As above, no context: Node has it from when the connection was opened, for all that its socket calls back.
	 */
	MISS_OPENER = 22,
	/* Which stream of HTTP/2 these bytes are of is no longer kept. */
	MISS_FORGOTTEN = 23,
	/* As above, no context: bytes are missing that came ahead of others, for which there was no room. */
	MISS_OVERTAKEN = 24,
	LOSS_REASONS = 25,
};

#endif
