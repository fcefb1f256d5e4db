/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A server writes: this tells where the answer begins to the request that arrived last. An answer
 * begins with a status line (RFC 9112 section 4), where the write after the request begins.
 */
#ifndef WIRESPAN_HTTP1_ANSWER_H
#define WIRESPAN_HTTP1_ANSWER_H

#include "http1_write.bpf.h"

/* What a write begins with. */
enum answer_part {
	PART_OTHER, /* no status line */
	PART_INTERIM,
	PART_SWITCH, /* 101: what follows is not HTTP/1 */
	PART_FINAL,
};

static __always_inline enum answer_part part_of(struct iov_iter *iter)
{
	u8 line[12] = {};
	u64 length = 0, buffer = first_buffer(iter, &length, true);

	if (!buffer || length < sizeof(line) ||
	    bpf_probe_read_user(line, sizeof(line), (void *)buffer))
		return PART_OTHER;
	if (*(u32 *)line != WORD4('H', 'T', 'T', 'P') || line[4] != '/' || line[5] != '1' ||
	    line[6] != '.' || line[8] != ' ' || line[9] < '1' || line[9] > '9')
		return PART_OTHER;
	if (line[9] != '1')
		return PART_FINAL;
	return line[10] == '0' && line[11] == '1' ? PART_SWITCH : PART_INTERIM;
}

/* The answer has a slot, until another request arrives. The socket is locked. */
static __always_inline void place_answer(struct sock *sk, struct tcp_sock *tp,
					 struct served *served)
{
	const struct request *request = &served->request;
	struct request_ring *ring;
	struct request *slot;
	u32 number;

	ring = bpf_sk_storage_get(&requests, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!ring) {
		count_loss(PROBE_ARRIVE, LOST_STORAGE);
		return;
	}
	place_stream(ring, (u32)tp->bytes_acked - tp->snd_una);
	number = ring->count & (REQUEST_SLOTS - 1);
	slot = &ring->slots[number];
	slot->found = 0;
	slot->start_ns = request->start_ns;
	slot->start = position_of(ring, tp->bytes_acked, tp->write_seq);
	slot->end = ANSWER_OPEN;
	served->request.start = slot->start;
	slot->start_seq = tp->write_seq;
	slot->flags = request->flags;
	slot->method = METHOD_HTTP1_WINDOW;
	__builtin_memcpy(slot->trace_id, request->trace_id, 16);
	__builtin_memcpy(slot->span_id, request->span_id, 8);
	served->slot = number + 1;
	slot->found = 1;
	ring->count += 1;
	count_loss(PROBE_ARRIVE, HIT_HEADER);
}

/*
 * What is written is of the request that arrived last when it begins an answer exactly where that
 * one must begin. What does not is of an earlier request, as in a pipeline.
 */
static __always_inline void take_answer(struct sock *sk, struct tcp_sock *tp, struct served *served,
					enum answer_part part)
{
	bool begins = part == PART_INTERIM || part == PART_FINAL;

	if (part == PART_SWITCH ||
	    (served->state == ANSWER_DUE && (!begins || tp->write_seq != served->answer))) {
		give_up(sk, tp, served, MISS_FRAMING);
		return;
	}
	if (served->state == ANSWER_DUE && served->request.found) {
		place_answer(sk, tp, served);
		if (served->exchange.open)
			begin_answer(sk, &served->exchange);
	}
	if (begins)
		served->state = part == PART_FINAL ? ANSWER_BEGUN : ANSWER_INTERIM;
}

/*
 * A server writes on a connection that is followed. Once the final answer has begun, only a status
 * line where all before it is acknowledged is looked for: nobody asked for that, such as 408 of a
 * server that has waited long enough.
 */
static __noinline int follow_answer(struct sock *sk, struct tcp_sock *tp, struct msghdr *msg)
{
	struct served *served = bpf_sk_storage_get(&serves, sk, 0, 0);
	enum answer_part part;
	u8 state;

	if (!served || served->opaque)
		return 0;
	state = *(volatile u8 *)&served->state;
	if (state == ANSWER_BEGUN && (!served->slot || tp->write_seq != tp->snd_una))
		return 0;
	part = part_of(&msg->msg_iter);
	if (state == ANSWER_BEGUN && part == PART_OTHER)
		return 0;
	if (!lock_served(sk, tp, served))
		return 0;
	/* What was begun before a request arrived is no answer to it. */
	if (state == ANSWER_BEGUN || served->state == ANSWER_BEGUN)
		give_up(sk, tp, served, MISS_FRAMING);
	else
		take_answer(sk, tp, served, part);
	unlock_served(sk, tp, served);
	return 0;
}

#endif
