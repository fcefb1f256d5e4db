// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the tests of the addon load. wsn_count answers each system call
 * cfg_syscall of process cfg_tgid: it counts in maps of several types and
 * sends `burst` numbered records of different sizes. The rest are iterators
 * and a cgroup program.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define RECORD_MAX 64
#define BURST_MAX 128
#define REPEAT_MAX 512

struct header {
	__u64 ts_ns;
	__u32 kind;
	__u32 size;
};

struct record {
	struct header header;
	__u64 sequence;
	__u8 fill[RECORD_MAX - sizeof(struct header) - sizeof(__u64)];
};

struct bpf_map {
	__u32 id;
} __attribute__((preserve_access_index));

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} cells SEC(".maps");

/* A value that is no multiple of 8: user space sees it rounded up. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 64);
	__type(key, __u64);
	__type(value, __u32);
} per_cpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

const volatile __u32 cfg_tgid = 0;
const volatile __u32 cfg_syscall = 0;
/* How often wsn_tasks writes each thread of cfg_tgid. */
const volatile __u32 cfg_repeat = 1;
/* .data and .bss: what the test sets and reads while the program runs. */
volatile __u32 burst = 1;
volatile __u32 wake = 0;
volatile __u32 misframe_every = 0;
volatile __u64 events = 0;
volatile __u64 sent = 0;
volatile __u64 lost = 0;
volatile __u64 sequence = 0;

static void count(__u64 event)
{
	__u32 key = event % 17, slot = event % 3, one = 1;
	__u64 first = 1, per_cpu_key = event % 5;
	__u64 *cell = bpf_map_lookup_elem(&cells, &key);
	__u64 *sum = bpf_map_lookup_elem(&slots, &slot);
	__u32 *mine = bpf_map_lookup_elem(&per_cpu, &per_cpu_key);

	if (cell)
		__sync_fetch_and_add(cell, 1);
	else
		bpf_map_update_elem(&cells, &key, &first, BPF_NOEXIST);
	if (mine)
		*mine += 1;
	else
		bpf_map_update_elem(&per_cpu, &per_cpu_key, &one, BPF_NOEXIST);
	if (sum)
		*sum += 1;
}

static void send(__u64 number, __u64 flags)
{
	struct record record = {};
	__u32 size = sizeof(struct header) + sizeof(__u64) + number % 37;

	record.header.ts_ns = bpf_ktime_get_ns();
	record.header.kind = number % 7;
	record.header.size = size;
	record.sequence = number;
	__builtin_memset(record.fill, 0xa5, sizeof(record.fill));
	if (misframe_every && number % misframe_every == 0)
		record.header.size = 4096;
	/* The compiler knows that size fits; the verifier must see it. */
	asm volatile("" : "+r"(size));
	size &= RECORD_MAX - 1;
	if (bpf_ringbuf_output(&records, &record, size, flags))
		__sync_fetch_and_add(&lost, 1);
	else
		__sync_fetch_and_add(&sent, 1);
}

/* A reserved and then discarded record: user space must step over it. */
static void discard(void)
{
	void *space = bpf_ringbuf_reserve(&records, 40, 0);

	if (space)
		bpf_ringbuf_discard(space, BPF_RB_NO_WAKEUP);
}

SEC("tp_btf/sys_enter")
int wsn_count(__u64 *ctx)
{
	__u32 i;

	if (bpf_get_current_pid_tgid() >> 32 != cfg_tgid || ctx[1] != cfg_syscall)
		return 0;
	count(events);
	events += 1;
	for (i = 0; i < BURST_MAX && i < burst; i++) {
		__u64 number = sequence;

		sequence = number + 1;
		if (number % 11 == 0)
			discard();
		send(number, BPF_RB_NO_WAKEUP);
	}
	if (wake) {
		__u64 number = sequence;

		sequence = number + 1;
		send(number, BPF_RB_FORCE_WAKEUP);
	}
	return 0;
}

SEC("iter/task")
int wsn_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 entry[2], i;

	if (!task || (__u32)task->tgid != cfg_tgid)
		return 0;
	entry[0] = task->tgid;
	entry[1] = task->pid;
	for (i = 0; i < REPEAT_MAX && i < cfg_repeat; i++)
		bpf_seq_write(ctx->meta->seq, entry, sizeof(entry));
	return 0;
}

/* Optional: hardened kernels refuse iterators that may write to the element. */
SEC("?iter/bpf_map_elem")
int wsn_cells(struct bpf_iter__bpf_map_elem *ctx)
{
	__u32 *key = ctx->key;
	__u64 *value = ctx->value;
	__u64 entry[2];

	if (!key || !value)
		return 0;
	entry[0] = *key;
	entry[1] = *value;
	bpf_seq_write(ctx->meta->seq, entry, sizeof(entry));
	return 0;
}

struct sum {
	__u64 first;
	__u64 second;
	__u64 total;
};

SEC("syscall")
int wsn_sum(struct sum *sum)
{
	sum->total = sum->first + sum->second;
	return sum->total > 100;
}

SEC("cgroup_skb/egress")
int wsn_cgroup(struct __sk_buff *skb)
{
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
