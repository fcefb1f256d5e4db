/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Processes, their files and cgroups: the fields that are read, as kernel.h. */
#ifndef WIRESPAN_TASK_H
#define WIRESPAN_TASK_H

#include "types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	const unsigned char *name;
};

struct dentry {
	struct qstr d_name;
};

struct path {
	struct dentry *dentry;
};

struct counter {
	s64 counter;
};

struct file {
	struct path f_path;
	void *private_data;
	struct counter f_count; /* before Linux 6.13 */
	struct {
		struct counter refcnt; /* less one */
	} f_ref;
};

struct mm_struct {
	struct file *exe_file;
	unsigned long env_start, env_end; /* the environment that it was started with */
};

struct signal_struct {
	struct {
		int counter;
	} live; /* threads that have not ended */
};

struct nsproxy {
	struct net *net_ns;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct kernfs_node {
	u64 id;
	const char *name;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct css_set {
	struct cgroup_subsys_state *subsys[14];
	struct cgroup *dfl_cgrp;
};

struct sched_info {
	unsigned long long run_delay; /* CONFIG_SCHED_INFO */
};

#ifdef __TARGET_ARCH_arm64
struct user_registers {
	unsigned long tp_value;
};

struct thread_struct {
	struct user_registers uw;
};
#else
struct thread_struct {
	unsigned long fsbase;
};
#endif

struct sched_entity {
	unsigned char sched_delayed; /* since Linux 6.12: asleep, and on the run queue still */
};

struct task_struct {
	int on_rq;
	struct sched_entity se;
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *group_leader;
	u64 start_boottime;
	u64 self_exec_id;
	char comm[16];
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct nsproxy *nsproxy;
	struct files_struct *files;
	struct css_set *cgroups;
	unsigned long nvcsw;
	struct sched_info sched_info;
	struct thread_struct thread;
};

#pragma clang attribute pop

#endif
