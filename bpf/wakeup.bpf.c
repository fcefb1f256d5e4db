// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This measures how long a reader sleeps on when there is data for it: until it is woken, and from
 * then until it runs. A wake-up counts only when the kernel's stack shows it within the call that
 * tells a socket's readers of the data. See docs/decisions/0076.
 */
#include "wirespan.bpf.h"
#include "wakers.bpf.h"
#include "past_runs.bpf.h"

const volatile u8 cfg_wakeup_duration = 0; /* both parts are summed in `wakeups` */

/* A thread that was woken for data and does not run yet. */
struct waiting_reader {
	u64 ready_ns;
	u64 woken_ns; /* 0: it is just being woken */
	u64 sleeps;   /* so far */
	u64 cookie;
	struct endpoints endpoints;
	u32 waker_pid;
	u32 waker_cpu;
	u32 woken;
	u8 slept; /* it was asleep for sure */
	u8 in_softirq;
	u8 vector;
	char waker[COMM_LEN];
};

/* By thread, from waking to running. When it is full, this is counted. User space gives it its size. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct waiting_reader);
} waiting_readers SEC(".maps");

/* As many are in it: without one, a switch of tasks costs one load. */
u32 readers_waiting = 0;

/* The sums by process. When it is full, the host's row has the rest, which is counted. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct wakeup_key);
	__type(value, struct wakeup_sums);
} wakeups SEC(".maps");

static struct wakeup_sums zero_wakeup_sums;

SEC("tp_btf/softirq_entry")
int BPF_PROG(ws_wakeup_softirq, unsigned int vector)
{
	struct waker *waker = this_waker();

	if (!waker)
		return 0;
	waker->calls[1].at = 0;
	waker->vector = vector;
	waker->in_softirq = 1;
	return 0;
}

SEC("tp_btf/softirq_exit")
int BPF_PROG(ws_wakeup_softirq_end, unsigned int vector)
{
	struct waker *waker = this_waker();

	if (waker)
		waker->in_softirq = 0;
	return 0;
}

/*
 * Every socket's call is noted, be it to note that it is none of ours. Each begins with this, before
 * it wakes anybody.
 */
SEC("tp_btf/sk_data_ready")
int BPF_PROG(ws_wakeup_ready, struct sock *sk)
{
	struct waker *waker = this_waker();

	if (!waker)
		return 0;
	if (waker->in_softirq) {
		note_call(&waker->calls[1], sk);
		return 0;
	}
	/* While this is interrupted the kernel skips it, and the softirq's calls are not known. */
	waker->is_noted = 1;
	barrier();
	note_call(&waker->calls[0], sk);
	barrier();
	waker->is_noted = 0;
	return 0;
}

/*
 * Whether it is asleep. What is about to sleep may do it meanwhile: whether it did is seen when it
 * has been woken, by its sleeps, which are to be read before this.
 */
static __always_inline bool is_asleep(struct task_struct *task)
{
	if (!task->on_rq)
		return true;
	return bpf_core_field_exists(task->se.sched_delayed) && task->se.sched_delayed;
}

static __always_inline void add_waiting(u32 thread, const struct waiting_reader *reader)
{
	long error = bpf_map_update_elem(&waiting_readers, &thread, reader, BPF_NOEXIST);

	if (!error)
		__sync_fetch_and_add(&readers_waiting, 1);
	else if (error != -EEXIST_NR ||
		 bpf_map_update_elem(&waiting_readers, &thread, reader, BPF_ANY))
		count_loss(PROBE_WAKEUP, LOST_MAP_FULL);
}

static __always_inline void drop_waiting(u32 thread)
{
	if (!bpf_map_delete_elem(&waiting_readers, &thread))
		__sync_fetch_and_add(&readers_waiting, -1);
}

/* Interrupts are off from here to when the thread is woken. */
SEC("tp_btf/sched_waking")
int BPF_PROG(ws_wakeup_begin, struct task_struct *task)
{
	struct waker *waker = this_waker();
	u64 current = bpf_get_current_pid_tgid();
	struct waiting_reader reader = {};
	struct ready_call *call;
	enum call_state state = CALL_IS_OVER;
	u32 thread;

	if (!waker)
		return 0;
	call = this_call(waker);
	if (!call->at || call->thread != (u32)current)
		return 0;
	if (!waker->is_noted || !waker->in_softirq)
		state = state_of_call(ctx, waker);
	if (state == CALL_IS_OVER)
		call->at = 0;
	if (state != CALL_GOES_ON)
		return 0;
	thread = task->pid;
	if ((task->flags & PF_KTHREAD) || thread == (u32)current)
		return 0;
	call->woken += 1;
	reader.sleeps = task->nvcsw;
	barrier();
	reader.slept = is_asleep(task);
	reader.ready_ns = call->at;
	reader.woken = call->woken;
	if (cfg_slow_wakeup_ns) {
		reader.cookie = call->cookie;
		reader.endpoints = call->endpoints;
		reader.waker_pid = current >> 32;
		reader.waker_cpu = bpf_get_smp_processor_id();
		reader.in_softirq = waker->in_softirq;
		reader.vector = waker->vector;
		bpf_get_current_comm(reader.waker, sizeof(reader.waker));
	}
	add_waiting(thread, &reader);
	return 0;
}

