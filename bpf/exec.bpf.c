// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * This keeps the two variables that name a service, of programs that are started with them, since a
 * program may overwrite its environment (setproctitle) before user space reads it. Nothing else of
 * the environment is kept. A value that is not whole is none. See docs/decisions/0038.
 */
#include "wirespan.bpf.h"

/* This is the length of a piece of a variable, with a NUL. */
#define PIECE_LEN 128
/* This many pieces are looked at, which is some 256 KiB, as user space reads in /proc. */
#define MAX_PIECES 2048

/*
 * It has the names of processes that live, by pid. ws_exec and ws_fork write it, ws_exit takes out.
 * When it is full, it is counted. User space gives it its size.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct exec_names);
} exec_names SEC(".maps");

/* This has the names that ws_exec is about to keep, which are too large for the BPF stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct exec_names);
} exec_scratch SEC(".maps");

#define SEEN_NAME 1
#define SEEN_LIST 2

/* This is the place of a walk over an environment. */
struct exec_walk {
	u64 at;
	u64 end;
	bool is_rest; /* of a variable whose beginning was looked at */
	u8 seen;      /* of the two, bits */
	u8 miss;      /* enum loss_reason; 0: none */
};

static __always_inline struct exec_names *exec_room(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&exec_scratch, &zero);
}

/* Returns the bytes of a text with its NUL, of which older kernels count none when it is empty. */
static __always_inline long read_text(char *to, u32 room, u64 from)
{
	long bytes = bpf_probe_read_user_str(to, room, (void *)from);

	return bytes ? bytes : 1;
}

/* Returns its bytes with its NUL; 0 when it is not to be had whole. */
static __always_inline u16 keep_value(struct exec_walk *walk, char *to, u32 room, u64 from)
{
	long bytes = read_text(to, room, from);

	if (bytes > 0 && bytes < room)
		return bytes;
	walk->miss = bytes > 0 ? NAMES_TOO_LONG : NAMES_UNREADABLE;
	return 0;
}

/* Compares eight bytes. */
static __always_inline bool has_word(const char *text, const char *word)
{
	return *(const u64 *)text == *(const u64 *)word;
}

/* The first of a name counts, as getenv() has it. */
static __always_inline void look_at(struct exec_walk *walk, const char *text)
{
	struct exec_names *found;

	if (!(walk->seen & SEEN_NAME) && has_word(text, "OTEL_SER") &&
	    has_word(text + 8, "VICE_NAM") && text[16] == 'E' && text[17] == '=') {
		found = exec_room();
		if (found)
			found->name_bytes = keep_value(walk, found->name, EXEC_NAME_LEN,
						       walk->at + 18);
		walk->seen |= SEEN_NAME;
	} else if (!(walk->seen & SEEN_LIST) && has_word(text, "OTEL_RES") &&
		   has_word(text + 8, "OURCE_AT") && has_word(text + 16, "TRIBUTES") &&
		   text[24] == '=') {
		found = exec_room();
		if (found)
			found->list_bytes = keep_value(walk, found->list, EXEC_LIST_LEN,
						       walk->at + 25);
		walk->seen |= SEEN_LIST;
	}
}

/* Returns 1 when it is the last one. */
static long walk_piece(u32 index, struct exec_walk *walk)
{
	char piece[PIECE_LEN] __attribute__((aligned(8)));
	long bytes;

	if (walk->at >= walk->end)
		return 1;
	bytes = read_text(piece, sizeof(piece), walk->at);
	if (bytes <= 0) {
		walk->miss = NAMES_UNREADABLE;
		return 1;
	}
	if (!walk->is_rest)
		look_at(walk, piece);
	walk->is_rest = bytes == sizeof(piece);
	walk->at += walk->is_rest ? bytes - 1 : bytes;
	return walk->seen == (SEEN_NAME | SEEN_LIST);
}

/*
 * Reads the environment of a program that has not run yet: it is as execve() put it there. Returns
 * NULL when it has no names. Without its name as a whole, what else it has may be another's.
 */
static __always_inline struct exec_names *started_names(struct mm_struct *mm)
{
	struct exec_walk walk = {.at = mm->env_start, .end = mm->env_end};
	struct exec_names *found = exec_room();

	if (!found)
		return 0;
	found->name_bytes = 0;
	found->list_bytes = 0;
	bpf_loop(MAX_PIECES, walk_piece, &walk, 0);
	if (!(walk.seen & SEEN_NAME) && walk.at < walk.end)
		walk.miss = NAMES_UNREADABLE;
	if (walk.miss)
		count_loss(PROBE_EXEC, walk.miss);
	if (walk.seen & SEEN_NAME)
		return found->name_bytes ? found : 0;
	return found->list_bytes && !walk.miss ? found : 0;
}

static __always_inline void keep_names(u32 pid, struct exec_names *names)
{
	if (bpf_map_update_elem(&exec_names, &pid, names, BPF_ANY))
		count_loss(PROBE_EXEC, NAMES_NO_ROOM);
}

/* A program without names has none, whatever the one before had. */
SEC("tp_btf/sched_process_exec")
int BPF_PROG(ws_exec, struct task_struct *task)
{
	struct exec_names *names;
	struct mm_struct *mm;
	u32 pid;

	mm = task->mm;
	pid = task->tgid;
	names = mm ? started_names(mm) : 0;
	if (bpf_map_lookup_elem(&exec_names, &pid))
		bpf_map_delete_elem(&exec_names, &pid);
	if (!names)
		return 0;
	names->start_ns = task->group_leader->start_boottime;
	names->execs = task->group_leader->self_exec_id;
	keep_names(pid, names);
	return 0;
}

/* A process that runs its parent's program, until it starts its own, has its names: a worker of a server. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(ws_fork, struct task_struct *parent, struct task_struct *child)
{
	struct exec_names *names;
	u32 pid = parent->tgid, child_pid = child->tgid;

	if (child->pid != child->tgid)
		return 0;
	names = bpf_map_lookup_elem(&exec_names, &pid);
	if (!names)
		return 0;
	keep_names(child_pid, names);
	names = bpf_map_lookup_elem(&exec_names, &child_pid);
	if (names)
		names->start_ns = child->start_boottime;
	return 0;
}

/* It is called for each thread. */
SEC("tp_btf/sched_process_exit")
int BPF_PROG(ws_exit, struct task_struct *task)
{
	u32 pid = task->tgid;

	if (bpf_map_lookup_elem(&exec_names, &pid) && !task->signal->live.counter)
		bpf_map_delete_elem(&exec_names, &pid);
	return 0;
}
