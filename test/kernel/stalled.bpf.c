// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's programs, in a build in which a CPU stands still where another one may go on: as in a virtual machine
 * whose host has others to run. A client does when its entry is not written yet, and when its connect() is told and its
 * socket's state is not changed yet; the pass when it has read the state, and when the filter has answered it.
 */
#include "../../bpf/kernel/kernel.h"
#include "../../bpf/contract/wire.h"
#include "../../bpf/lib/config.bpf.h"
#include "../../bpf/lib/address.bpf.h"
#include "../../bpf/lib/counters.bpf.h"
#include "../../bpf/lib/tcp_counters.bpf.h"
#include "../../bpf/lib/conn.bpf.h"
#include "../../bpf/lib/maps.bpf.h"
#include "../../bpf/lib/ring.bpf.h"
#include "../../bpf/lib/hist.bpf.h"
#include "../../bpf/lib/samples.bpf.h"
#include "../../bpf/lib/track.bpf.h"
#include "../../bpf/lib/sock.bpf.h"
#include "../../bpf/lib/cgroup.bpf.h"
#include "../../bpf/lib/filter.bpf.h"

/* test/kernel/stalled.test.ts has the same. */
struct stalls {
	u64 connect_ns;
	u64 pass_ns;
	u32 netns; /* only sockets of this namespace */
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct stalls);
} stalls SEC(".maps");

static long test_wait(u32 i, u64 *until)
{
	return bpf_ktime_get_ns() >= *until;
}

/* An entry that is not written yet has no namespace. It is not static: verified once. */
__noinline int test_stall(u32 netns, u32 is_pass)
{
	struct stalls *test;
	u32 zero = 0;
	u64 until;

	test = bpf_map_lookup_elem(&stalls, &zero);
	if (!test || (netns && test->netns != netns))
		return 0;
	until = bpf_ktime_get_ns() + (is_pass ? test->pass_ns : test->connect_ns);
	bpf_loop(1 << 16, test_wait, &until, 0);
	return 0;
}

static __always_inline int test_refuses(const struct filter_facts *facts)
{
	int refuses = filter_refuses(facts);

	if (!facts->netns)
		test_stall(0, 1);
	return refuses;
}

#define filter_refuses test_refuses
#include "../../bpf/wirespan.bpf.h"
#undef filter_refuses

#define own_subflow(sk, tp, owner)           \
	do {                                 \
		own_subflow(sk, tp, owner);  \
		test_stall(netns_of(sk), 0); \
	} while (0)

#define take_next_connect(sk)                \
	do {                                 \
		take_next_connect(sk);       \
		test_stall(netns_of(sk), 0); \
	} while (0)

#define refilter(sk, tp, conn)               \
	do {                                 \
		refilter(sk, tp, conn);      \
		test_stall(netns_of(sk), 1); \
	} while (0)

#include "../../bpf/wirespan.bpf.c"
