/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* From data that is ready on a socket until its reader runs. Part of wire.h. */
#ifndef WIRESPAN_WAKEUP_H
#define WIRESPAN_WAKEUP_H

/* A row of `wakeups`: a process whose threads were woken. */
struct wakeup_key {
	struct owner_key owner;
	__u8 overflow; /* of everybody: those without a row */
	__u8 pad[7];
};
_Static_assert(sizeof(struct wakeup_key) == 24, "wakeup_key");

/* wirespan.tcp.wakeup.duration, by wakeup_key. */
struct wakeup_sums {
	__u64 wake[HISTOGRAM_CELLS(TCP_WAKEUP_DURATION)]; /* from ready to woken */
	__u64 run[HISTOGRAM_CELLS(TCP_WAKEUP_DURATION)];  /* from woken to running */
	__u64 uses;					  /* as in listener */
};

/* As many as a record has of what ran on the reader's CPU while it waited for it. */
#define WAKEUP_RUNS 8

/* A thread had a CPU for so long, of the time that the reader waited. */
struct cpu_run {
	__u64 ns; /* 0: none, and none after it */
	__u32 thread;
	__u32 pid; /* 0: nothing ran */
	char command[COMM_LEN];
};
_Static_assert(sizeof(struct cpu_run) == 32, "cpu_run");

/* A reader that ran later than the threshold. Its time: when it ran. Its owner: the reader's process. */
struct wakeup_record {
	struct record_header header;
	__u64 cookie;
	struct owner_key owner;
	struct endpoints endpoints; /* as they were when the data was ready */
	__u64 wake_ns;		    /* from ready to woken */
	__u64 run_ns;		    /* from woken to running */
	__u32 thread;
	__u32 cpu; /* where it ran */
	/* What was running where it was woken, by itself or interrupted by the softirq. */
	__u32 waker_pid;
	__u32 waker_cpu;
	__u32 woken;	 /* threads that were woken for this data so far, this one included */
	__u8 in_softirq; /* a softirq woke it */
	__u8 vector;	 /* which one */
	__u8 more;	 /* more ran than `runs` has, before those */
	__u8 pad;
	char waker[COMM_LEN];
	struct cpu_run runs[WAKEUP_RUNS]; /* latest first */
};
_Static_assert(sizeof(struct wakeup_record) == 400, "wakeup_record");

#endif
