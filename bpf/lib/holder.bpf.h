/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This tells whose a listening socket is: it belongs to who accepts from it, else to who has it
 * open. A process that called listen() and then forked may be gone while its children serve. It
 * stays with one as long as that one has it open, so that it does not go to and fro between those
 * who share it.
 */
#ifndef WIRESPAN_LIB_HOLDER_H
#define WIRESPAN_LIB_HOLDER_H

/* `sk` and `tp`: the listener, or a connection of it, which has its port. */
static __always_inline void give_listener(struct sock *sk, struct tcp_sock *tp,
					  struct conn *listener, const struct known_owner *owner)
{
	listener->owner = owner->key;
	listener->owner_rules = owner->rules;
	listener->references = 0;
	apply_filter(sk, tp, listener);
}

/* How often a file is open: once for each table of descriptors that has it, and for whoever uses it right now. */
static __always_inline u64 references_of(struct file *file)
{
	if (bpf_core_field_exists(file->f_ref))
		return BPF_CORE_READ(file, f_ref.refcnt.counter) + 1;
	return BPF_CORE_READ(file, f_count.counter);
}

/* The address may be another thread's by now, or nobody's. Its first thread may have ended before it. */
static __always_inline bool is_alive(const struct conn *listener)
{
	struct task_struct *task = (struct task_struct *)listener->holder_task;

	return task && (u32)BPF_CORE_READ(task, tgid) == listener->owner.pid &&
	       BPF_CORE_READ(task, start_boottime) == listener->owner.start_ns &&
	       (u32)BPF_CORE_READ(task, self_exec_id) == listener->owner.execs &&
	       !(BPF_CORE_READ(task, flags) & PF_EXITING);
}

/* An owner that handed a listener on and let go of it between two passes is noticed so many passes later. */
#define HELD_PASSES 8

/*
 * Whether its owner may no longer have it open: then the files of all processes are asked, which
 * costs as much as a sixth of a pass. `own_references`: of who asks, for the time being.
 */
static __noinline bool is_in_doubt(const struct conn *listener, u32 own_references)
{
	struct sock *sk = (struct sock *)listener->listener_sock;
	struct file *file = BPF_CORE_READ(sk, sk_socket, file);

	if (listener->held_pass + HELD_PASSES <= pass_number)
		return true;
	return !listener->references ||
	       listener->references != references_of(file) - own_references || !is_alive(listener);
}

/* Who only holds it makes way for the first who accepts from it. */
static __always_inline void note_acceptor(struct sock *sk, struct tcp_sock *tp,
					  struct conn *listener, const struct known_owner *owner)
{
	if (!listener || listener->role != ROLE_LISTENER ||
	    (listener->flags & (CONN_ACCEPTS | CONN_CLOSED)) || owner->key.pid == agent_pid)
		return;
	set_flags(listener, CONN_ACCEPTS);
	if (is_same_owner(&listener->owner, &owner->key))
		return;
	give_listener(sk, tp, listener, owner);
	announce(owner, listener, PROBE_ACCEPT);
}

#endif
