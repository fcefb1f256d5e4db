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

/* Who looks, of those that may interrupt each other; no program comes twice on a CPU at once. */
enum thread_looker {
	LOOK_CONNECT,
	LOOK_ATTEMPT,
	LOOK_WRITE,
	THREAD_LOOKERS,
};

/* A look's working memory: it is too large for the stack that its callers leave. */
struct thread_work {
	struct request said;
	struct thread_record record;
	struct thread_record again;
	struct node_walk walk;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, THREAD_LOOKERS);
	__type(key, u32);
	__type(value, struct thread_work);
} thread_works SEC(".maps");

/* Nothing is said in it. */
static __always_inline struct thread_work *begin_look(u32 looker)
{
	struct thread_work *work = bpf_map_lookup_elem(&thread_works, &looker);

	if (work)
		__builtin_memset(&work->said, 0, sizeof(work->said));
	return work;
}

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

/* Whether the process is one of Node. */
static __always_inline bool is_node(const struct thread_layout *layout)
{
	return layout->table_counts;
}

/* Looks at what a thread publishes are counted here. */
static __always_inline u32 thread_probe(const struct thread_layout *layout)
{
	return is_node(layout) ? PROBE_NODE : PROBE_THREAD;
}

/* The address of the thread's variable. 0: there is none yet. */
static __always_inline u64 variable_of(const struct thread_layout *layout)
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

/* What a look found. All but THREAD_TAKEN is counted with its cause. */
enum thread_look {
	THREAD_TAKEN,
	THREAD_IDLE,	/* the thread is in no context */
	THREAD_UNCLEAR, /* it is not known which */
};

static __always_inline enum thread_look miss_thread(const struct thread_layout *layout, u32 reason,
						    enum thread_look look)
{
	count_loss(thread_probe(layout), reason);
	return look;
}

/* Looks behind the variable at `place` for the address of the record. */
static __always_inline enum thread_look find_record(const struct thread_layout *layout, u64 place,
						    struct node_walk *walk, u64 *address)
{
	if (!is_node(layout))
		return read_word(address, place)
			       ? THREAD_TAKEN
			       : miss_thread(layout, MISS_UNREADABLE, THREAD_UNCLEAR);
	walk->at = place;
	walk->frame_table = layout->frame_table;
	walk->table_counts = layout->table_counts;
	walk->record = layout->record;
	walk->inner = layout->inner;
	switch (find_node_record(walk)) {
	case NODE_RECORD:
		*address = walk->at;
		return THREAD_TAKEN;
	case NODE_NOTHING:
		return THREAD_TAKEN;
	case NODE_UNREADABLE:
		return miss_thread(layout, MISS_UNREADABLE, THREAD_UNCLEAR);
	}
	return miss_thread(layout, MISS_INVALID, THREAD_UNCLEAR);
}

/* The record's attributes are not read. */
static __always_inline enum thread_look read_record(const struct thread_layout *layout,
						    struct thread_work *work)
{
	struct thread_record *record = &work->record, *again = &work->again;
	u64 place = variable_of(layout), address = 0,
	    size = __builtin_offsetof(struct thread_record, attributes);
	enum thread_look look = place ? find_record(layout, place, &work->walk, &address)
				      : THREAD_TAKEN;

	if (look != THREAD_TAKEN)
		return look;
	if (!address)
		return miss_thread(layout, MISS_NO_HEADER, THREAD_IDLE);
	if (bpf_probe_read_user(record, size, (void *)address))
		return miss_thread(layout, MISS_UNREADABLE, THREAD_UNCLEAR);
	if (record->valid != 1)
		return miss_thread(layout, MISS_NO_HEADER, THREAD_UNCLEAR);
	if (bpf_probe_read_user(again, size, (void *)address) || !is_same_record(record, again))
		return miss_thread(layout, MISS_TORN, THREAD_UNCLEAR);
	return THREAD_TAKEN;
}

/*
 * What the calling thread publishes: `said` is found then. Layouts of a process come and go, and nothing depends on
 * one, so it is not taken for more than a hint: all that is read is checked.
 */
static __always_inline enum thread_look read_thread_context(const struct thread_layout *layout,
							    struct thread_work *work)
{
	struct thread_record *record = &work->record;
	struct request *said = &work->said;
	enum thread_look look = read_record(layout, work);
	const u64 *ids = (const u64 *)record;

	if (look != THREAD_TAKEN)
		return look;
	if (!(ids[0] | ids[1]) != !ids[2])
		return miss_thread(layout, MISS_INVALID, THREAD_UNCLEAR);
	if (!ids[2])
		return miss_thread(layout, MISS_NO_HEADER, THREAD_UNCLEAR);
	said->flags = record->flags;
	said->method = is_node(layout) ? METHOD_NODE_CTX : METHOD_THREAD_CTX;
	__builtin_memcpy(said->trace_id, record->trace_id, 16);
	__builtin_memcpy(said->span_id, record->span_id, 8);
	said->found = 1;
	return miss_thread(layout, TAKEN, THREAD_TAKEN);
}

/* The place has a context already that goes before a thread's. */
static __always_inline struct request *better_at(struct request_ring *ring, u64 position)
{
	u32 i;

	for (i = 0; i < REQUEST_SLOTS; i++) {
		struct request *request = &ring->slots[i];

		if (request->found && request->method < METHOD_THREAD_CTX &&
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
 * bytes have a better context. That a thread is within another span of the same trace is as it should be. Whoever
 * announces requests of a connection also says when its bytes are nobody's.
 */
static __always_inline void bind_thread(struct request_ring *ring, struct request *said,
					u64 position, u32 write_seq)
{
	struct request *better = better_at(ring, position);

	if (better && said->found && !is_same_trace(better, said))
		count_loss(said->method == METHOD_THREAD_CTX ? PROBE_THREAD : PROBE_NODE, CONFLICT);
	if (better || ring->announced) {
		said->found = 0;
		__builtin_memset(said->trace_id, 0, 16);
	}
	take_said(ring, said, position, write_seq, said->method ?: METHOD_THREAD_CTX);
}

#endif
