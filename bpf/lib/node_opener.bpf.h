/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Node runs what a socket calls back in the context that the socket was opened in, whoever's bytes are written then: a
 * queue of requests goes on from there. So that context is taken for what is written until the process read an
 * answer, and no longer. The first request over TLS is written from such a callback in no context, and has this one.
 */
#ifndef WIRESPAN_LIB_NODE_OPENER_H
#define WIRESPAN_LIB_NODE_OPENER_H

enum node_stage {
	NODE_UNSEEN, /* nobody looked in which context it was opened */
	NODE_OVER,   /* the opener's context tells nothing any more */
	NODE_OPENED, /* it connects, or nothing was read yet */
	NODE_HELLO,  /* the same of TLS */
	NODE_KEYS,   /* TLS 1.2: the client sent its key, and the server is to end the handshake */
	NODE_FIRST,  /* the client's handshake is over, and nothing was read since */
};

/* So long after the client's handshake, a first request over TLS is not the opener's any more. */
#define NODE_INHERIT_NS 1000000000ULL

/* Types of TLS records (RFC 8446 section 5.1). */
#define RECORD_CIPHER_SPEC 20
#define RECORD_HANDSHAKE   22
#define RECORD_DATA	   23

/* A write, as far as it is looked at here. */
struct node_write {
	u32 read; /* tp->copied_seq */
	u8 first;
	u8 type; /* its first byte */
	u64 now;
};

/* Which step follows when the process has read something. */
static __always_inline u8 next_stage(u8 stage, u8 type)
{
	if (stage == NODE_HELLO && type == RECORD_HANDSHAKE)
		return NODE_KEYS;
	if (stage == NODE_HELLO && (type == RECORD_CIPHER_SPEC || type == RECORD_DATA))
		return NODE_FIRST;
	if (stage == NODE_KEYS && type == RECORD_DATA)
		return NODE_FIRST;
	return NODE_OVER;
}

static __always_inline void follow_stage(struct node_opener *node, const struct node_write *write)
{
	if (write->first) {
		node->read = write->read;
		node->stage = write->type == RECORD_HANDSHAKE ? NODE_HELLO : NODE_OPENED;
		return;
	}
	if (node->read != write->read) {
		node->stage = next_stage(node->stage, write->type);
		node->read = write->read;
		node->first_ns = write->now;
	}
	if (node->stage == NODE_FIRST && write->now - node->first_ns > NODE_INHERIT_NS)
		node->stage = NODE_OVER;
}

static __always_inline bool is_openers(const struct node_opener *node, const struct request *said)
{
	const u64 *ids = (const u64 *)said->trace_id;

	return node->ids[0] == ids[0] && node->ids[1] == ids[1] && node->ids[2] == ids[2];
}

/* Who writes is not known: it may be the opener's callback, for somebody else. */
static __always_inline void leave_to_nobody(struct request *said)
{
	said->found = 0;
	__builtin_memset(said->trace_id, 0, 24);
	count_loss(PROBE_NODE, MISS_OPENER);
}

/* Node writes: is what its thread says, or does not say, to be taken? */
static __always_inline void judge_node(struct node_opener *node, const struct node_write *write,
				       enum thread_look look, struct request *said)
{
	if (node->stage != NODE_UNSEEN && !node->ids[0] && !node->ids[1])
		return; /* it was opened in no context, so there is none to be mistaken for */
	if (node->stage != NODE_UNSEEN)
		follow_stage(node, write);
	if (said->found && (node->stage == NODE_UNSEEN || is_openers(node, said))) {
		if (node->stage <= NODE_OVER)
			leave_to_nobody(said);
	} else if (said->found) {
		node->stage = NODE_OVER; /* it is somebody else's by now */
	} else if (look == THREAD_IDLE && node->stage > NODE_OPENED) {
		__builtin_memcpy(said->trace_id, node->ids, 24);
		said->flags = node->flags;
		said->method = METHOD_TLS_INHERIT;
		said->found = 1;
		count_loss(PROBE_NODE, TAKEN);
	}
}

/* A thread connects: the handshake is of what it publishes, its lost SYNs and its failure too. `again`: once more. */
static __noinline int bind_connect(struct sock *sk, bool again)
{
	struct thread_layout *layout = current_layout();
	struct thread_work *work;
	struct request_ring *ring;
	struct request *said;
	bool is_noted = false;

	if (!layout && !again)
		return 0;
	work = begin_look(LOOK_CONNECT);
	if (!work)
		return 0;
	said = &work->said;
	if (layout)
		is_noted = read_thread_context(layout, work) != THREAD_UNCLEAR && is_node(layout);
	ring = bpf_sk_storage_get(&requests, sk, 0,
				  said->found || is_noted ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!ring) {
		if (layout && (said->found || is_noted))
			count_loss(thread_probe(layout), LOST_STORAGE);
		return 0;
	}
	if (!ring->early)
		__builtin_memset(ring, 0, sizeof(*ring));
	ring->early = 1;
	if (is_noted) {
		__builtin_memcpy(ring->node.ids, said->trace_id, 24);
		ring->node.flags = said->flags;
		ring->node.stage = NODE_OPENED;
	}
	bind_thread(ring, said, 0, 0);
	return 0;
}

#endif
