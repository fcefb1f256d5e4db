/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The context of a program at setsockopt(): UAPI, stable (include/uapi/linux/bpf.h). */
#ifndef WIRESPAN_SOCKOPT_H
#define WIRESPAN_SOCKOPT_H

struct bpf_sock {
	__u32 bound_dev_if;
	__u32 family;
	__u32 type;
	__u32 protocol;
	__u32 mark;
	__u32 priority;
	__u32 src_ip4;
	__u32 src_ip6[4];
	__u32 src_port;
	__be16 dst_port;
	__u16 pad;
	__u32 dst_ip4;
	__u32 dst_ip6[4];
	__u32 state;
	__s32 rx_queue_mapping;
};

/* Pointers have 64 bits in a context, whatever the machine. */
struct bpf_sockopt {
	struct bpf_sock *sk;
	void *optval;
	void *optval_end;
	__s32 level;
	__s32 optname;
	__s32 optlen;
	__s32 retval;
};

#endif
