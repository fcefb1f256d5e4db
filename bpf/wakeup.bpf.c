// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This measures how long a reader sleeps on when there is data for it: until it is woken, and from
 * then until it runs. A wake-up counts only when the kernel's stack shows it within the call that
 * tells a socket's readers of the data. See docs/decisions/0076.
 */
#include "wirespan.bpf.h"

const volatile u8 cfg_wakeup_duration = 0; /* both parts are summed in `wakeups` */
/* What lasts longer than this gets a record; 0 means never. */
const volatile u64 cfg_slow_wakeup_ns = 0;
/* The code of sock_def_readable() is between these. */
const volatile u64 cfg_data_ready_from = 0;
const volatile u64 cfg_data_ready_to = 0;
/* And that of entries of interrupts between these. */
const volatile u64 cfg_irq_entry_from = 0;
const volatile u64 cfg_irq_entry_to = 0;

/* The sixth frame of a direct wake-up is the call's, and the tenth of one through an epoll instance. */
#define READY_FRAMES 14

/* A call that tells of data on a socket. */
struct ready_call {
	u64 at; /* 0: of none that is observed, or it is over */
	u64 cookie;
	struct endpoints endpoints; /* zero unless slow wake-ups are told */
	u32 thread;
	u32 woken; /* threads so far */
};

/*
 * What goes on on a CPU: the call of a task, and that of a softirq, which may have interrupted it.
 */
struct waker {
	struct ready_call calls[2];
	u8 in_softirq;
	u8 vector;   /* of that softirq */
	u8 is_noted; /* a task's call is just being noted: none that interrupts it is */
	u64 stack[READY_FRAMES];
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct waker);
} wakers SEC(".maps");

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

static __always_inline struct waker *this_waker(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&wakers, &zero);
}

static __always_inline struct ready_call *this_call(struct waker *waker)
{
	return &waker->calls[waker->in_softirq ? 1 : 0];
}

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

static __always_inline void note_call(struct ready_call *call, struct sock *sk)
{
	struct conn *conn;
	struct tcp_sock *tp;

	call->at = 0;
	if (!is_tcp(sk) || sk->__sk_common.skc_state == TCP_LISTEN)
		return;
	conn = conn_of(sk);
	if (!conn || (conn->flags & CONN_IGNORED))
		return;
	call->thread = bpf_get_current_pid_tgid();
	call->woken = 0;
	call->cookie = cookie_of(sk);
	if (cfg_slow_wakeup_ns) {
		tp = bpf_skc_to_tcp_sock(sk);
		if (!tp)
			return;
		fill_endpoints(&call->endpoints, sk, tp, conn, sk->__sk_common.skc_state);
	}
	call->at = bpf_ktime_get_ns();
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

/* The call itself does this, and no interrupt that came in it. */
static __always_inline bool is_within_call(void *ctx, struct waker *waker)
{
	long bytes = bpf_get_stack(ctx, waker->stack, sizeof(waker->stack), 0);
	u64 at;
	u32 i;

	for (i = 0; i < READY_FRAMES; i++) {
		at = waker->stack[i];
		if ((long)(i * sizeof(u64)) >= bytes ||
		    (at >= cfg_irq_entry_from && at < cfg_irq_entry_to))
			return false;
		if (at > cfg_data_ready_from && at < cfg_data_ready_to)
			return true;
	}
	return false;
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
	u32 thread;

	if (!waker)
		return 0;
	call = this_call(waker);
	if (!call->at || call->thread != (u32)current)
		return 0;
	if ((waker->is_noted && waker->in_softirq) || !is_within_call(ctx, waker)) {
		call->at = 0;
		return 0;
	}
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
