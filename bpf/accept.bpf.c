// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This is the server's end: a connection's beginning, which the socket's state changes call, and
 * accept(), which tells its owner and its time in the queue. The variants come best first, and the
 * loader takes the first that loads.
 */
#include "wirespan.bpf.h"

const volatile u64 cfg_accept_nr = 0; /* accept and accept4 of this architecture */
const volatile u64 cfg_accept4_nr = 0;

static __always_inline void begin_child(struct sock *sk)
{
	struct conn *copy;

	if (cfg_conn_table) {
		track_copy(sk);
		return;
	}
	copy = conn_of(sk);
	if (!copy)
		return;
	copy->established_ns = bpf_ktime_get_ns();
	copy->state = TCP_SYN_RECV;
}

/* A function of its own: the key would be too much for the stack of its caller. */
static __noinline void count_handshake(struct sock *sk, struct conn *conn, u64 now)
{
	struct series_key key;
	struct series *row;

	fill_series_key(&key, sk, conn, NO_ERROR);
	row = series_row(&key, PROBE_STATE, now);
	if (row)
		HISTOGRAM_ADD(row->handshake, bounds_tcp_handshake_duration, now - conn->start_ns);
}

/* The last ACK of Fast Open: it is open since its SYN, and maybe used. */
static __always_inline void end_fast_handshake(struct sock *sk, struct tcp_sock *tp, u64 now)
{
	struct conn *conn = opened_conn(sk, tp, 0);

	if (!conn)
		return;
	merge_accept(sk, tp, conn, now);
	if (!(conn->flags & CONN_IGNORED))
		count_handshake(sk, conn, now);
}

/*
 * Tells whether it is open since its SYN: others begin to transfer with the ACK that is at hand, and
 * tcp_init_buffer_space() stamps that with the time of it.
 */
static __always_inline bool began_with_syn(const struct tcp_sock *tp)
{
	return tp->rcvq_space.time != tp->tcp_mstamp;
}

/* The socket changes from SYN_RECV to ESTABLISHED. */
static __always_inline void handle_server_open(struct sock *sk, u64 now)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct moment when = {.at = now, .now = now};
	struct conn *conn;

	if (!tp)
		return;
	if (began_with_syn(tp)) {
		end_fast_handshake(sk, tp, now);
		return;
	}
	conn = track_child(sk);
	if (!conn)
		return;
	if (conn->role != ROLE_LISTENER)
		copy_from_port(sk, tp, conn);
	open_server(sk, tp, conn, &when);
	begin_passes(conn);
	if (early_accepts)
		merge_accept(sk, tp, conn, now);
	own_joined(sk, tp, conn, PROBE_STATE, now);
}

/* Answers what the filter answers, for a socket without a type, as accept() returns it. */
static __always_inline bool refuses_untyped(struct sock *sk, const struct known_owner *owner)
{
	struct filter_facts facts = {.owner_rules = owner->rules, .pid = owner->key.pid};

	if (!filter_setup)
		return false;
	facts.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	facts.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	facts.remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	facts.family = family_of_untyped(sk);
	read_mapped_peer(sk, facts.family, facts.peer);
	return filter_refuses(&facts);
}

/*
 * Notes it for the next hook that meets the socket. `cookie` is its own, and 0 where the verifier
 * has no type for it.
 */
static __always_inline void note_accept(struct sock *sk, u64 cookie)
{
	struct accepted value = {.ns = bpf_ktime_get_ns(), .cookie = cookie};
	struct known_owner owner = {};
	u64 address = (u64)sk;

	if (!current_owner(&owner))
		return;
	if (owner.thread && owner.key.pid != agent_pid && !refuses_untyped(sk, &owner))
		announce_owner(&owner.key, owner.thread, PROBE_ACCEPT);
	value.owner = owner.key;
	value.owner_rules = owner.rules;
	if (bpf_map_update_elem(&accepts, &address, &value, BPF_ANY))
		count_loss(PROBE_ACCEPT, LOST_MAP_FULL);
}

/*
 * The child is in the accept queue before it is ESTABLISHED (tcp_check_req()), and is not locked
 * here: whoever accepts at that moment leaves it to the hook that opens the connection.
 */
static __always_inline void handle_accept(struct sock *listener, struct sock *sk)
{
	struct known_owner owner = {};
	struct moment when = {};
	struct tcp_sock *tp;
	struct conn *conn;

	if (!sk || !is_tcp(sk))
		return;
	conn = conn_of(sk);
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp)
		return;
	if (!conn || !(conn->flags & CONN_ESTABLISHED)) {
		early_accepts = 1;
		note_accept(sk, bpf_get_socket_cookie(sk));
		return;
	}
	if (!(conn->flags & CONN_OWNER_PROVISIONAL) || !current_owner(&owner))
		return;
	when.now = bpf_ktime_get_ns();
	when.at = when.now;
	take_accept(sk, tp, conn, conn_of(listener), &owner, &when);
}

/* Since 6.10 it is inet_csk_accept(sk, arg), and the returned socket is the third word. */
SEC("fexit/inet_csk_accept")
int BPF_PROG(ws_accept_fexit2, struct sock *listener, void *arg, struct sock *sk)
{
	handle_accept(listener, sk);
	return 0;
}

/* Before 6.10 it is inet_csk_accept(sk, flags, err, kern). */
SEC("fexit/inet_csk_accept")
int BPF_PROG(ws_accept_fexit4, struct sock *listener, int flags, int *err, bool kern,
	     struct sock *sk)
{
	handle_accept(listener, sk);
	return 0;
}

/*
 * Without trampolines the verifier has no type for the socket, so it is only a key. Of an MPTCP
 * socket, which has no such hook for its subflows, it is the first one.
 */
static __always_inline void note_untyped_accept(struct sock *sk)
{
	if (bpf_core_type_exists(struct mptcp_sock) && sk &&
	    BPF_CORE_READ(sk, sk_protocol) == IPPROTO_MPTCP_NR)
		sk = BPF_CORE_READ((struct mptcp_sock *)sk, first);
	if (sk && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP &&
	    BPF_CORE_READ(sk, sk_type) == SOCK_STREAM_NR)
		note_accept(sk, 0);
}

/*
 * sock_graft(new socket, file's socket), which accept() calls in the acceptor's context, at once
 * after inet_csk_accept(). That one waits: a kretprobe has instances for ten such calls at
 * once (or two a CPU) and does not see the others.
 */
SEC("kprobe/security_sock_graft")
int BPF_KPROBE(ws_accept_kprobe, struct sock *sk)
{
	note_untyped_accept(sk);
	return 0;
}

/*
 * This one is costly, since it runs at every system call. It finds the socket through the new file
 * descriptor.
 */
SEC("tp_btf/sys_exit")
int BPF_PROG(ws_accept_sys_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task;
	struct file **table, *file;
	struct socket *socket;
	struct sock *sk;
	u64 nr;

	if (ret < 0)
		return 0;
	nr = SYSCALL_NUMBER(regs);
	if (nr != cfg_accept_nr && nr != cfg_accept4_nr)
		return 0;
	task = bpf_get_current_task_btf();
	table = BPF_CORE_READ(task, files, fdt, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), table + ret) || !file)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (BPF_CORE_READ(socket, file) == file)
		note_untyped_accept(sk);
	return 0;
}
