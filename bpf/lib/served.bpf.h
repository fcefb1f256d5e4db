/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This is kept of a server's connection whose first bytes are an HTTP/1.x request: where the next
 * request may begin, whether the last one is answered, and how its answer goes. Of a client's with a
 * sampled request it is how its response comes. The program of arriving segments and that of writes
 * share it; whoever has `busy` changes it.
 */
#ifndef WIRESPAN_LIB_SERVED_H
#define WIRESPAN_LIB_SERVED_H

/* How far the answer to the last request is. */
enum answer_state {
	ANSWER_DUE = 0,	    /* nothing of it was written */
	ANSWER_INTERIM = 1, /* 1xx: the final one is to come (RFC 9110 section 15.2) */
	ANSWER_BEGUN = 2,   /* or no request came yet */
};

/* The response to the last request: as it comes to a client, or as a server writes it. */
struct exchange {
	u64 first_ns; /* its first byte came, or was written; 0: not yet */
	u64 last_ns;  /* the last one so far came, or was acknowledged */
	u64 received; /* of a client: bytes of it */
	union {
		u32 received_to; /* of a client: the sequence number after them */
		u32 begins;	 /* of a server: that of the request's first byte */
	};
	u32 acked_to;	 /* of a server: last_ns is when all before this one was acknowledged */
	u32 retransmits; /* of the socket, when the request was written or had arrived */
	u16 place;	 /* of a server: its one in `awaited`, from 1; 0: none */
	u8 open;
	u8 lost;      /* a segment of the request, or of a server's answer, was sent again */
	u8 pipelined; /* responses can't be told apart any more on this connection */
	u8 told;      /* of a server: that it is acknowledged so far */
	u8 pad[6];
};

struct served {
	struct request request; /* the last one; found: it has a context */
	u32 boundary;		/* sequence number where the next request must begin */
	u32 answer; /* where the answer to the last one must begin: write_seq when it arrived */
	/* What came of the next head in several segments, in bytes from the boundary. */
	u32 held;      /* all up to here is in `windows` */
	u32 ahead;     /* and from here */
	u32 ahead_end; /* to here; 0: nothing */
	u32 seen;      /* the farthest that came; 0: nothing */
	u32 busy;
	u8 opaque;   /* nothing is read any more */
	u8 state;    /* enum answer_state */
	u8 slot;     /* of the ring, from 1: the answer that goes on; 0: none with a context */
	u8 client;   /* of a client: only its exchange is kept */
	u64 head_ns; /* when the first bytes of the last head came */
	struct exchange exchange;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct served);
} serves SEC(".maps");

/* The end of an answer that goes on. It is another than OPEN_END, which announcements have. */
#define ANSWER_OPEN (OPEN_END - 1)

/* The answer that goes on has no byte from `seq` on. */
static __always_inline void end_answer(struct sock *sk, struct tcp_sock *tp, struct served *served,
				       u32 seq)
{
	struct request_ring *ring;
	struct request *slot;

	if (!served->slot)
		return;
	ring = bpf_sk_storage_get(&requests, sk, 0, 0);
	slot = slot_at(ring, served->slot);
	served->slot = 0;
	/* Announcements may have taken the slot meanwhile. */
	if (slot && slot->method == METHOD_HTTP1_WINDOW && slot->end == ANSWER_OPEN)
		slot->end = position_of(ring, tp->bytes_acked, seq);
}

/* Which byte is whose is not certain any more: from here on nothing is anybody's. */
static __always_inline void give_up(struct sock *sk, struct tcp_sock *tp, struct served *served,
				    u32 reason)
{
	served->opaque = 1;
	served->exchange.pipelined = 1;
	served->request.found = 0;
	end_answer(sk, tp, served, tp->write_seq);
	count_loss(PROBE_ARRIVE, reason);
}

/* Two segments of one connection, or a segment and a write, meet on two CPUs: neither waits. */
static __always_inline bool lock_served(struct sock *sk, struct tcp_sock *tp, struct served *served)
{
	if (!__sync_lock_test_and_set(&served->busy, 1))
		return true;
	give_up(sk, tp, served, MISS_BUSY);
	return false;
}

/* Whoever found it busy has given up, but does not know what was begun meanwhile. */
static __always_inline void unlock_served(struct sock *sk, struct tcp_sock *tp,
					  struct served *served)
{
	__sync_lock_test_and_set(&served->busy, 0);
	if (*(volatile u8 *)&served->opaque)
		end_answer(sk, tp, served, tp->write_seq);
}

#endif
