/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Who: the process of the current context, named once in `owners`. */
#ifndef WIRESPAN_OWNER_H
#define WIRESPAN_OWNER_H

#include "cgroup.bpf.h"
#include "filter.bpf.h"

static __always_inline u32 netns_of(const struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ns.inum;
}

/* First sight of a process: keep its facts, and tell user space while /proc still has it. */
static __noinline void announce_owner(const struct owner_key *key, struct task_struct *leader,
				      u32 probe)
{
	struct owner_info info = {};
	struct owner_record *record;
	const unsigned char *name;

	info.cgroup_id = note_cgroup((u64)BPF_CORE_READ(leader, cgroups));
	info.netns = BPF_CORE_READ(leader, nsproxy, net_ns, ns.inum);
	/* As text: what is behind its end may be of the command before. */
	bpf_probe_read_kernel_str(info.command, sizeof(info.command), &leader->comm);
	name = BPF_CORE_READ(leader, mm, exe_file, f_path.dentry, d_name.name);
	if (name)
		bpf_probe_read_kernel_str(info.executable, sizeof(info.executable), name);
	info.rules = match_owner(&info, (u64)BPF_CORE_READ(leader, cgroups, dfl_cgrp));
	if (bpf_map_update_elem(&owners, key, &info, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&owners, key))
			count_loss(probe, LOST_MAP_FULL);
		return;
	}
	record = reserve(PROBE_OWNER, RECORD_OWNER, sizeof(*record), bpf_ktime_get_ns());
	if (!record)
		return;
	record->owner = *key;
	record->info = info;
	submit(PROBE_OWNER, record);
}

/* The calling process. False in a kernel thread: then nobody's. Process context only. */
static __always_inline bool current_owner(struct owner_key *key, u32 probe)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct *leader;
	struct owner_info *info;

	if (task->flags & PF_KTHREAD)
		return false;
	leader = task->group_leader;
	key->pid = task->tgid;
	key->pad = 0;
	key->start_ns = leader->start_boottime;
	info = bpf_map_lookup_elem(&owners, key);
	if (info)
		refresh_owner_rules(info, leader);
	else
		announce_owner(key, leader, probe);
	return true;
}

static __always_inline bool is_exiting(void)
{
	return bpf_get_current_task_btf()->flags & PF_EXITING;
}

#endif
