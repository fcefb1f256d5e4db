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
	apply_filter(sk, tp, listener);
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
