// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Attempts to connect that failed before there was a SYN: no route, one that prohibits, a refusal
 * by a program of the cgroup. No socket changes its state then, so the call is asked how it ended.
 * Variants, best first; the loader takes the first that loads.
 */
#include "wirespan.bpf.h"

const volatile u64 cfg_connect_nr = 0; /* connect of this architecture */

#define SOCKADDR_IN_SIZE  16
#define SOCKADDR_IN6_SIZE 24 /* without the scope, which connect() does without (RFC 2133) */

/* Where to, as connect() was told. */
struct target {
	u8 address[16]; /* as in endpoints */
	u16 port;
	u8 family;
};

static __always_inline long read_memory(void *into, u32 size, const void *from, bool is_user)
{
	return is_user ? bpf_probe_read_user(into, size, from)
		       : bpf_probe_read_kernel(into, size, from);
}

/* From a sockaddr_in or sockaddr_in6. False: it is neither as a whole, so nothing was attempted. */
static __always_inline bool read_target(struct target *to, const void *from, int length,
					bool is_user)
{
	struct {
		u16 family;
		__be16 port;
		u8 v4[4];
	} head = {};

	if (length < SOCKADDR_IN_SIZE || read_memory(&head, sizeof(head), from, is_user))
		return false;
	to->port = bpf_ntohs(head.port);
	to->family = 4;
	if (head.family == AF_INET) {
		__builtin_memcpy(to->address, head.v4, sizeof(head.v4));
		return true;
	}
	if (head.family != AF_INET6 || length < SOCKADDR_IN6_SIZE ||
	    read_memory(to->address, sizeof(to->address), from + sizeof(head), is_user))
		return false;
	if (!is_mapped((struct in6_addr *)to->address)) {
		to->family = 6;
		return true;
	}
	__builtin_memcpy(to->address, to->address + 12, 4);
	__builtin_memset(to->address + 4, 0, 12);
	return true;
}

/* The errno of a call that failed before there was a SYN, or 0. */
static __always_inline u8 early_error(long returned)
{
	long error = -returned;

	switch (error) {
	case EINTR_NR:
	case ECONNABORTED_NR: /* told again of an attempt whose error was read already */
	case EISCONN_NR:
	case EALREADY_NR:
	case EINPROGRESS_NR:
		return NO_ERROR;
	}
	if (error < 1 || error >= ERESTARTSYS_NR)
		return NO_ERROR;
	return error < ERROR_UNKNOWN ? error : ERROR_UNKNOWN;
}

/*
 * The attempt that this error is of had a SYN: what became of it the socket's changes tell, and
 * connect() says it once. One that another thread's shutdown() or a SYN that did not leave
 * ended had no errno yet when its socket closed.
 */
static __always_inline bool had_syn(struct conn *conn, u8 error)
{
	if (!conn || conn->role != ROLE_CLIENT)
		return false;
	if (!(conn->flags & CONN_CLOSED))
		return true;
	if (conn->error != error && conn->error != ERROR_CANCELLED)
		return false;
	return !(set_flags(conn, CONN_TOLD) & CONN_TOLD);
}

/*
 * The same of a socket without a type. Where what is kept of it lies in its storage, all that is
 * seen is that it once had a SYN.
 */
static __always_inline bool had_syn_untyped(struct sock *sk, u64 cookie, u8 error)
{
	if (cfg_conn_table)
		return had_syn(conn_at((u64)sk, cookie), error);
	return error == EADDRNOTAVAIL_NR || BPF_CORE_READ((struct tcp_sock *)sk, write_seq);
}

static __always_inline void fill_mapped(u8 *into, const struct target *to)
{
	if (to->family == 4) {
		into[10] = 0xff;
		into[11] = 0xff;
		__builtin_memcpy(into + 12, to->address, 4);
	} else {
		__builtin_memcpy(into, to->address, 16);
	}
}

static __always_inline bool refuses_attempt(struct sock *sk, const struct target *to,
					    const struct known_owner *owner)
{
	struct filter_facts facts = {.owner_rules = owner->rules, .pid = owner->key.pid};

	if (!filter_setup)
		return false;
	facts.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	facts.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	facts.remote_port = to->port;
	facts.family = to->family;
	fill_mapped(facts.peer, to);
	return filter_refuses(&facts);
}

static __always_inline u32 subnet_of_target(const struct target *to)
{
	struct subnet_key key = {.prefix_length = 128};
	u32 *index;

	if (!cfg_subnets)
		return 0;
	fill_mapped(key.address, to);
	index = bpf_map_lookup_elem(&subnets, &key);
	return index ? *index : 0;
}

/* It is of what the calling thread publishes. Not inlined: its callers have no stack left for it. */
static __noinline int tell_thread(struct trace_context *into, u64 now)
{
	struct thread_layout *layout = current_layout();
	struct thread_work *work = layout ? begin_look(LOOK_ATTEMPT) : 0;

	if (!work || read_thread_context(layout, work) != THREAD_TAKEN)
		return 0;
	work->said.start_ns = now;
	tell_request(&work->said, into);
	return 0;
}

