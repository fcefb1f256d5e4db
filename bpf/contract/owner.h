/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Whose something is, and what the kernel knows of them. Part of wire.h. */
#ifndef WIRESPAN_OWNER_H
#define WIRESPAN_OWNER_H

#include "kinds.h"

/*
 * A program in a process: thread group id and its start, nanoseconds since boot (CLOCK_BOOTTIME), and
 * the kernel's count of execve() (task_struct.self_exec_id), which goes up with each.
 */
struct owner_key {
	__u64 start_ns;
	__u32 pid;
	__u32 execs;
};
_Static_assert(sizeof(struct owner_key) == 16, "owner_key");

/* Names of a cgroup and those around it, from the innermost. Longer ones are cut. */
#define CGROUP_NAMES 4

/* Maps of sums, of which each owner has a share. */
enum row_map {
	ROWS_SERIES = 0,
	ROWS_LISTENERS = 1,
	ROWS_DROPS = 2,
	ROWS_RESETS = 3,
	ROWS_STATES = 4,
	ROWS_RECEIVES = 5,
	ROW_MAPS = 6,
	/* An owner has one row there, and no share. */
	ROWS_WAKEUPS = 7,
};

struct cgroup_names {
	char name[CGROUP_NAMES][160];
};
_Static_assert(sizeof(struct cgroup_names) == 640, "cgroup_names");

struct owner_info {
	__u64 cgroup_id; /* key in `cgroups` */
	__u32 netns;
	__u32 pad;
	char command[COMM_LEN];
	char executable[EXECUTABLE_LEN];
	__u64 rules;	      /* filter generation << 32 | rules whose command and cgroup match */
	__u32 rows[ROW_MAPS]; /* that it has in each map of sums */
};
_Static_assert(sizeof(struct owner_info) == 96, "owner_info");

#endif
