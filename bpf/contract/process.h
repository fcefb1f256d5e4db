/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What processes say of themselves: maps and system calls have these, no record. Part of wire.h. */
#ifndef WIRESPAN_PROCESS_H
#define WIRESPAN_PROCESS_H

/*
 * What an application says of a socket, by setsockopt() with this level and option: the bytes that it
 * writes from now on are of this context, until it says otherwise. With the other option, by any
 * socket: the connect() that the thread calls next is. All ids zero: of none. See docs/hook.md.
 */
enum announcement_option {
	ANNOUNCEMENT_VERSION = 1,
	ANNOUNCEMENT_NAME = 1,
	ANNOUNCEMENT_NEXT_CONNECT = 2,
	ANNOUNCEMENT_LEVEL = 0x7773,
};

struct announcement {
	__u8 version; /* ANNOUNCEMENT_VERSION */
	__u8 flags;   /* W3C trace-flags */
	__u8 trace_id[16];
	__u8 span_id[8];
};
_Static_assert(sizeof(struct announcement) == 26, "announcement");

/*
 * Where each thread of a process has the address of its record (OTEP 4947): so many bytes from the thread
 * pointer, or, of a module whose thread-local storage is allocated on demand, from the module's block. That
 * block's address is in a vector, whose address lies near the thread pointer.
 */
struct thread_layout {
	__s64 offset;
	__u32 module; /* its number in the vector; 0: the offset is from the thread pointer */
	__s32 vector; /* from the thread pointer: where the vector's address is */
	__s32 length; /* from the vector: where the highest number that it has is */
	__u32 stride; /* bytes of an entry of the vector */
	/*
	 * Node's threads do many things in turn: there the place has struct node_thread, and the record's address
	 * lies behind objects of V8, in so many bytes from each one's beginning. All 0: the place has the address.
	 */
	__u16 frame_table;  /* of a Map: the table that it stands for */
	__u16 table_counts; /* of the table: its three counts, buckets and entries */
	__u16 record;	    /* of a wrapper: the record's address; 0: as the thread says */
	__u16 inner;	    /* of what that points to; NODE_NO_INNER: that is the record */
};
_Static_assert(sizeof(struct thread_layout) == 32, "thread_layout");

enum node_inner {
	NODE_NO_INNER = 0xffff,
};

/* Longer values are not kept. With what the map adds, an entry fills the kernel's size class of 2 KiB. */
#define EXEC_NAME_LEN 256
#define EXEC_LIST_LEN 1712

/* The two variables that name a program, of the environment that it was started with. */
struct exec_names {
	__u64 start_ns; /* as owner_key */
	__u32 execs;
	__u16 name_bytes; /* OTEL_SERVICE_NAME, with its NUL; 0: not set */
	__u16 list_bytes; /* OTEL_RESOURCE_ATTRIBUTES */
	char name[EXEC_NAME_LEN];
	char list[EXEC_LIST_LEN];
};
_Static_assert(sizeof(struct exec_names) == 1984, "exec_names");

#endif
