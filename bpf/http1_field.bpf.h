/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This reads the values of the fields that http1_head.bpf.h found: traceparent, and those that say where
 * the body ends.
 */
#ifndef WIRESPAN_HTTP1_FIELD_H
#define WIRESPAN_HTTP1_FIELD_H

#include "http1_head.bpf.h"

#define TRACEPARENT_LEN 55

static __always_inline int hex_of(u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static __always_inline u8 *value_of(struct write_scratch *s, u32 at, u32 name_length)
{
	u32 i, skip = 0;

	at &= HEAD_WINDOW - 1;
	if (s->bytes[at + name_length] != ':')
		return 0;
	for (i = 0; i < 16; i++) {
		u8 c = s->bytes[at + name_length + 1 + i];

		if (c != ' ' && c != '\t')
			break;
		skip = i + 1;
	}
	return &s->bytes[at + name_length + 1 + (skip & 31)];
}

/*
 * A field ends here when blanks and the end of the line follow, and no line that continues it
 * (obs-fold, RFC 9112 section 5.2). A later version may go on after a dash.
 */
static __always_inline bool value_ends(const u8 *after, int version)
{
	u32 i, skip = 0;

	if (version > 0 && after[0] == '-')
		return true;
	for (i = 0; i < 16; i++) {
		if (after[i] != ' ' && after[i] != '\t')
			break;
		skip = i + 1;
	}
	after += skip & 31;
	if (after[0] != '\r' || after[1] != '\n')
		return false;
	return after[2] != ' ' && after[2] != '\t';
}

/*
 * Reads eight hexadecimal digits at once, lower case only, into four bytes. Sets bits in `bad` when
 * one of them is none: the upper half of a digit is 3 and of a letter 6, the lower half is up to 9 of
 * a digit and 1 to 6 of a letter.
 */
static __always_inline u32 hex8(const u8 *text, u64 *bad)
{
	u64 x = *(const u64 *)text;
	u64 letters = (x >> 6) & 0x0101010101010101ULL;
	u64 low = x & 0x0f0f0f0f0f0f0f0fULL;
	u64 value = low + letters * 9;

	*bad |= (x & 0xf0f0f0f0f0f0f0f0ULL) ^ (0x3030303030303030ULL + letters * 0x30);
	*bad |= (low + 0x0606060606060606ULL + letters * 3) & 0x1010101010101010ULL;
	*bad |= (letters << 4) & ~(low + 0x0f0f0f0f0f0f0f0fULL);
	value = (value << 4 | value >> 8) & 0x00ff00ff00ff00ffULL;
	value = (value | value >> 8) & 0x0000ffff0000ffffULL;
	return value | value >> 16;
}

/* Reads two hexadecimal digits, lower case only. Negative: one of them is none. */
static __always_inline int hex2(const u8 *text)
{
	int high = hex_of(text[0]), low = hex_of(text[1]);

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/*
 * Reads version "-" trace-id "-" parent-id "-" flags, in lower case only (W3C Trace Context 3.2).
 */
__noinline int parse_traceparent(u32 at)
{
	struct write_scratch *s = scratch();
	u32 *trace, *span;
	struct request *r;
	int version, flags;
	u64 bad = 0;
	u8 *v;
	u32 i;

	if (!s)
		return -1;
	r = &s->request;
	at &= HEAD_WINDOW - 1;
	v = value_of(s, at, 11);
	if (!v)
		return -1;
	version = hex2(v);
	flags = hex2(v + 53);
	if (version < 0 || version == 0xff || flags < 0 || v[2] != '-' || v[35] != '-' ||
	    v[52] != '-')
		return -1;
	trace = (u32 *)r->trace_id;
	span = (u32 *)r->span_id;
#pragma clang loop unroll(disable)
	for (i = 0; i < 4; i++)
		trace[i] = hex8(&v[3 + 8 * i], &bad);
	for (i = 0; i < 2; i++)
		span[i] = hex8(&v[36 + 8 * i], &bad);
	if (bad || !(trace[0] | trace[1] | trace[2] | trace[3]) || !(span[0] | span[1]))
		return -1;
	if (!value_ends(&v[TRACEPARENT_LEN], version))
		return -1;
	r->flags = flags;
	return 0;
}

/*
 * Returns the decimal number of Content-Length, or -1. A body of more than 2^31 bytes is taken for
 * one whose length is not known.
 */
__noinline int parse_content_length(u32 at)
{
	struct write_scratch *s = scratch();
	u64 value = 0;
	u32 i;
	u8 *v;

	if (!s)
		return -1;
	v = value_of(s, at, 14);
	if (!v)
		return -1;
	for (i = 0; i < 11; i++) {
		if (v[i] < '0' || v[i] > '9')
			break;
		value = value * 10 + (v[i] - '0');
	}
	if (i == 0 || i == 11 || value > 0x7fffffff || (v[i] != '\r' && v[i] != ' '))
		return -1;
	return value;
}

/* Does the request line of this head say HTTP/1.1? Earlier versions know no chunks. */
static __always_inline bool is_http11(struct write_scratch *s, const struct http1_head *head)
{
	u32 end = head->fields & (HEAD_WINDOW - 1);

	return end >= head->start + 10 && s->bytes[(end - 2) & (HEAD_WINDOW - 1)] == '\r' &&
	       word_at(s, end - 10) == WORD8('H', 'T', 'T', 'P', '/', '1', '.', '1');
}

/* Is the only Transfer-Encoding of a head that of chunks? */
__noinline int is_chunked(u32 at)
{
	struct write_scratch *s = scratch();
	u8 *v;

	if (!s)
		return 0;
	at &= HEAD_WINDOW - 1;
	if (s->bytes[at + 8] != '-' || (*(u64 *)&s->bytes[at + 9] | 0x2020202020202020ULL) !=
					       WORD8('e', 'n', 'c', 'o', 'd', 'i', 'n', 'g'))
		return 0;
	v = value_of(s, at, 17);
	if (!v || (*(u32 *)v | 0x20202020) != WORD4('c', 'h', 'u', 'n') ||
	    (*(u32 *)(v + 3) | 0x20202020) != WORD4('n', 'k', 'e', 'd'))
		return 0;
	return value_ends(v + 7, 0);
}

/* Beside a length in bytes: how a body ends. */
#define BODY_UNKNOWN -1
#define BODY_CHUNKED -2

/*
 * Returns how many bytes the body of a head has, or one of these. Both ways to say it in one head are how
 * requests are smuggled (RFC 9112 section 6.1). What follows CONNECT or Upgrade may be anything.
 */
__noinline int body_of(u32 index)
{
	struct write_scratch *s = scratch();
	struct http1_head *head;

	if (!s)
		return BODY_UNKNOWN;
	head = &s->heads[index & 3];
	if (head->unframed || (u32)word_at(s, head->start) == WORD4('C', 'O', 'N', 'N'))
		return BODY_UNKNOWN;
	if (head->transfer_encodings) {
		if (head->transfer_encodings > 1 || head->content_lengths ||
		    !is_chunked(head->transfer_encoding) || !is_http11(s, head))
			return BODY_UNKNOWN;
		return BODY_CHUNKED;
	}
	if (!head->content_lengths)
		return 0;
	return head->content_lengths == 1 ? parse_content_length(head->content_length)
					  : BODY_UNKNOWN;
}

#endif
