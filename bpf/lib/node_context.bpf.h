/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Node's threads do many things in turn, so they publish no record themselves: it hangs on the asynchronous context
 * that V8 is in. This goes the way to it (schema nodejs_v1_dev of OTEP 4947) through V8's heap. The thread is in a
 * system call meanwhile, so V8 moves nothing, and what was read amiss leads to no record that is valid. See
 * docs/decisions/0055.
 */
#ifndef WIRESPAN_LIB_NODE_CONTEXT_H
#define WIRESPAN_LIB_NODE_CONTEXT_H

/* What a thread says of its isolate: `otel_thread_ctx_nodejs_v1`. */
struct node_thread {
	u64 frame;     /* where V8 has the context that it is in; 0: the thread publishes nothing */
	u64 key;       /* where V8 has the key of the entry that is meant */
	s32 hash;      /* of this key */
	s32 record;    /* of a wrapper: the record's address; 0: as it was before that was told */
	u64 undefined; /* what stands where nothing is */
};
_Static_assert(sizeof(struct node_thread) == 32, "node_thread");

/* Where a wrapper has the record's address, when nobody says. */
#define NODE_RECORD_DEFAULT 24
#define NODE_LONGEST_OBJECT 4096

/* A JavaScript Map: as many entries as two for each bucket, so many steps from one of a bucket to the next. */
#define NODE_MAX_BUCKETS 1024
#define NODE_MAX_STEPS	 8

/* Its counts, as small integers: the elements, those deleted, the buckets. The buckets follow, then the entries. */
struct node_table {
	u64 elements;
	u64 deleted;
	u64 buckets;
};

struct node_entry {
	u64 key;
	u64 value;
	u64 next; /* of the same bucket: a small integer, -1: none */
};

/* The way to a record. */
struct node_walk {
	u64 at; /* the place of struct node_thread, then the record's address */
	u16 frame_table;
	u16 table_counts;
	u16 record;
	u16 inner;
};

enum node_found {
	NODE_RECORD,
	NODE_NOTHING, /* the thread is in no context that has a record */
	NODE_UNREADABLE,
	NODE_MALFORMED, /* no such objects are there */
};

static __always_inline bool read_word(u64 *into, u64 address)
{
	return !bpf_probe_read_user(into, sizeof(*into), (void *)address);
}

/* A reference to an object of the heap has these lowest bits (V8 without compressed pointers). */
static __always_inline bool is_object(u64 word)
{
	return (word & 3) == 1;
}

static __always_inline u64 object_at(u64 word)
{
	return word - 1;
}

/* A small integer has the upper half of a word. -1: it is none, or that. */
static __always_inline s32 small_integer(u64 word)
{
	return (u32)word ? -1 : (s32)(word >> 32);
}

/* The value of the key in a Map whose counts are at `counts`. Not static, so it is verified once. */
__noinline int find_node_value(const struct node_thread *thread, u64 counts, u64 *value)
{
	struct node_table table;
	struct node_entry entry;
	u64 key, word, buckets, entries;
	s32 index, i;

	if (!thread || !value)
		return NODE_MALFORMED;
	if (bpf_probe_read_user(&table, sizeof(table), (void *)counts) ||
	    !read_word(&key, thread->key))
		return NODE_UNREADABLE;
	buckets = small_integer(table.buckets);
	if (!buckets || buckets > NODE_MAX_BUCKETS || (buckets & (buckets - 1)))
		return NODE_MALFORMED;
	entries = counts + sizeof(table);
	if (!read_word(&word, entries + ((u32)thread->hash & (buckets - 1)) * sizeof(word)))
		return NODE_UNREADABLE;
	entries += buckets * sizeof(word);
	index = small_integer(word);
	for (i = 0; i < NODE_MAX_STEPS; i++) {
		if (index < 0)
			return NODE_NOTHING;
		if ((u64)index >= 2 * buckets)
			return NODE_MALFORMED;
		if (bpf_probe_read_user(&entry, sizeof(entry),
					(void *)(entries + (u64)index * sizeof(entry))))
			return NODE_UNREADABLE;
		if (entry.key == key) {
			*value = entry.value;
			return NODE_RECORD;
		}
		index = small_integer(entry.next);
	}
	return NODE_MALFORMED;
}

/* Returns an enum node_found. Not static, so it is verified once, apart from its callers. */
__noinline int find_node_record(struct node_walk *walk)
{
	struct node_thread thread;
	u64 frame, table, value = 0;
	u32 record;
	int found;

	if (!walk)
		return NODE_MALFORMED;
	if (bpf_probe_read_user(&thread, sizeof(thread), (void *)walk->at))
		return NODE_UNREADABLE;
	if (!thread.frame)
		return NODE_NOTHING;
	if (!read_word(&frame, thread.frame))
		return NODE_UNREADABLE;
	if (frame == thread.undefined)
		return NODE_NOTHING;
	if (!is_object(frame))
		return NODE_MALFORMED;
	if (!read_word(&table, object_at(frame) + walk->frame_table))
		return NODE_UNREADABLE;
	if (!is_object(table))
		return NODE_MALFORMED;
	found = find_node_value(&thread, object_at(table) + walk->table_counts, &value);
	if (found != NODE_RECORD)
		return found;
	if (value == thread.undefined)
		return NODE_NOTHING;
	record = walk->record ?: thread.record ?: NODE_RECORD_DEFAULT;
	if (!is_object(value) || record > NODE_LONGEST_OBJECT)
		return NODE_MALFORMED;
	if (!read_word(&value, object_at(value) + record))
		return NODE_UNREADABLE;
	if (value && walk->inner != NODE_NO_INNER && !read_word(&value, value + walk->inner))
		return NODE_UNREADABLE;
	walk->at = value;
	return value ? NODE_RECORD : NODE_NOTHING;
}

#endif
