/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This tells which container a process is in, by the names of its cgroup and of those around it.
 * They are kept once a cgroup, because a short-lived process, or its cgroup, is gone before user
 * space can look. What the names mean is user space's business.
 */
#ifndef WIRESPAN_LIB_CGROUP_H
#define WIRESPAN_LIB_CGROUP_H

/*
 * This has the names of the cgroups of processes, to find their containers. The least used make
 * room.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, struct cgroup_names);
} cgroups SEC(".maps");

/* There are 14 controllers. */
#define MAX_CONTROLLERS 16
/* A container's id has so many hex digits. Hardly any other cgroup has a name as long. */
#define CONTAINER_ID_LEN 64

static struct cgroup_names zero_names;

static __always_inline struct cgroup *cgroup_above(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, self.parent, cgroup);
}

static __always_inline bool names_container(struct cgroup *cgroup)
{
	char name[CONTAINER_ID_LEN + 1];
	u32 i;

	for (i = 0; i < CGROUP_NAMES && cgroup; i++) {
		if (bpf_probe_read_kernel_str(name, sizeof(name),
					      BPF_CORE_READ(cgroup, kn, name)) == sizeof(name))
			return true;
		cgroup = cgroup_above(cgroup);
	}
	return false;
}

/*
 * Returns the process's cgroup of the i-th controller, or NULL where that one is not in a hierarchy
 * of cgroup v1.
 */
static __always_inline struct cgroup *v1_cgroup(struct css_set *set, u32 i)
{
	u32 controllers = bpf_core_field_size(set->subsys) / sizeof(void *);
	const char *first = (const char *)set + bpf_core_field_offset(set->subsys);
	struct cgroup_subsys_state *state;
	struct cgroup *cgroup;

	if (i >= controllers ||
	    bpf_probe_read_kernel(&state, sizeof(state), first + i * sizeof(state)))
		return 0;
	cgroup = BPF_CORE_READ(state, cgroup);
	return BPF_CORE_READ(cgroup, root, hierarchy_id) ? cgroup : 0;
}

/*
 * Returns the address of the cgroup in cgroup v2, unless only a controller of v1 puts the process
 * in a container. It is not static: verified once.
 */
__noinline u64 telling_cgroup(u64 css_set)
{
	struct css_set *set = (struct css_set *)css_set;
	struct cgroup *unified = BPF_CORE_READ(set, dfl_cgrp), *cgroup;
	u32 i;

	if (names_container(unified))
		return (u64)unified;
	for (i = 0; i < MAX_CONTROLLERS; i++) {
		cgroup = v1_cgroup(set, i);
		if (cgroup && names_container(cgroup))
			return (u64)cgroup;
	}
	return (u64)unified;
}

/*
 * The key is the cgroup's id, which is unique within a hierarchy, with the hierarchy's number in
 * the uppermost byte.
 */
static __always_inline u64 cgroup_key(struct cgroup *cgroup)
{
	return BPF_CORE_READ(cgroup, kn, id) | (u64)BPF_CORE_READ(cgroup, root, hierarchy_id)
						       << CGROUP_HIERARCHY_BIT;
}

/*
 * Notes the names of the cgroup that tells the container, and returns its key in `cgroups`. It is
 * not static: verified once.
 */
__noinline u64 note_cgroup(u64 address)
{
	struct cgroup *cgroup = (struct cgroup *)address, *above[CGROUP_NAMES];
	u64 key = cgroup_key(cgroup);
	struct cgroup_names *names = bpf_map_lookup_elem(&cgroups, &key);
	u32 i;

	if (names)
		return key;
	names = try_init(&cgroups, &key, &zero_names);
	if (!names)
		return key;
	for (i = 0; i < CGROUP_NAMES; i++) {
		above[i] = cgroup;
		cgroup = cgroup ? cgroup_above(cgroup) : 0;
	}
	/* The innermost is written last: when it is there, all are. */
	for (i = CGROUP_NAMES; i-- > 0;)
		if (above[i])
			bpf_probe_read_kernel_str(names->name[i], sizeof(names->name[i]),
						  BPF_CORE_READ(above[i], kn, name));
	return key;
}

#endif
