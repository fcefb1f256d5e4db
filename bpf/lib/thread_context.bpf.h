/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This reads the trace context that the calling thread publishes in its memory (OTEP 4947), where user space found
 * out in which place its process has it. The thread is in a system call meanwhile, as the specification asks, so it
 * does not write. See docs/decisions/0039.
 */
#ifndef WIRESPAN_LIB_THREAD_CONTEXT_H
#define WIRESPAN_LIB_THREAD_CONTEXT_H

/* What a thread publishes of itself (OTEP 4947), without the attributes that may follow. */
struct thread_record {
	u8 trace_id[16];
	u8 span_id[8];
	u8 valid;	/* 1: it is */
	u8 flags;	/* W3C trace-flags */
	u16 attributes; /* bytes that follow */
	u32 pad;
};
_Static_assert(sizeof(struct thread_record) == 32, "thread_record");

/*
 * It has the processes that publish. User space fills it, takes out those that ended, and counts those that find no
 * room.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct owner_key);
	__type(value, struct thread_layout);
} thread_layouts SEC(".maps");

/* User space sets it with the first process that publishes: before, nobody is looked for. */
u32 thread_publishers = 0;

/*
 * Returns where the calling thread publishes, or NULL: it does not, as far as is known. A worker of the kernel has
 * the thread pointer of the thread that it works for, which does something else by now.
 */
static __always_inline struct thread_layout *current_layout(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct owner_key key = {};

	if (!thread_publishers || (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER)))
		return 0;
	name_process(&key, task->group_leader, task->tgid);
	return bpf_map_lookup_elem(&thread_layouts, &key);
}

/*
 * This is the thread pointer of the current task. The C library sets it by system calls alone (arch_prctl(), clone()); on arm64 it is as of the
 * last time that the task was switched out, and 0 before.
 */
static __always_inline u64 thread_pointer(void)
{
#ifdef __TARGET_ARCH_arm64
	return bpf_get_current_task_btf()->thread.uw.tp_value;
#else
	return bpf_get_current_task_btf()->thread.fsbase;
#endif
}

static __always_inline bool read_word(u64 *into, u64 address)
{
	return !bpf_probe_read_user(into, sizeof(*into), (void *)address);
}

/* The address of the thread's pointer to its record. 0: there is none yet. */
static __always_inline u64 record_pointer(const struct thread_layout *layout)
{
	u64 base = thread_pointer(), vector = 0, highest = 0, block = 0;

	if (!layout->module)
		return base + layout->offset;
	if (!read_word(&vector, base + layout->vector) ||
	    !read_word(&highest, vector + layout->length) || layout->module > highest ||
	    !read_word(&block, vector + (u64)layout->module * layout->stride))
		return 0;
	/* All ones: the thread has not used it. */
	return block && block != ~0ULL ? block + layout->offset : 0;
}

/* Both reads give the same, or somebody else writes the record of this thread. */
static __always_inline bool is_same_record(const struct thread_record *one,
					   const struct thread_record *other)
{
	const u64 *a = (const u64 *)one, *b = (const u64 *)other;

	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && one->valid == other->valid &&
	       one->flags == other->flags;
}

/* Counts why not, and returns 0. The record's attributes are not read. */
static __always_inline bool read_record(const struct thread_layout *layout,
					struct thread_record *record)
{
	struct thread_record again = {};
	u64 place = record_pointer(layout), address = 0,
	    size = __builtin_offsetof(struct thread_record, attributes);

	if (!place) {
		count_loss(PROBE_THREAD, MISS_NO_HEADER);
		return false;
	}
	if (!read_word(&address, place) ||
	    (address && bpf_probe_read_user(record, size, (void *)address))) {
		count_loss(PROBE_THREAD, MISS_UNREADABLE);
		return false;
	}
	if (!address || record->valid != 1) {
		count_loss(PROBE_THREAD, MISS_NO_HEADER);
		return false;
	}
	if (bpf_probe_read_user(&again, size, (void *)address) || !is_same_record(record, &again)) {
		count_loss(PROBE_THREAD, MISS_TORN);
		return false;
	}
	return true;
}

/*
 * What the calling thread publishes: `said` is found then. Layouts of a process come and go, and nothing depends on
 * one, so it is not taken for more than a hint: all that is read is checked.
 */
static __always_inline void read_thread_context(const struct thread_layout *layout,
						struct request *said)
{
	struct thread_record record = {};

	said->found = 0;
	if (!read_record(layout, &record))
		return;
	if (is_zero(record.trace_id, 16) != is_zero(record.span_id, 8)) {
		count_loss(PROBE_THREAD, MISS_INVALID);
		return;
	}
	if (is_zero(record.trace_id, 16)) {
		count_loss(PROBE_THREAD, MISS_NO_HEADER);
		return;
	}
	said->flags = record.flags;
	__builtin_memcpy(said->trace_id, record.trace_id, 16);
	__builtin_memcpy(said->span_id, record.span_id, 8);
	said->found = 1;
	count_loss(PROBE_THREAD, TAKEN);
}

/* The place has a context already that goes before a thread's. */
static __always_inline struct request *better_at(struct request_ring *ring, u64 position)
{
	u32 i;

	for (i = 0; i < REQUEST_SLOTS; i++) {
		struct request *request = &ring->slots[i];

		if (request->found && request->method != METHOD_THREAD_CTX &&
		    position >= request->start && position < request->end)
			return request;
	}
	return 0;
}

static __always_inline bool is_same_trace(const struct request *one, const struct request *other)
{
	const u64 *a = (const u64 *)one->trace_id, *b = (const u64 *)other->trace_id;

	return a[0] == b[0] && a[1] == b[1];
}

/*
 * The bytes from here on are of what the thread published, or of nobody (not found). It takes no slot where the
 * bytes have a better context. That a thread is within another span of the same trace is as it should be.
 */
static __always_inline void bind_thread(struct request_ring *ring, struct request *said,
					u64 position, u32 write_seq)
{
	struct request *better = better_at(ring, position);

	if (better && said->found) {
		if (!is_same_trace(better, said))
			count_loss(PROBE_THREAD, CONFLICT);
		said->found = 0;
		__builtin_memset(said->trace_id, 0, 16);
	}
	take_said(ring, said, position, write_seq, METHOD_THREAD_CTX);
}

/* A thread connects: the handshake is of what it publishes, its lost SYNs and its failure too. `again`: once more. */
static __noinline int bind_connect(struct sock *sk, bool again)
{
	struct thread_layout *layout = current_layout();
	struct request said = {};
	struct request_ring *ring;

	if (layout)
		read_thread_context(layout, &said);
	else if (!again)
		return 0;
	ring = bpf_sk_storage_get(&requests, sk, 0, said.found ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!ring) {
		if (said.found)
			count_loss(PROBE_THREAD, LOST_STORAGE);
		return 0;
	}
	if (!ring->early)
		__builtin_memset(ring, 0, sizeof(*ring));
	ring->early = 1;
	bind_thread(ring, &said, 0, 0);
	return 0;
}

#endif
