/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This finds the heads of HTTP/1.x requests in the bytes of a write, which are their request lines
 * and header sections (RFC 9112), and their fields.
 */
#ifndef WIRESPAN_HTTP1_HEAD_H
#define WIRESPAN_HTTP1_HEAD_H

#define HEAD_WINDOW	4096
#define HEADS_PER_WRITE 4

struct http1_head {
	u32 start;
	u32 end; /* first byte after the head; 0: incomplete */
	u32 traceparent;
	u32 traceparents;
	u32 content_length;
	u32 content_lengths;
	u32 transfer_encoding;
	u32 transfer_encodings;
	u32 unframed; /* Upgrade */
	u32 fields;   /* where the line after the request line begins */
};

/*
 * Zeros follow the bytes of a write, as far as the longest field that begins in its last byte is
 * read: its name, blanks before and after, a traceparent.
 */
#define ZEROS_AFTER 128

/* Where in a write, which may be in several buffers, the bytes are that are followed next. */
struct walk {
	u64 vector;   /* the struct iovec after this one */
	u64 buffer;   /* 0: not in user memory */
	u64 length;   /* of the buffer, from here on */
	u64 left;     /* of the write */
	u64 skip;     /* so many bytes from here on are not followed */
	u64 position; /* in the stream */
};

struct write_scratch {
	u64 busy; /* a program is at work with it */
	u8 bytes[HEAD_WINDOW + 256];
	struct http1_head heads[HEADS_PER_WRITE];
	u32 length; /* of the write, as far as it was read */
	u32 count;  /* complete heads */
	u32 at;	    /* how far parse_chunks() is */
	u32 pad;
	struct request request;
	struct walk walk;
};

/* This is working memory of a CPU, since a head does not fit the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct write_scratch);
} scratches SEC(".maps");

/* What came of a head that is not whole yet, at its place. */
struct window {
	u8 bytes[HEAD_WINDOW];
};

/* Such a head is put together here: a piece of it may reach beyond the window as the verifier counts. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u8[2 * HEAD_WINDOW]);
} pieces SEC(".maps");

#define WORD4(a, b, c, d)	      ((u32)(a) | (u32)(b) << 8 | (u32)(c) << 16 | (u32)(d) << 24)
#define WORD8(a, b, c, d, e, f, g, h) ((u64)WORD4(a, b, c, d) | (u64)WORD4(e, f, g, h) << 32)

/* The methods are those of RFC 9110, PATCH and QUERY, each with the space after it. */
static __always_inline bool is_method(u64 w)
{
	u32 low = (u32)w;

	return low == WORD4('G', 'E', 'T', ' ') || low == WORD4('P', 'U', 'T', ' ') ||
	       (w & 0xffffffffffULL) == WORD8('P', 'O', 'S', 'T', ' ', 0, 0, 0) ||
	       (w & 0xffffffffffULL) == WORD8('H', 'E', 'A', 'D', ' ', 0, 0, 0) ||
	       (w & 0xffffffffffffULL) == WORD8('P', 'A', 'T', 'C', 'H', ' ', 0, 0) ||
	       (w & 0xffffffffffffULL) == WORD8('T', 'R', 'A', 'C', 'E', ' ', 0, 0) ||
	       (w & 0xffffffffffffULL) == WORD8('Q', 'U', 'E', 'R', 'Y', ' ', 0, 0) ||
	       (w & 0xffffffffffffffULL) == WORD8('D', 'E', 'L', 'E', 'T', 'E', ' ', 0) ||
	       w == WORD8('O', 'P', 'T', 'I', 'O', 'N', 'S', ' ') ||
	       w == WORD8('C', 'O', 'N', 'N', 'E', 'C', 'T', ' ');
}

#define BEGINS_AS(w, there, ...) \
	!(((w) ^ WORD8(__VA_ARGS__)) & (there)&METHOD_MASK(WORD8(__VA_ARGS__)))
/* A method is as long as its word is not zero. */
#define METHOD_MASK(word)                     \
	((word) >> 56	? ~0ULL               \
	 : (word) >> 48 ? 0xffffffffffffffULL \
	 : (word) >> 40 ? 0xffffffffffffULL   \
	 : (word) >> 32 ? 0xffffffffffULL     \
			: 0xffffffffULL)

/* May so many bytes, eight at most, be the first ones of a request? */
static __always_inline bool begins_as_method(u64 w, u32 length)
{
	u64 there = length < 8 ? (1ULL << 8 * length) - 1 : ~0ULL;

	return BEGINS_AS(w, there, 'G', 'E', 'T', ' ', 0, 0, 0, 0) ||
	       BEGINS_AS(w, there, 'P', 'U', 'T', ' ', 0, 0, 0, 0) ||
	       BEGINS_AS(w, there, 'P', 'O', 'S', 'T', ' ', 0, 0, 0) ||
	       BEGINS_AS(w, there, 'H', 'E', 'A', 'D', ' ', 0, 0, 0) ||
	       BEGINS_AS(w, there, 'P', 'A', 'T', 'C', 'H', ' ', 0, 0) ||
	       BEGINS_AS(w, there, 'T', 'R', 'A', 'C', 'E', ' ', 0, 0) ||
	       BEGINS_AS(w, there, 'Q', 'U', 'E', 'R', 'Y', ' ', 0, 0) ||
	       BEGINS_AS(w, there, 'D', 'E', 'L', 'E', 'T', 'E', ' ', 0) ||
	       BEGINS_AS(w, there, 'O', 'P', 'T', 'I', 'O', 'N', 'S', ' ') ||
	       BEGINS_AS(w, there, 'C', 'O', 'N', 'N', 'E', 'C', 'T', ' ');
}

