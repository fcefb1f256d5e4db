/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This is kept of a socket while it lives. */
#ifndef WIRESPAN_LIB_CONN_H
#define WIRESPAN_LIB_CONN_H

#define CONN_OWNER_PROVISIONAL	 (1 << 0) /* the listener's owner, until a process shows itself */
#define CONN_OPEN_PENDING	 (1 << 1) /* `opened` not counted yet */
#define CONN_ESTABLISHED	 (1 << 2) /* reached ESTABLISHED */
#define CONN_CLOSED		 (1 << 3) /* final figures taken */
#define CONN_PREEXISTING	 (1 << 4)
#define CONN_IGNORED		 (1 << 5) /* the agent's own, or the far end of it */
#define CONN_NO_START		 (1 << 6)
#define CONN_IN_HANDSHAKE_RECORD (1 << 7)
#define CONN_FILTERED		 (1 << 8)  /* with CONN_IGNORED: because of the filter */
#define CONN_LISTENER_IGNORED	 (1 << 9)  /* its listener's figures are not wanted */
#define CONN_OPENED_FOR		 (1 << 10) /* a handshake record named the request */
#define CONN_SLOW_RTT		 (1 << 11) /* its round-trip time is above the threshold */
#define CONN_ACCEPTS		 (1 << 12) /* of a listener: its owner has accepted from it */
#define CONN_TOLD		 (1 << 13) /* connect() told its application that it failed */
#define CONN_NO_COOKIE		 (1 << 14) /* nobody asked for one: the address tells whose it is */
#define CONN_RTT_KNOWN		 (1 << 15) /* of a deferred one: its RTT was seen since */
#define CONN_WAITS		 (1 << 16) /* for the second run of the pass that met it */
#define CONN_SYN_REQUEST	 (1 << 17) /* of a client: its first request leaves with its SYN */
#define CONN_EXCHANGES		 (1 << 18) /* it had a request with a sampled context */
#define CONN_MAY_BE_RESTORED	 (1 << 19) /* its stream may have begun before its socket */
#define CONN_ONE_BY_ONE		 (1 << 20) /* of a client: its first bytes are no HTTP/2's */
#define CONN_UNFINISHED		 (1 << 21) /* of a client: a message went on after a write */

/* A process as it shows itself; `rules` as owner_info.rules, whether it has a row or not. */
struct known_owner {
	struct owner_key key;
	u64 rules;
	/* The address of any thread of it, where it has no row in `owners`: it gets one with its first
	 * socket that is observed. Else 0. */
	u64 thread;
};

/* This says when something happened, and when that is noticed. */
struct moment {
	u64 at;
	u64 now;
	bool late; /* no program saw it happen */
};

/* The thread that called connect(), as it was at ESTABLISHED: see is_opener(). */
struct opener {
	u64 thread;    /* pid_tgid; 0 unknown */
	u64 sleeps;    /* voluntary context switches so far */
	u64 queued_ns; /* so far it waited so long for a CPU that others had */
};

/*
 * This is kept of one connection or listening socket. The state programs, the accept programs and
 * the iterators write it.
 */
struct conn {
	u32 use;   /* ENTRY_* */
	u32 place; /* of an entry: the lower half of its key */
	struct owner_key owner;
	struct owner_key listener_owner;
	u64 start_ns;
	u64 established_ns;
	u64 accepted_ns;
	u64 state_ns;
	struct counted counted;
	u64 drops;	   /* of a listener */
	u64 listener_sock; /* kernel address of the listening socket, a label only */
	union {
		struct opener opener;	 /* of a client */
		struct {		 /* of a listener */
			u64 held_pass;	 /* the last pass that found it open in its owner */
			u64 unheld_pass; /* the last pass that found it open elsewhere first */
			u64 references;	 /* to its file at that time; 0 not known */
		};
	};
	union {
		u64 opener_task; /* of a client: that thread's task_struct, a label for probe reads */
		u64 holder_task; /* of a listener: the same of its owner's first thread */
	};
	u64 pass;   /* last iterator pass that met it: shared files are met again */
	u64 cookie; /* of the socket; 0 before ESTABLISHED of a passive one */
	u32 netns;
	u32 flags;
	u32 syn_retransmits;
	u32 cidr;
	u8 role;
	u8 state;
	u8 reason;
	u8 error;
	u16 listen_port; /* of the server's end, on both sides */
	u8 has_listen_local;
	u8 unused;	       /* passes in a row that found its socket closed or gone */
	u32 filter_generation; /* of the filter that last decided about it */
	u32 queued;	       /* of a listener: waited when the agent came, and have no entry */
	u64 owner_rules;       /* as owner_info.rules, for owners that found no room in `owners` */
	u8 listen_local[16];   /* where its listener listens, IPv4 as ::ffff:a.b.c.d */
	u8 family;	       /* 4 or 6, once it was opened */
	u8 reset_cause; /* what a reset says of its end: an enum close_reason plus one, or 0 */
	u8 has_due;
	u8 deferred; /* its handshake ended with the client's first data: TCP_DEFER_ACCEPT */
	u8 pad2[4];
	/*
	 * These are the counters at the process's own FIN, should nothing be seen after it. All its
	 * payload counts as acknowledged.
	 */
	struct tcp_counters due;
};

/*
 * It is found by the socket's own storage, or by its address: see track.bpf.h and
 * docs/decisions/0016.
 */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct conn);
} conns SEC(".maps");

/* User space gives the map its size. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct conn);
} connections SEC(".maps");

/*
 * The flags of a connection change on several CPUs at once: a pass, its user and the
 * softirq may meet at it. Both return what was set before.
 */
static __always_inline u32 set_flags(struct conn *conn, u32 flags)
{
	return __sync_fetch_and_or(&conn->flags, flags);
}

/* Its flags, when all that was read before is read: another CPU may be at it. */
static __always_inline u32 flags_now(struct conn *conn)
{
	return set_flags(conn, 0);
}

static __always_inline u32 clear_flags(struct conn *conn, u32 flags)
{
	return __sync_fetch_and_and(&conn->flags, ~flags);
}

#endif
