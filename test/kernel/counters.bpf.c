// SPDX-License-Identifier: Apache-2.0
/* The programs' own sums, of a counter that a test makes up: no real one comes to 2^32 in a gate. */
#include "../../bpf/kernel/kernel.h"

#include "../../bpf/lib/counters.bpf.h"

#define LOOKS 64

struct look {
	u32 counter;
	u32 is_close; /* else a pass */
};

/* Set before a run. */
struct look looks[LOOKS] = {};
u32 look_count = 0;

/* As in struct conn and struct series. */
u64 seen = 0;
u64 sum = 0;

SEC("iter/task")
int test_counters(struct bpf_iter__task *ctx)
{
	u32 i;

	if (ctx->meta->seq_num)
		return 0;
	for (i = 0; i < LOOKS; i++) {
		if (i >= look_count)
			break;
		if (looks[i].is_close)
			add_final32(&seen, looks[i].counter, &sum);
		else
			add_live32(&seen, looks[i].counter, &sum);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