static __always_inline struct write_scratch *scratch(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&scratches, &zero);
}

static __always_inline u64 word_at(struct write_scratch *s, u32 at)
{
	return *(u64 *)&s->bytes[at & (HEAD_WINDOW - 1)];
}

/*
 * A line of a head begins at `at`. This notes it when it is a field that we need, or the end of the
 * head, and returns 1 to stop. It is a global function, so the verifier checks it once and not at
 * each of its callers.
 */
__noinline int parse_line(u32 at)
{
	struct write_scratch *s = scratch();
	struct http1_head *head;
	u64 lower;

	if (!s)
		return 1;
	at &= 2 * HEAD_WINDOW - 1;
	if (at > HEAD_WINDOW)
		return 1;
	head = &s->heads[s->count & 3];
	if (head->fields <= head->start)
		head->fields = at;
	lower = *(u64 *)&s->bytes[at] | 0x2020202020202020ULL;
	if (lower == WORD8('t', 'r', 'a', 'c', 'e', 'p', 'a', 'r')) {
		/*
		 * The whole name has to be there, and a colon right after it (RFC 9112 section
		 * 5.1).
		 */
		if ((s->bytes[at + 8] | 0x20) == 'e' && (s->bytes[at + 9] | 0x20) == 'n' &&
		    (s->bytes[at + 10] | 0x20) == 't' && s->bytes[at + 11] == ':') {
			head->traceparent = at;
			head->traceparents += 1;
		}
	} else if (lower == WORD8('c', 'o', 'n', 't', 'e', 'n', 't', '-')) {
		/* This tells Content-Length from Content-Type, Content-Encoding and the like. */
		if ((s->bytes[at + 8] | 0x20) == 'l' && (s->bytes[at + 9] | 0x20) == 'e' &&
		    (s->bytes[at + 10] | 0x20) == 'n') {
			head->content_length = at;
			head->content_lengths += 1;
		}
	} else if (lower == WORD8('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')) {
		head->transfer_encoding = at;
		head->transfer_encodings += 1;
	} else if (lower == WORD8('u', 'p', 'g', 'r', 'a', 'd', 'e', ':')) {
		head->unframed = 1;
	} else if (s->bytes[at] == '\r' && s->bytes[at + 1] == '\n') {
		/* We stop here when a body follows, or when this write has had enough heads. */
		head->end = at + 2;
		s->count += 1;
		if (head->content_lengths || head->transfer_encodings || head->unframed ||
		    s->count >= HEADS_PER_WRITE)
			return 1;
		head = &s->heads[s->count & 3];
		__builtin_memset(head, 0, sizeof(*head));
		head->start = at + 2;
	}
	return 0;
}

/* Which of eight bytes may be a line feed: 0x80 at each; the first one is, a later one may be 0x0b. */
static __always_inline u64 feeds_in(u64 word)
{
	u64 x = word ^ 0x0a0a0a0a0a0a0a0aULL;

	return (x - 0x0101010101010101ULL) & ~x & 0x8080808080808080ULL;
}

/*
 * The place of the lowest 0x80: one bit is left of each byte up to it, and these are added up. It has
 * no branches, each of which the verifier would follow.
 */
static __always_inline u32 first_byte_of(u64 mask)
{
	u64 up_to = ((mask & -mask) - 1) & 0x0101010101010101ULL;

	return (up_to * 0x0101010101010101ULL >> 56) - 1;
}

/* `feeds` of the eight bytes at `at` may be line feeds. Returns 1 to stop. */
__noinline int parse_word(u32 at, u64 feeds)
{
	struct write_scratch *s = scratch();
	u32 i;

	if (!s)
		return 1;
	for (i = 0; i < 8 && feeds; i++) {
		u32 here = (at + first_byte_of(feeds)) & (HEAD_WINDOW - 1);

		if (s->bytes[here] == '\n' && parse_line(here + 1))
			return 1;
		feeds &= feeds - 1;
	}
	return 0;
}

/*
 * Notes where heads begin and end, and where the fields are that we need. It does so in map memory,
 * whose content the verifier does not track: the length too is read there, each time round.
 */
__noinline int find_http1_heads(void)
{
	struct write_scratch *s = scratch();
	u32 i, stop = 0;

	if (!s)
		return 0;
	for (i = 0; i < HEAD_WINDOW; i += 8) {
		u64 feeds = feeds_in(*(u64 *)&s->bytes[i]);

		if (i >= *(volatile u32 *)&s->length)
			break;
		if (feeds)
			stop = parse_word(i, feeds);
		/*
		 * The loop has one way round, since Linux 6.1 refuses one that is entered again by
		 * falling through.
		 */
		barrier_var(stop);
		if (stop)
			break;
	}
	return 0;
}

#endif
