/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * filter.include and filter.exclude say which connections are observed. It is decided here, so that
 * nothing is spent on the rest. What a rule says of the process (command, cgroup) is decided in
 * process context, once a process, and kept with the process. What it says of the socket is decided
 * when the connection opens, from softirq too.
 */
#ifndef WIRESPAN_LIB_FILTER_H
#define WIRESPAN_LIB_FILTER_H

/*
 * This is the filter in force: its generation << 32, what it has, and the bank of its rules. It is
 * 0 without a filter. User space writes it last, in one store, after the rules of that bank.
 */
u64 filter_setup = 0;
#define FILTER_BANK(setup)	   ((u32)(setup)&1)
#define FILTER_HAS_INCLUDES(setup) ((u32)(setup) & (1 << FILTER_INCLUDES_BIT))
#define FILTER_HAS_V1(setup)	   ((u32)(setup) & (1 << FILTER_V1_BIT))
#define FILTER_GENERATION_MASK	   (~0ULL << FILTER_GENERATION_BIT)

/* There are two banks of rules: one is in force, and a reload fills the other. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * FILTER_RULES);
	__type(key, u32);
	__type(value, struct filter_rule);
} filter_rules SEC(".maps");

/* The value has the bits of those rules of a bank that name the cgroup. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * FILTER_RULES * FILTER_HIERARCHIES);
	__type(key, struct filter_cgroup);
	__type(value, u32);
} filter_cgroups SEC(".maps");

/* So many levels of the cgroup tree are looked at, from the process's own upwards. */
#define CGROUP_LEVELS 32

/*
 * Rules are about these. Without a peer, which a listener has not, `family` and `remote_port` are
 * 0.
 */
struct filter_facts {
	u8 peer[16]; /* IPv4 as ::ffff:a.b.c.d */
	u32 owner_rules;
	u32 pid;
	u32 netns;
	u16 local_port;
	u16 remote_port;
	u8 family; /* 4 or 6 */
	u8 pad[7];
};

static __always_inline u32 filter_generation_of(u64 setup)
{
	return setup >> 32;
}

/*
 * Returns the bits of the cgroup rules whose folder this cgroup is in. It is not static, so it is
 * verified once.
 */
__noinline u32 rules_of_cgroup(u64 address, u64 setup)
{
	struct cgroup *cgroup = (struct cgroup *)address;
	struct filter_cgroup key = {.bank = FILTER_BANK(setup)};
	u64 hierarchy = (u64)BPF_CORE_READ(cgroup, root, hierarchy_id) << CGROUP_HIERARCHY_BIT;
	u32 i, *found, rules = 0;

	for (i = 0; i < CGROUP_LEVELS && cgroup; i++) {
		key.id = BPF_CORE_READ(cgroup, kn, id) | hierarchy;
		found = bpf_map_lookup_elem(&filter_cgroups, &key);
		if (found)
			rules |= *found;
		cgroup = cgroup_above(cgroup);
	}
	return rules;
}

/*
 * Returns the same for all cgroups of a process. Controllers that share a hierarchy come one after
 * the other.
 */
static __always_inline u32 rules_of_cgroups(struct css_set *set, u64 setup)
{
	u32 i, rules = rules_of_cgroup((u64)BPF_CORE_READ(set, dfl_cgrp), setup);
	struct cgroup *cgroup, *last = 0;

	if (!FILTER_HAS_V1(setup))
		return rules;
	for (i = 0; i < MAX_CONTROLLERS; i++) {
		cgroup = v1_cgroup(set, i);
		if (cgroup && cgroup != last)
			rules |= rules_of_cgroup((u64)cgroup, setup);
		last = cgroup;
	}
	return rules;
}

/* A name as the kernel cuts it for a command: COMM_LEN - 1 bytes and zeros. */
struct short_name {
	u64 words[2];
};
_Static_assert(sizeof(struct short_name) == COMM_LEN, "short_name");

