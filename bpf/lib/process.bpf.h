/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This names the process of the current context, once, in `owners`. */
#ifndef WIRESPAN_LIB_PROCESS_H
#define WIRESPAN_LIB_PROCESS_H

/*
 * Read by a helper: for each pointer that is read through a trusted one, the verifier of 6.2 and later
 * looks for names through all of the kernel's types, on every path anew, a millisecond a time.
 */
static __always_inline u32 netns_of(const struct sock *sk)
{
	return BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
}

/* Whether a process has it open, or had it open until now. By a helper too. */
static __always_inline bool has_socket(const struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_socket);
}

/* A packet's device, by a helper too. */
static __always_inline struct net_device *device_of(const struct sk_buff *skb)
{
	return BPF_CORE_READ(skb, dev);
}

/*
 * A thread that ended has neither memory nor namespaces, and the first one may end before others. By
 * their addresses; a function of its own, since its caller has no room left on its stack.
 */
static __noinline u64 living_thread(u64 thread, u64 leader)
{
	return BPF_CORE_READ((struct task_struct *)thread, mm) ? thread : leader;
}

/* They are read as text, since what is behind their end may belong to a name before. */
static __always_inline void read_names(struct owner_info *info, struct task_struct *living,
				       struct task_struct *leader)
{
	const unsigned char *name = BPF_CORE_READ(living, mm, exe_file, f_path.dentry, d_name.name);

	if (name)
		bpf_probe_read_kernel_str(info->executable, sizeof(info->executable), name);
	bpf_probe_read_kernel_str(info->command, sizeof(info->command), &leader->comm);
}

/*
 * Returns what the filter's rules say of a process that has no row. `address`: of any thread of it. It
 * is not static: verified once.
 */
__noinline u64 rules_of(u64 address)
{
	struct task_struct *thread = (struct task_struct *)address, *leader;
	struct owner_info info = {};

	leader = BPF_CORE_READ(thread, group_leader);
	read_names(&info, (struct task_struct *)living_thread(address, (u64)leader), leader);
	return match_owner(&info, (u64)BPF_CORE_READ(leader, cgroups));
}

/*
 * First socket of a process that is observed: keep its facts, and tell user space while
 * /proc still has it. What the filter leaves out takes no room from anybody. `address`: of any
 * thread of it. Not static: verified once. Before 6.2 a map takes no key that a caller gave.
 */
__noinline int announce_owner(const struct owner_key *owner, u64 address, u32 probe)
{
	struct task_struct *thread = (struct task_struct *)address, *leader, *living;
	struct owner_info info = {};
	struct owner_record *record;
	struct owner_key key;
	u64 css_set;

	if (!owner)
		return 0;
	key = *owner;
	leader = BPF_CORE_READ(thread, group_leader);
	living = (struct task_struct *)living_thread(address, (u64)leader);
	info.netns = BPF_CORE_READ(living, nsproxy, net_ns, ns.inum);
	read_names(&info, living, leader);
	css_set = (u64)BPF_CORE_READ(leader, cgroups);
	info.cgroup_id = note_cgroup(telling_cgroup(css_set));
	info.rules = match_owner(&info, css_set);
	if (bpf_map_update_elem(&owners, &key, &info, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&owners, &key))
			count_loss(probe, LOST_MAP_FULL);
		return 0;
	}
	record = reserve(PROBE_OWNER, RECORD_OWNER, sizeof(*record), bpf_ktime_get_ns());
	if (record) {
		record->owner = key;
		record->info = info;
		submit(PROBE_OWNER, record);
	}
	return 0;
}

static __always_inline bool is_same_owner(const struct owner_key *one,
					  const struct owner_key *other)
{
	return one->pid == other->pid && one->start_ns == other->start_ns &&
	       one->execs == other->execs;
}

/* Whether it is the process of this owner, be it with another program by now. */
static __always_inline bool is_same_process(const struct owner_key *owner,
					    struct task_struct *leader, u32 pid)
{
	return owner->pid == pid && owner->start_ns == leader->start_boottime;
}

static __always_inline void name_process(struct owner_key *owner, struct task_struct *leader,
					 u32 pid)
{
	owner->pid = pid;
	owner->start_ns = leader->start_boottime;
	owner->execs = leader->self_exec_id;
}

/* The process of `thread`, as an owner. Process context, or an iterator. */
static __always_inline void know_owner(struct known_owner *owner, struct task_struct *thread,
				       u32 pid)
{
	struct task_struct *leader = thread->group_leader;
	struct owner_info *info;

	name_process(&owner->key, leader, pid);
	info = bpf_map_lookup_elem(&owners, &owner->key);
	if (info) {
		refresh_owner_rules(info, leader);
		owner->rules = info->rules;
		owner->thread = 0;
	} else {
		owner->rules = filter_setup ? rules_of(address_of(thread)) : 0;
		owner->thread = address_of(thread);
	}
}

/*
 * Knows the calling process, in process context only. Returns false in a kernel thread: then it is
 * nobody's.
 */
static __always_inline bool current_owner(struct known_owner *owner)
{
	struct task_struct *task = bpf_get_current_task_btf();

	if (task->flags & PF_KTHREAD)
		return false;
	know_owner(owner, task, task->tgid);
	return true;
}

static __always_inline struct task_struct *current_leader(void)
{
	return bpf_get_current_task_btf()->group_leader;
}

static __always_inline bool is_exiting(void)
{
	return bpf_get_current_task_btf()->flags & PF_EXITING;
}

#endif
