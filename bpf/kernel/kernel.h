/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The few kernel types that our programs read, for CO-RE: field names are
 * relocated against the running kernel's BTF at load, so neither order nor size
 * here matters. A field that a kernel may lack is guarded with
 * bpf_core_field_exists() where it is read.
 */
#ifndef WIRESPAN_KERNEL_H
#define WIRESPAN_KERNEL_H

#include "message.h"
#include "task.h"
#include "sockopt.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct ns_common {
	unsigned int inum;
};

struct netns_mib {
	void *net_statistics; /* per CPU */
};

struct net {
	struct ns_common ns;
	u64 net_cookie;
	struct netns_mib mib;
};

struct bpf_array {
	void *pptrs[1]; /* of a per-CPU array: per CPU */
};

typedef struct {
	u32 val;
} kuid_t;

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_ipv6only : 1;
	int skc_bound_dev_if;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	atomic64_t skc_cookie;
	unsigned long skc_flags;
};

struct socket;

struct sock {
	struct sock_common __sk_common;
	atomic_t sk_drops;
	struct socket *sk_socket;
	int sk_err;
	int sk_err_soft;
	u32 sk_ack_backlog;
	u32 sk_max_ack_backlog;
	u8 sk_shutdown;
	int sk_wmem_queued;
	int sk_sndbuf;
	u8 sk_userlocks : 4;
	u16 sk_type;
	u16 sk_protocol;
	kuid_t sk_uid;
};

struct file;

struct socket {
	struct file *file;
	struct sock *sk;
};

struct inet_timewait_sock {
	unsigned char tw_substate;
};

struct inet_sock {
	struct sock sk;
	__be16 inet_sport;
};

struct request_sock_queue {
	u8 synflood_warned;
	u8 rskq_defer_accept;
};

struct inet_connection_sock {
	struct inet_sock icsk_inet;
	struct request_sock_queue icsk_accept_queue;
	__u32 icsk_rto;
	__u8 icsk_ca_state : 5;
	__u8 icsk_pending;
	__u8 icsk_retransmits;
	__u8 icsk_probes_out;
	void *icsk_ulp_data;
};

struct list_head {
	struct list_head *next;
};

struct minmax_sample {
	u32 t;
	u32 v;
};

struct minmax {
	struct minmax_sample s[3];
};

struct tcp_rack {
	u32 rtt_us; /* of the segment that was acknowledged last; 0: none was */
};

/* What a SYN shall carry: `data` is what is written. */
struct tcp_fastopen_request {
	struct msghdr *data;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
	u32 retrans_stamp; /* of the first SYN, in SYN_SENT */
	u8 fastopen_connect : 1;
	u8 syn_data : 1;
	u8 tcp_usec_ts : 1;
	u64 bytes_acked;
	u64 bytes_received;
	u64 bytes_sent;
	u64 bytes_retrans;
	u32 segs_in;
	u32 segs_out;
	u32 snd_una;
	u32 snd_wl1; /* the sequence number of the segment that `snd_wnd` is from */
	u32 snd_wnd; /* bytes */
	u32 snd_nxt;
	u32 write_seq;
	u32 rcv_nxt;
	u32 copied_seq;
	u32 total_retrans;
	u32 undo_marker;
	u32 srtt_us;
	u32 mdev_us;
	u32 chrono_start;
	u32 chrono_stat[3];
	u8 chrono_type : 2;
	u32 rcv_ooopack;
	struct minmax rtt_min;
	struct tcp_rack rack;
	u64 tcp_mstamp; /* us, when a packet last came or went */
	struct {
		u64 time; /* us, when it was established or much was read last */
	} rcvq_space;
	struct list_head tsorted_sent_queue;
	bool is_mptcp;
	struct tcp_fastopen_request *fastopen_req;
};

struct mptcp_sock {
	struct sock *first;
	struct list_head conn_list;
};

struct mptcp_subflow_context {
	struct list_head node;
	struct sock *tcp_sock;
	struct sock *conn;
};

struct tcp_skb_cb {
	__u32 seq;
	__u32 end_seq;
	u16 tcp_gso_segs;
};

struct request_sock {
	struct sock_common __req_common;
	u8 num_retrans;
};

struct inet_request_sock {
	struct request_sock req;
};

struct tcp_request_sock {
	struct inet_request_sock req;
	u64 snt_synack;
	u32 snt_isn;
};

#if defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	u64 regs[31];
};

struct pt_regs {
	u64 regs[31];
	u64 orig_x0;
	s32 syscallno;
};
#define SYSCALL_NUMBER(regs) ((u64)(regs)->syscallno)
#define SYSCALL_FIRST(regs)  ((regs)->orig_x0)
#define SYSCALL_SECOND(regs) ((regs)->regs[1])
#define SYSCALL_THIRD(regs)  ((regs)->regs[2])
#else
struct pt_regs {
	unsigned long ax;
	unsigned long di;
	unsigned long si;
	unsigned long dx;
	unsigned long orig_ax;
};
#define SYSCALL_NUMBER(regs) ((regs)->orig_ax)
#define SYSCALL_FIRST(regs)  ((regs)->di)
#define SYSCALL_SECOND(regs) ((regs)->si)
#define SYSCALL_THIRD(regs)  ((regs)->dx)
#endif

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 seq_num;
};

struct bpf_iter__bpf_sk_storage_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	struct sock *sk;
	void *value;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

#pragma clang attribute pop

#include "packet.h"

/* What libbpf asks for the kernel's names of registers. */
#define __VMLINUX_H__
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

extern void *bpf_rdonly_cast(const void *object, __u32 btf_id) __ksym __weak;

#endif