/* It may be another CPU that finishes it. A thread that had not slept yet has not waited either. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(ws_wakeup_end, struct task_struct *task)
{
	struct waiting_reader *reader;
	u32 thread;

	if (!readers_waiting)
		return 0;
	thread = task->pid;
	reader = bpf_map_lookup_elem(&waiting_readers, &thread);
	if (!reader || reader->woken_ns)
		return 0;
	if (reader->slept || task->nvcsw != reader->sleeps)
		reader->woken_ns = bpf_ktime_get_ns();
	else
		drop_waiting(thread);
	return 0;
}

/* Returns the row of a process, or the host's when it has none and there is no room for it. */
static __always_inline struct wakeup_sums *wakeup_row(const struct owner_key *owner)
{
	struct wakeup_key key = {.owner = *owner};
	struct wakeup_sums *row = lookup_or_try_init(&wakeups, &key, &zero_wakeup_sums);

	if (row && count_use(&row->uses))
		return row;
	if (!row)
		count_loss(PROBE_WAKEUP, LOST_MAP_FULL);
	__builtin_memset(&key, 0, sizeof(key));
	key.overflow = 1;
	row = bpf_map_lookup_elem(&wakeups, &key);
	if (row)
		count_use(&row->uses);
	return row;
}

static __always_inline void emit_wakeup(const struct waiting_reader *reader,
					const struct owner_key *owner, u32 thread, u64 now)
{
	struct wakeup_record *record;
	struct past_runs *past;
	u32 zero = 0;

	past = bpf_map_lookup_elem(&past_runs, &zero);
	if (!past)
		return;
	record = reserve(PROBE_WAKEUP, RECORD_WAKEUP, sizeof(*record), now);
	if (!record)
		return;
	record->cookie = reader->cookie;
	record->owner = *owner;
	record->endpoints = reader->endpoints;
	record->wake_ns = reader->woken_ns - reader->ready_ns;
	record->run_ns = now - reader->woken_ns;
	record->thread = thread;
	record->cpu = bpf_get_smp_processor_id();
	record->waker_pid = reader->waker_pid;
	record->waker_cpu = reader->waker_cpu;
	record->woken = reader->woken;
	record->in_softirq = reader->in_softirq;
	record->vector = reader->vector;
	record->pad = 0;
	__builtin_memcpy(record->waker, reader->waker, sizeof(record->waker));
	fill_runs(record, past, reader->woken_ns);
	submit(PROBE_WAKEUP, record);
}

static __always_inline void account_wakeup(const struct waiting_reader *reader,
					   struct task_struct *task, u64 now)
{
	struct known_owner owner;
	struct wakeup_sums *row;

	know_owner(&owner, task, task->tgid);
	if (owner.thread)
		announce_owner(&owner.key, owner.thread, PROBE_WAKEUP);
	row = cfg_wakeup_duration ? wakeup_row(&owner.key) : 0;
	if (row) {
		HISTOGRAM_ADD(row->wake, bounds_tcp_wakeup_duration,
			      reader->woken_ns - reader->ready_ns);
		HISTOGRAM_ADD(row->run, bounds_tcp_wakeup_duration, now - reader->woken_ns);
	}
	if (cfg_slow_wakeup_ns && now - reader->ready_ns > cfg_slow_wakeup_ns)
		emit_wakeup(reader, &owner.key, task->pid, now);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(ws_wakeup_run, bool preempt, struct task_struct *before, struct task_struct *task)
{
	struct waiting_reader *reader;
	struct past_runs *past;
	u32 zero = 0, thread;
	u64 now;

	if (!readers_waiting)
		return 0;
	now = bpf_ktime_get_ns();
	if (cfg_slow_wakeup_ns) {
		past = bpf_map_lookup_elem(&past_runs, &zero);
		if (past)
			note_run(past, before, now);
	}
	thread = task->pid;
	reader = bpf_map_lookup_elem(&waiting_readers, &thread);
	if (!reader || !reader->woken_ns)
		return 0;
	account_wakeup(reader, task, now);
	drop_waiting(thread);
	return 0;
}