static __always_inline bool is_named(const struct short_name *name, const struct filter_rule *rule)
{
	return name->words[0] == *(u64 *)&rule->command[0] &&
	       name->words[1] == *(u64 *)&rule->command[8];
}

/*
 * Returns what owner_info.rules is to have: the rules whose command (that, or the
 * executable) and cgroup are this process's,
 * under the filter's generation. It is not static, so it is verified once and not at each of its
 * callers.
 */
__noinline u64 match_owner(const struct owner_info *info, u64 css_set)
{
	u64 setup = filter_setup;
	u32 i, index, in_cgroup, rules = 0;
	struct short_name command, executable;
	struct filter_rule *rule;

	if (!info || !setup)
		return 0;
	__builtin_memcpy(&command, info->command, COMM_LEN);
	__builtin_memcpy(&executable, info->executable, COMM_LEN);
	((char *)&executable)[COMM_LEN - 1] = 0;
	in_cgroup = rules_of_cgroups((struct css_set *)css_set, setup);
	for (i = 0; i < FILTER_RULES; i++) {
		index = FILTER_BANK(setup) * FILTER_RULES + i;
		rule = bpf_map_lookup_elem(&filter_rules, &index);
		if (!rule || rule->kind == FILTER_END)
			break;
		if ((rule->fields & FILTER_COMMAND) && !is_named(&command, rule) &&
		    !is_named(&executable, rule))
			continue;
		if ((rule->fields & FILTER_CGROUP) && !(in_cgroup & (1u << i)))
			continue;
		rules |= 1u << i;
	}
	return (setup & FILTER_GENERATION_MASK) | rules;
}

static __always_inline bool rule_matches(const struct filter_rule *rule,
					 const struct filter_facts *facts, u32 bit)
{
	const u64 *address = (const u64 *)rule->address, *mask = (const u64 *)rule->mask;
	const u64 *peer = (const u64 *)facts->peer;
	u32 fields = rule->fields;

	if ((fields & FILTER_PORT) && facts->local_port != rule->port &&
	    facts->remote_port != rule->port)
		return false;
	if ((fields & FILTER_LOCAL_PORT) && facts->local_port != rule->local_port)
		return false;
	if ((fields & FILTER_REMOTE_PORT) && facts->remote_port != rule->remote_port)
		return false;
	if ((fields & FILTER_CIDR) &&
	    (facts->family != rule->family || (peer[0] & mask[0]) != address[0] ||
	     (peer[1] & mask[1]) != address[1]))
		return false;
	if ((fields & FILTER_PID) && facts->pid != rule->pid)
		return false;
	if ((fields & FILTER_NETNS) && facts->netns != rule->netns)
		return false;
	return !(fields & (FILTER_COMMAND | FILTER_CGROUP)) || (facts->owner_rules & bit);
}

/*
 * Returns 1 when it is not to be observed. Each rule says itself whether it includes or excludes:
 * if the index were compared with how many there are, the verifier would walk the loop once for
 * each such number.
 */
__noinline int filter_refuses(const struct filter_facts *facts)
{
	u64 setup = filter_setup;
	bool included = !FILTER_HAS_INCLUDES(setup);
	struct filter_rule *rule;
	u32 i, index;

	if (!facts)
		return 0;
	for (i = 0; i < FILTER_RULES; i++) {
		index = FILTER_BANK(setup) * FILTER_RULES + i;
		rule = bpf_map_lookup_elem(&filter_rules, &index);
		if (!rule || rule->kind == FILTER_END)
			break;
		if (!rule_matches(rule, facts, 1u << i))
			continue;
		if (rule->kind == FILTER_EXCLUDE)
			return 1;
		included = true;
	}
	return !included;
}

/*
 * Asks again for a process that was known before these rules. It runs in process context or in an
 * iterator.
 */
static __always_inline void refresh_owner_rules(struct owner_info *info, struct task_struct *leader)
{
	u64 setup = filter_setup;

	if (setup && filter_generation_of(setup) != filter_generation_of(info->rules))
		info->rules = match_owner(info, (u64)BPF_CORE_READ(leader, cgroups));
}

#endif
