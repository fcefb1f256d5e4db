// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * These iterators run once: at the start for what is older than the agent, with its owner, after a
 * reload for the rules, and for the count of sockets by state.
 */
#include "wirespan.bpf.h"

/* User space writes these before a run, and reads them after it. */
u64 pass_states[TCP_STATES] = {};
u64 pass_scanned = 0;
u8 scan_listeners = 0;

static __always_inline void scan_listener(struct sock *sk, struct conn *conn, u16 port)
{
	conn->role = ROLE_LISTENER;
	conn->queued = sk->sk_ack_backlog;
	conn->listener_sock = (u64)sk;
	conn->drops = (u32)sk->sk_drops.counter;
	conn->state = TCP_LISTEN;
	conn->listen_port = port;
	note_listen_local(sk, conn);
	note_listening(sk, conn, sk->sk_ack_backlog);
	see_namespace(sk, false);
}

/*
 * Who connected: the acknowledged bytes are the acknowledged payload and, at the
 * client's end alone, its SYN (tcp_snd_una_update()). An own FIN that was sent is one more: it is
 * acknowledged too, or it is under way and acked_payload() took it for payload that is.
 * Figures that change meanwhile say neither: then a port that listens is the server's.
 */
static __always_inline u8 role_of(struct tcp_sock *tp, u8 state, const struct listening *listening)
{
	bool has_fin = fin_was_sent(state) && tp->snd_nxt == tp->write_seq;
	u64 counted = acked_payload(tp) + has_fin;

	if (tp->bytes_acked == counted + 1)
		return ROLE_CLIENT;
	if (tp->bytes_acked == counted)
		return ROLE_SERVER;
	return listening ? ROLE_SERVER : ROLE_CLIENT;
}

/*
 * A socket that is given the rest of a stream (TCP_REPAIR) begins with counters of 0, as one that has moved nothing.
 * It is bound to the port of that stream, which a copy of a listener never is, and a client seldom.
 */
static __always_inline bool may_be_restored(struct sock *sk)
{
	return BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & SOCK_BINDPORT_LOCK;
}

static __always_inline void scan_connection(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					    u16 port)
{
	struct listen_port key = {.netns = conn->netns, .port = port};
	struct listening *listening = bpf_map_lookup_elem(&listen_ports, &key);
	u8 state = sk->__sk_common.skc_state;
	struct tcp_counters now;

	conn->role = role_of(tp, state, listening);
	conn->listen_port = conn->role == ROLE_CLIENT ? bpf_ntohs(sk->__sk_common.skc_dport) : port;
	conn->cidr = subnet_of(sk);
	set_flags(conn, CONN_ESTABLISHED | CONN_PREEXISTING | CONN_NO_START);
	if (may_be_restored(sk))
		set_flags(conn, CONN_MAY_BE_RESTORED);
	if (conn->role == ROLE_SERVER && listening)
		note_deferral(conn, listening->listener);
	now = counters_of(sk, tp, conn, fin_was_sent(state));
	leave_out(&conn->counted, &now);
	conn->state = state;
	conn->reason = cause_before(state);
}

/* The agent runs this, since only the kernel knows its pid outside of its own pid namespace. */
SEC("iter/task")
int ws_self(struct bpf_iter__task *ctx)
{
	agent_pid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}

static __always_inline void find_cpus(void)
{
	struct bpf_array *anchors = (struct bpf_array *)address_of(&cpu_anchors);
	u64 base = (u64)BPF_CORE_READ(anchors, pptrs[0]);
	u32 cpu, zero = 0;
	void *anchor;

	for (cpu = 0; cpu < COUNTED_CPUS; cpu++) {
		anchor = bpf_map_lookup_percpu_elem(&cpu_anchors, &zero, cpu);
		if (!anchor)
			break;
		cpu_offsets[cpu] = address_of(anchor) - base;
	}
	/* With more of them some would be left out. */
	if (cpu < COUNTED_CPUS)
		cpu_count = cpu;
}

/* Where each CPU's counters are: the kernel lists no symbol for it, but two addresses of one object tell. */
SEC("iter/task")
int ws_cpus(struct bpf_iter__task *ctx)
{
	if (!ctx->meta->seq_num)
		find_cpus();
	return 0;
}

/* Whether this run is for a socket in this state. */
static __always_inline bool is_scanned(u8 state)
{
	if (scan_listeners)
		return state == TCP_LISTEN;
	return is_open_state(state);
}

static __always_inline void scan_socket(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					const struct known_owner *owner)
{
	conn->owner = owner->key;
	conn->owner_rules = owner->rules;
	conn->listener_owner = owner->key;
	conn->netns = netns_of(sk);
	conn->reason = CLOSE_NONE;
	if (scan_listeners)
		scan_listener(sk, conn, local_port_of(tp));
	else
		scan_connection(sk, tp, conn, local_port_of(tp));
	apply_filter(sk, tp, conn);
	begin_passes(conn);
	announce(owner, conn, PROBE_SCAN);
	if (!(conn->flags & CONN_IGNORED))
		pass_scanned += 1;
}