static __always_inline void emit_attempt(struct sock *sk, const struct target *to,
					 const struct owner_key *owner, u64 cookie, u8 error,
					 const struct request *request, u64 now)
{
	struct connection_record *record;
	u32 reader = reader_of(cfg_emit_fail, VIEWED_FAIL);

	if (!reader)
		return;
	record = reserve(PROBE_STATE, RECORD_CONNECTION | (reader & FOR_VIEWS), sizeof(*record),
			 now);
	if (!record)
		return;
	__builtin_memset((void *)record + sizeof(record->header), 0,
			 sizeof(*record) - sizeof(record->header));
	/* A socket gets its cookie when it is tracked; the top bit is in none. */
	record->cookie = cookie ? cookie : now | 1ULL << 63;
	record->owner = *owner;
	record->endpoints.family = to->family;
	__builtin_memcpy(record->endpoints.peer, to->address, sizeof(to->address));
	read_local(sk, to->family, record->endpoints.local);
	record->endpoints.local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	record->endpoints.peer_port = to->port;
	record->endpoints.role = ROLE_CLIENT;
	record->endpoints.state = TCP_CLOSE;
	record->endpoints.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	record->handshake_start_ns = now;
	record->what = CONNECTION_FAIL;
	record->error = error;
	record->reason = CLOSE_NONE;
	record->segments_out_of_order = NO_STAT;
	if (request)
		tell_request(request, &record->context);
	else if (cfg_thread_context)
		tell_thread(&record->context, now);
	submit(PROBE_STATE, record);
}

/*
 * No SYN, no handshake: that has no duration. `request` is what was said of the socket, if that is
 * known.
 */
static __always_inline void count_attempt(struct sock *sk, const struct target *to, u64 cookie,
					  u8 error, const struct request *request)
{
	struct known_owner owner = {};
	struct series_key key = {};
	u64 now = bpf_ktime_get_ns();
	struct series *row;

	if (!current_owner(&owner) || owner.key.pid == agent_pid || refuses_attempt(sk, to, &owner))
		return;
	if (owner.thread)
		announce_owner(&owner.key, owner.thread, PROBE_STATE);
	key.owner = owner.key;
	key.role = ROLE_CLIENT;
	key.family = to->family;
	key.error = error;
	key.cidr = subnet_of_target(to);
	key.server_port = to->port;
	if (cfg_peer_address)
		__builtin_memcpy(key.peer, to->address, sizeof(key.peer));
	if (cfg_server_address)
		__builtin_memcpy(key.server, to->address, sizeof(key.server));
	row = series_row(&key, PROBE_STATE, now);
	if (row)
		__sync_fetch_and_add(&row->opened, 1);
	emit_attempt(sk, to, &owner.key, cookie, error, request, now);
}

/* Whatever becomes of it, it was the thread's next connect(). */
static __always_inline void handle_attempt(struct sock *sk, const struct target *to, u64 cookie,
					   u8 error, const struct request *request)
{
	struct next_connect *place = claim_next_connect();

	count_attempt(sk, to, cookie, error, request || !place ? request : &place->request);
	if (place)
		release_next_connect(place);
}

/* Returns what was said of a socket that has not connected yet, or NULL. */
static __always_inline struct request *said_of(struct sock *sk)
{
	struct request_ring *ring = cfg_hook ? bpf_sk_storage_get(&requests, sk, 0, 0) : 0;

	return ring && ring->early ? open_announcement(ring) : 0;
}

/* Also for refusals before TCP is asked. What the security modules refuse does not come here. */
SEC("fexit/inet_stream_connect")
int BPF_PROG(ws_connect_fexit, struct socket *socket, void *address, int length, int flags, int ret)
{
	u8 error = early_error(ret);
	struct target to = {};
	struct sock *sk;

	if (!error)
		return 0;
	sk = socket->sk;
	if (!sk || !is_tcp(sk) || !read_target(&to, address, length, false) ||
	    had_syn(conn_of(sk), error))
		return 0;
	handle_attempt(sk, &to, cookie_of(sk), error, said_of(sk));
	return 0;
}

/* Costly: runs at every system call. */
SEC("tp_btf/sys_exit")
int BPF_PROG(ws_connect_sys_exit, struct pt_regs *regs, long ret)
{
	u8 error = ret < 0 ? early_error(ret) : NO_ERROR;
	struct file **table, *file;
	struct socket *socket;
	struct target to = {};
	struct sock *sk;
	u64 cookie;

	if (!error || SYSCALL_NUMBER(regs) != cfg_connect_nr)
		return 0;
	table = BPF_CORE_READ(bpf_get_current_task_btf(), files, fdt, fd);
	if (bpf_probe_read_kernel(&file, sizeof(file), table + (u32)SYSCALL_FIRST(regs)) || !file)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	if (!sk || BPF_CORE_READ(socket, file) != file ||
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP ||
	    BPF_CORE_READ(sk, sk_type) != SOCK_STREAM_NR)
		return 0;
	cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (!read_target(&to, (void *)SYSCALL_SECOND(regs), SYSCALL_THIRD(regs), true) ||
	    had_syn_untyped(sk, cookie, error))
		return 0;
	handle_attempt(sk, &to, cookie, error, 0);
	return 0;
}
