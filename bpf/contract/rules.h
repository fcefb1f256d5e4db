/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What user space tells the programs: subnets, and the rules of the filter. Part of wire.h. */
#ifndef WIRESPAN_RULES_H
#define WIRESPAN_RULES_H

/* A configured subnet, for an LPM trie: IPv4 as ::ffff:a.b.c.d. */
struct subnet_key {
	__u32 prefix_length; /* bits, 96 more for IPv4 */
	__u8 address[16];
};
_Static_assert(sizeof(struct subnet_key) == 20, "subnet_key");

enum filter_limit {
	/* Rules of filter.include and of filter.exclude together. */
	FILTER_RULES = 32,
	/* cgroup v2 and hierarchies of v1 that a rule's path is looked for in. */
	FILTER_HIERARCHIES = 16,
};

/* Bits of the variable `filter_setup`. */
enum filter_setup {
	FILTER_BANK_BIT = 0,
	FILTER_INCLUDES_BIT = 1,
	FILTER_V1_BIT = 2,	    /* a rule names a cgroup of version 1 */
	FILTER_GENERATION_BIT = 32, /* from here 32 bits: a number of its own for each filter */
};

/* Bits of the id that we give a cgroup: below them its own, an inode number. */
enum cgroup_id {
	CGROUP_HIERARCHY_BIT = 56, /* from here 8 bits: number of its hierarchy; 0: cgroup v2 */
};

/* filter_rule.fields: what the rule says. All of it must match. */
enum filter_field {
	FILTER_PORT = 1,
	FILTER_LOCAL_PORT = 2,
	FILTER_REMOTE_PORT = 4,
	FILTER_CIDR = 8,
	FILTER_PID = 16,
	FILTER_NETNS = 32,
	FILTER_COMMAND = 64,
	FILTER_CGROUP = 128,
};

enum filter_kind {
	FILTER_END = 0, /* no further rule */
	FILTER_INCLUDE = 1,
	FILTER_EXCLUDE = 2,
};

struct filter_rule {
	__u8 address[16]; /* IPv4 as ::ffff:a.b.c.d */
	__u8 mask[16];
	char command[COMM_LEN];
	__u32 fields; /* enum filter_field */
	__u32 pid;
	__u32 netns;
	__u16 port; /* either end */
	__u16 local_port;
	__u16 remote_port;
	__u8 family; /* of `address`: 4 or 6 */
	__u8 kind;   /* enum filter_kind */
	__u8 pad[4];
};
_Static_assert(sizeof(struct filter_rule) == 72, "filter_rule");

/* A cgroup of a rule, for the bank of rules that has it. */
struct filter_cgroup {
	__u64 id; /* enum cgroup_id */
	__u32 bank;
	__u32 pad;
};
_Static_assert(sizeof(struct filter_cgroup) == 16, "filter_cgroup");

#endif
