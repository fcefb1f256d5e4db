// SPDX-License-Identifier: Apache-2.0
/*
 * The agent's programs, in a build in which a test skips them as the kernel does: a program
 * that is skipped returns before its first line. `slow_ns` makes ws_state slow instead, so
 * that the kernel has more to skip.
 */
#include "../../bpf/kernel/kernel.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct sock___lock {
	struct {
		int owned;
	} sk_lock;
};
#pragma clang attribute pop

enum program {
	PROGRAM_ws_state,
	PROGRAM_ws_destroy,
	PROGRAM_ws_retransmit,
	PROGRAM_ws_retransmit_synack,
	PROGRAM_ws_reset_sent,
	PROGRAM_ws_reset_received,
	PROGRAM_ws_error,
	PROGRAM_ws_write,
	PROGRAM_ws_write_fentry,
	PROGRAM_ws_http2,
	PROGRAM_ws_http2_fentry,
	PROGRAM_ws_syn,
	PROGRAM_ws_data_arrived,
	PROGRAM_ws_data_read,
	PROGRAM_ws_exchange_read,
	PROGRAM_ws_zero_window,
	/* Their first argument is no socket: never skipped. */
	PROGRAM_WITH_SOCKET,
	PROGRAM_ws_accept_fexit2,
	PROGRAM_ws_accept_fexit4,
	PROGRAM_ws_accept_sys_exit,
	PROGRAM_ws_connect_fexit,
	PROGRAM_ws_connect_sys_exit,
	PROGRAM_ws_drop,
	PROGRAM_ws_softirq_raise,
	PROGRAM_ws_softirq_entry,
	PROGRAM_ws_softirq_exit,
	PROGRAM_ws_exec,
	PROGRAM_ws_fork,
	PROGRAM_ws_exit,
	PROGRAM_ws_rtt_sample,
	PROGRAM_ws_backlog_sample,
	PROGRAM_ws_packet_queue,
	PROGRAM_ws_packet_transmit,
	PROGRAM_ws_packet_backlog,
	PROGRAM_ws_packet_receive,
	PROGRAM_ws_packet_tcp,
	PROGRAM_ws_packet_ready,
	PROGRAM_ws_packet_read,
	PROGRAM_ws_packet_freed,
	PROGRAM_ws_packet_lost,
	PROGRAM_ws_wakeup_softirq,
	PROGRAM_ws_wakeup_softirq_end,
	PROGRAM_ws_wakeup_ready,
	PROGRAM_ws_wakeup_begin,
	PROGRAM_ws_wakeup_end,
	PROGRAM_ws_wakeup_run,
};

/* test/kernel/rig/skips.ts has the same. */
struct skips {
	u64 slow_ns;
	u32 netns;	 /* only sockets of this namespace */
	u32 permille;	 /* of the runs below, by chance */
	u32 programs;	 /* a bit each */
	u32 changes[13]; /* of ws_state: a bit for the new state, by the old one */
	u64 skipped;	 /* so far */
};

struct {
	__uint(type, 2 /* BPF_MAP_TYPE_ARRAY */);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct skips);
} skips SEC(".maps");

static long test_wait(u32 i, u64 *until)
{
	return bpf_ktime_get_ns() >= *until;
}

static __always_inline bool test_skips(u32 program, unsigned long long *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct skips *test;
	u32 zero = 0, old, new;
	u64 until;

	if (program >= PROGRAM_WITH_SOCKET)
		return false;
	test = bpf_map_lookup_elem(&skips, &zero);
	/* A reset may have none. */
	if (!sk || !test || !test->netns ||
	    BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != test->netns)
		return false;
	if (program == PROGRAM_ws_state) {
		if (test->slow_ns) {
			until = bpf_ktime_get_ns() + test->slow_ns;
			bpf_loop(1 << 16, test_wait, &until, 0);
		}
		old = (u32)ctx[1];
		new = (u32)ctx[2];
		/* tcp_disconnect() is the process's own doing, and clears the figures. */
		if (old == 1 && new == 7 && BPF_CORE_READ((struct sock___lock *)sk, sk_lock.owned))
			return false;
		if (old > 12 || !(test->changes[old] >> (new & 31) & 1))
			return false;
	} else if (!(test->programs >> program & 1)) {
		return false;
	}
	if (test->permille < 1000 && bpf_get_prandom_u32() % 1000 >= test->permille)
		return false;
	__sync_fetch_and_add(&test->skipped, 1);
	return true;
}

#undef BPF_PROG
#define BPF_PROG(name, args...)                                                                   \
	name(unsigned long long *ctx);                                                            \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args);       \
	typeof(name(0)) name(unsigned long long *ctx)                                             \
	{                                                                                         \
		if (test_skips(PROGRAM_##name, ctx))                                              \
			return 0;                                                                 \
		_Pragma("GCC diagnostic push")                                                    \
			_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") return ____##name( \
				___bpf_ctx_cast(args));                                           \
		_Pragma("GCC diagnostic pop")                                                     \
	}                                                                                         \
	static __always_inline typeof(name(0)) ____##name(unsigned long long *ctx, ##args)

#include "../../bpf/wirespan.bpf.c"