/* A client that has written nothing. A first write that is at hand now is not met, nor what comes after it. */
static __always_inline void follow_unused(struct sock *sk, struct tcp_sock *tp, struct conn *conn)
{
	u32 unfit = CONN_IGNORED | CONN_MAY_BE_RESTORED;

	if (cfg_requests && cfg_requests_by_address && conn->role == ROLE_CLIENT &&
	    (conn->flags & (unfit | CONN_ESTABLISHED)) == CONN_ESTABLISHED && !tp->bytes_sent &&
	    tp->write_seq == tp->snd_una)
		follow(sk, tp, conn);
}

/* Not static: verified once. Sockets that were seen alive, or through another process, are left alone. */
__noinline int scan_subflow(u64 address, const struct known_owner *owner)
{
	struct tcp_sock *tp = subflow_at(address);
	struct sock *sk = (struct sock *)tp;
	struct conn *conn;

	if (!tp || !owner || !is_scanned(sk->__sk_common.skc_state) ||
	    conn_at(address, cookie_of(sk)))
		return 0;
	conn = track_untyped(sk, PROBE_SCAN);
	if (conn)
		scan_socket(sk, tp, conn, owner);
	return 0;
}

/* It runs twice: first for listeners, then for the connections, whose role they decide. */
SEC("iter/task_file")
int ws_scan(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = socket_of(ctx->file);
	struct known_owner owner = {};
	struct subflows walk = {};
	struct tcp_sock *tp;
	struct conn *conn;
	u64 address;

	if (!task || !sk || (u32)task->tgid == agent_pid)
		return 0;
	if (begin_subflows(&walk, sk)) {
		know_owner(&owner, task, task->tgid);
		for_each_subflow(address, &walk) scan_subflow(address, &owner);
	}
	if (!is_tcp(sk) || !is_scanned(sk->__sk_common.skc_state))
		return 0;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || conn_of(sk))
		return 0; /* seen alive, or found through another process that shares it */
	know_owner(&owner, task, task->tgid);
	conn = track(sk, PROBE_SCAN);
	if (!conn)
		return 0;
	scan_socket(sk, tp, conn, &owner);
	follow_unused(sk, tp, conn);
	return 0;
}

/* After a reload this asks what the rules say of the processes that are known. */
SEC("iter/task")
int ws_refilter(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct owner_key owner = {};
	struct owner_info *info;

	if (!task || task->pid != task->tgid)
		return 0;
	name_process(&owner, task, task->tgid);
	info = bpf_map_lookup_elem(&owners, &owner);
	if (info)
		refresh_owner_rules(info, task);
	return 0;
}

static __always_inline void refilter_socket(struct sock *sk, struct tcp_sock *tp, struct conn *conn,
					    const struct known_owner *owner)
{
	conn->owner_rules = owner->rules;
	refilter(sk, tp, conn);
	announce(owner, conn, PROBE_SCAN);
}

__noinline int refilter_subflow(u64 address, const struct known_owner *owner)
{
	struct tcp_sock *tp = subflow_at(address);
	struct conn *conn = tp ? conn_at(address, cookie_of((struct sock *)tp)) : 0;

	if (owner && conn && is_same_owner(&conn->owner, &owner->key))
		refilter_socket((struct sock *)tp, tp, conn, owner);
	return 0;
}

/*
 * This does the same for sockets of processes that are not known: there was no room for them, or
 * the filter before left all of theirs out. Those that it now wants are announced.
 */
SEC("iter/task_file")
int ws_refilter_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct sock *sk = socket_of(ctx->file);
	struct known_owner owner = {};
	struct subflows walk = {};
	struct tcp_sock *tp;
	struct conn *conn;
	u64 address;

	if (!task || !sk)
		return 0;
	if (begin_subflows(&walk, sk)) {
		know_owner(&owner, task, task->tgid);
		if (!owner.thread)
			return 0;
		for_each_subflow(address, &walk) refilter_subflow(address, &owner);
	}
	if (!is_tcp(sk))
		return 0;
	conn = conn_of(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!conn || !tp)
		return 0;
	name_process(&owner.key, task->group_leader, task->tgid);
	if (!is_same_owner(&conn->owner, &owner.key) || bpf_map_lookup_elem(&owners, &conn->owner))
		return 0;
	know_owner(&owner, task, task->tgid);
	refilter_socket(sk, tp, conn, &owner);
	return 0;
}

/*
 * system.network.connection.count of this network namespace, TIME_WAIT and SYN_RECV included. What
 * has closed and waits for the peer's FIN is a time-wait socket as well, in FIN_WAIT2.
 */
SEC("iter/tcp")
int ws_states(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;
	u8 state;

	if (!sk)
		return 0;
	state = sk->skc_state;
	if (state == TCP_TIME_WAIT)
		state = BPF_CORE_READ((struct inet_timewait_sock *)sk, tw_substate);
	if (state < TCP_STATES)
		pass_states[state] += 1;
	return 0;
}
