/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Dropped packets that came with no socket, and who may own them. Part of wire.h. */
#ifndef WIRESPAN_UNOWNED_H
#define WIRESPAN_UNOWNED_H

/* Where a packet was freed, and the interface that it came by: what is not asked for is zero. */
struct drop_site {
	__u64 location; /* kernel address */
	__u8 interface[16];
};
_Static_assert(sizeof(struct drop_site) == 24, "drop_site");

/* A dropped packet that came with no socket, until user space asks whose it was. */
struct unowned_key {
	__u8 source[16]; /* as on the wire */
	__u8 destination[16];
	__u32 netns;
	__u32 bank; /* of the interval: user space settles one at a time */
	__u16 source_port;
	__u16 destination_port;
	__u8 family;
	__u8 pad[3];
};
_Static_assert(sizeof(struct unowned_key) == 48, "unowned_key");

enum claim {
	CLAIM_NOBODY = 0,
	CLAIM_OWNED = 1,
	CLAIM_IGNORED = 2, /* by the agent itself or by the filter: not to be counted */
};

/* Who has the socket at one end of such a packet. */
struct unowned_end {
	struct owner_key owner;
	__u32 found; /* enum claim */
	__u16 server_port;
	__u8 pad[2];
};
_Static_assert(sizeof(struct unowned_end) == 24, "unowned_end");

/* unowned_count.what: the drop reason in 32 bits, and these bits. */
enum unowned_what {
	UNOWNED_RECEIVED_BIT = 32, /* it came in from a device, the loopback one included */
	UNOWNED_USED_BIT = 33,
	UNOWNED_STATE_BIT = 34, /* from here 4 bits: drop_key.state */
	UNOWNED_SITE_BIT = 38,	/* from here 26 bits: drop_key.site */
};
#define UNOWNED_RECEIVED (1ULL << UNOWNED_RECEIVED_BIT)
#define UNOWNED_USED	 (1ULL << UNOWNED_USED_BIT)
#define UNOWNED_REASONS	 4

struct unowned_count {
	__u64 what;
	__u64 count;
};
_Static_assert(sizeof(struct unowned_count) == 16, "unowned_count");

struct unowned_drop {
	struct unowned_end receiver; /* the socket that the packet was for */
	struct unowned_end sender;   /* the socket, in the same namespace, that it was from */
	struct unowned_count counts[UNOWNED_REASONS];
};
_Static_assert(sizeof(struct unowned_drop) == 112, "unowned_drop");

/* Where somebody listens. */
struct listen_end_key {
	__u8 local[16]; /* zero: every address */
	__u32 netns;
	__u16 port;
	__u8 family; /* of `local`; with 6 and every address, IPv4's too unless `only_ipv6` */
	__u8 pad;
};
_Static_assert(sizeof(struct listen_end_key) == 24, "listen_end_key");

struct listen_end {
	struct owner_key owner;
	__u64 pass;  /* iterator pass that met it: anything older is stale */
	__u32 found; /* enum claim; CLAIM_NOBODY: several, and which one is not known */
	__u8 only_ipv6;
	__u8 pad[3];
};
_Static_assert(sizeof(struct listen_end) == 32, "listen_end");

#endif
