/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Kernel types and constants that do not change. */
#ifndef WIRESPAN_TYPES_H
#define WIRESPAN_TYPES_H

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u16 __sum16;
typedef __u32 __wsum;
typedef _Bool bool;
#define true 1
#define false 0

/* Members of kernel enums: UAPI, stable. */
enum bpf_map_type_used {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_F_NO_PREALLOC = 1 << 0,
	BPF_F_CLONE = 1 << 9,
	BPF_SK_STORAGE_GET_F_CREATE = 1,
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
};

enum {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT1 = 4,
	TCP_FIN_WAIT2 = 5,
	TCP_TIME_WAIT = 6,
	TCP_CLOSE = 7,
	TCP_CLOSE_WAIT = 8,
	TCP_LAST_ACK = 9,
	TCP_LISTEN = 10,
	TCP_CLOSING = 11,
	TCP_NEW_SYN_RECV = 12,
};

#define AF_INET			2
#define AF_INET6		10
#define SOCK_STREAM_NR		1
#define IPPROTO_ICMP_NR		1
#define IPPROTO_TCP		6
#define IPPROTO_UDP_NR		17
#define IPPROTO_ICMPV6_NR	58
#define IPPROTO_MPTCP_NR	262
#define RTN_LOCAL_NR		2	   /* rtable.rt_type */
#define RTF_LOCAL_FLAG		0x80000000 /* rt6_info.rt6i_flags */
#define PACKET_OUTGOING_NR	4	   /* sk_buff.pkt_type; of what lies in an error queue */
#define ETH_P_IP		0x0800
#define ETH_P_IPV6		0x86DD
#define PF_EXITING		0x00000004
#define PF_IO_WORKER		0x00000010
#define PF_USER_WORKER		0x00004000 /* since Linux 6.4 */
#define PF_KTHREAD		0x00200000
#define SHUTDOWN_MASK		3
#define SOCK_BINDPORT_LOCK	8
#define EINTR_NR		4
#define E2BIG_NR		7
#define EEXIST_NR		17
#define EPIPE_NR		32
#define ECONNABORTED_NR		103
#define ECONNRESET_NR		104
#define EISCONN_NR		106
#define ETIMEDOUT_NR		110
#define ECONNREFUSED_NR		111
#define EADDRNOTAVAIL_NR	99
#define EALREADY_NR		114
#define EINPROGRESS_NR		115
#define ERESTARTSYS_NR		512
#define TCP_CA_RECOVERY		3
#define TCP_CA_LOSS		4
#define ICSK_TIME_LOSS_PROBE_NR 5
/* enum tcp_chrono; chrono_stat begins with TCP_CHRONO_BUSY, 1. */
#define TCP_CHRONO_RWND_LIMITED 2

#endif
