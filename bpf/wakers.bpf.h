/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Who tells a socket's readers of data on this CPU, and whether a wake-up is within that: docs/decisions/0076. */
#ifndef WIRESPAN_WAKERS_H
#define WIRESPAN_WAKERS_H

/* What lasts longer than this gets a record; 0 means never. */
const volatile u64 cfg_slow_wakeup_ns = 0;
/* The code of sock_def_readable() is between these. */
const volatile u64 cfg_data_ready_from = 0;
const volatile u64 cfg_data_ready_to = 0;
/* And that of entries of interrupts between these. */
const volatile u64 cfg_irq_entry_from = 0;
const volatile u64 cfg_irq_entry_to = 0;

/* The sixth frame of a direct wake-up is the call's, and the tenth of one through an epoll instance. */
#define READY_FRAMES 14

/* A call that tells of data on a socket. */
struct ready_call {
	u64 at; /* 0: of none that is observed, or it is over */
	u64 cookie;
	struct endpoints endpoints; /* zero unless slow wake-ups are told */
	u32 thread;
	u32 woken; /* threads so far */
};

/*
 * What goes on on a CPU: the call of a task, and that of a softirq, which may have interrupted it.
 */
struct waker {
	struct ready_call calls[2];
	u8 in_softirq;
	u8 vector;   /* of that softirq */
	u8 is_noted; /* a task's call is just being noted: none that interrupts it is */
	u64 stack[READY_FRAMES];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct waker);
} wakers SEC(".maps");

static __always_inline struct waker *this_waker(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&wakers, &zero);
}

static __always_inline struct ready_call *this_call(struct waker *waker)
{
	return &waker->calls[waker->in_softirq ? 1 : 0];
}

static __always_inline void note_call(struct ready_call *call, struct sock *sk)
{
	struct conn *conn;
	struct tcp_sock *tp;

	call->at = 0;
	if (!is_tcp(sk) || sk->__sk_common.skc_state == TCP_LISTEN)
		return;
	conn = conn_of(sk);
	if (!conn || (conn->flags & CONN_IGNORED))
		return;
	call->thread = bpf_get_current_pid_tgid();
	call->woken = 0;
	call->cookie = cookie_of(sk);
	if (cfg_slow_wakeup_ns) {
		tp = bpf_skc_to_tcp_sock(sk);
		if (!tp)
			return;
		fill_endpoints(&call->endpoints, sk, tp, conn, sk->__sk_common.skc_state);
	}
	call->at = bpf_ktime_get_ns();
}

enum call_state {
	CALL_IS_OVER,
	CALL_IS_INTERRUPTED, /* or over: an interrupt's stack does not say */
	CALL_GOES_ON,
};

/* Whether it is the call itself that does this, by the kernel's stack. */
static __always_inline enum call_state state_of_call(void *ctx, struct waker *waker)
{
	long bytes = bpf_get_stack(ctx, waker->stack, sizeof(waker->stack), 0);
	u64 at;
	u32 i;

	for (i = 0; i < READY_FRAMES; i++) {
		at = waker->stack[i];
		if ((long)(i * sizeof(u64)) >= bytes)
			return CALL_IS_OVER;
		if (at >= cfg_irq_entry_from && at < cfg_irq_entry_to)
			return CALL_IS_INTERRUPTED;
		if (at > cfg_data_ready_from && at < cfg_data_ready_to)
			return CALL_GOES_ON;
	}
	return CALL_IS_OVER;
}

#endif
