// SPDX-License-Identifier: Apache-2.0
/* What is made of a Node thread's writes on one connection, of which a test says all: no client can be held so still. */
#include "../../bpf/wirespan.bpf.h"

#define WRITES 16

/* One write: whose context the thread says, and what was read and when. */
struct told {
	u64 now;
	u64 span; /* 0: it is in no context, or that is not known */
	u32 read;
	u8 type;
	u8 first;
	u8 is_unclear;
	u8 pad;
};

/* Set before a run. */
struct told tolds[WRITES] = {};
u32 told_count = 0;
u64 opener_span = 0; /* 0: it was opened in no context */
u32 is_unseen = 0;   /* nobody looked when it was opened */

/* For each write the span that it is of, or 0, and how that was found. */
u64 spans[WRITES] = {};
u32 methods[WRITES] = {};

static void play(struct node_opener *node, struct told *told, u64 *span, u32 *method)
{
	struct node_write write = {
		.read = told->read, .first = told->first, .type = told->type, .now = told->now};
	enum thread_look look = told->span ? THREAD_TAKEN : THREAD_IDLE;
	struct request said = {};

	if (told->is_unclear)
		look = THREAD_UNCLEAR;
	if (told->span) {
		said.trace_id[0] = 1;
		*(u64 *)said.span_id = told->span;
		said.method = METHOD_NODE_CTX;
		said.found = 1;
	}
	judge_node(node, &write, look, &said);
	*span = said.found ? *(u64 *)said.span_id : 0;
	*method = said.found ? said.method : 0;
}

SEC("iter/task")
int test_node_opener(struct bpf_iter__task *ctx)
{
	struct node_opener node = {};
	u32 i;

	if (ctx->meta->seq_num)
		return 0;
	if (!is_unseen)
		node.stage = NODE_OPENED;
	if (opener_span) {
		node.ids[0] = 1;
		node.ids[2] = opener_span;
	}
	for (i = 0; i < WRITES; i++) {
		if (i >= told_count)
			break;
		play(&node, &tolds[i], &spans[i], &methods[i]);
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
