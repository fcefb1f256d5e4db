/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a CPU did while a reader waited for it. */
#ifndef WIRESPAN_PAST_RUNS_H
#define WIRESPAN_PAST_RUNS_H

/* What ran on a CPU while any reader waited, up to when. A power of two, above WAKEUP_RUNS. */
#define LATEST_RUNS 16
struct past_run {
	u64 to_ns;
	u32 thread;
	u32 pid;
	char command[COMM_LEN];
};
struct past_runs {
	u64 next; /* counts up: the slot is its remainder */
	struct past_run runs[LATEST_RUNS];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct past_runs);
} past_runs SEC(".maps");

static __always_inline void note_run(struct past_runs *past, struct task_struct *task, u64 now)
{
	struct past_run *run = &past->runs[past->next & (LATEST_RUNS - 1)];

	run->to_ns = now;
	run->thread = task->pid;
	run->pid = task->tgid;
	bpf_probe_read_kernel(run->command, sizeof(run->command), &task->comm);
	past->next += 1;
}

/* Each ran from when the one before it had run, or since the reader was woken. */
static __always_inline void fill_runs(struct wakeup_record *record, const struct past_runs *past,
				      u64 woken_ns)
{
	const struct past_run *run, *before;
	u64 from;
	u32 i;

#pragma unroll
	for (i = 0; i < WAKEUP_RUNS; i++) {
		run = &past->runs[(past->next - 1 - i) & (LATEST_RUNS - 1)];
		before = &past->runs[(past->next - 2 - i) & (LATEST_RUNS - 1)];
		from = before->to_ns > woken_ns ? before->to_ns : woken_ns;
		record->runs[i].ns = run->to_ns > from ? run->to_ns - from : 0;
		record->runs[i].thread = run->thread;
		record->runs[i].pid = run->pid;
		__builtin_memcpy(record->runs[i].command, run->command, sizeof(run->command));
	}
	record->more = before->to_ns > woken_ns;
}

#endif
