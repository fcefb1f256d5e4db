/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This follows the framing of a chunked body, byte by byte and strictly (RFC 9112 section 7.1): what a
 * recipient might read in another way than we do is not followed at all.
 */
#ifndef WIRESPAN_HTTP1_CHUNKS_H
#define WIRESPAN_HTTP1_CHUNKS_H

#include "http1_head.bpf.h"

/* So much is read at once where framing is expected. */
#define CHUNK_BLOCK 64
/* A size line with its extensions, and a trailer section, are not longer. */
#define MAX_CHUNK_LINE 4096
/* With as many digits no size is too large for 64 bits. */
#define MAX_CHUNK_DIGITS 15

/* Kinds of bytes that the framing tells apart. */
enum chunk_class {
	CLASS_BAD = 0, /* control characters, which may be nowhere */
	CLASS_CR,
	CLASS_LF,
	CLASS_HEX,
	CLASS_BLANK,
	CLASS_SEMICOLON,
	CLASS_EQUALS,
	CLASS_QUOTE,
	CLASS_BACKSLASH,
	CLASS_COLON,
	CLASS_TOKEN, /* RFC 9110 section 5.6.2, other than hexadecimal digits */
	CLASS_TEXT,  /* anything else that is visible, and what is not ASCII */
};

/* Signs that tokens have beside letters and digits. */
static __always_inline bool is_token_sign(u8 c)
{
	const u64 low = 1ULL << '!' | 1ULL << '#' | 1ULL << '$' | 1ULL << '%' | 1ULL << '&' |
			1ULL << '\'' | 1ULL << '*' | 1ULL << '+' | 1ULL << '-' | 1ULL << '.';

	if (c < 64)
		return low >> c & 1;
	return c == '^' || c == '_' || c == '`' || c == '|' || c == '~';
}

static __always_inline enum chunk_class class_of(u8 c)
{
	u8 letter = c | 0x20;

	if ((c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'f'))
		return CLASS_HEX;
	if ((letter >= 'a' && letter <= 'z') || is_token_sign(c))
		return CLASS_TOKEN;
	if (c == '\r')
		return CLASS_CR;
	if (c == '\n')
		return CLASS_LF;
	if (c == ' ' || c == '\t')
		return CLASS_BLANK;
	if (c == ';')
		return CLASS_SEMICOLON;
	if (c == '=')
		return CLASS_EQUALS;
	if (c == '"')
		return CLASS_QUOTE;
	if (c == '\\')
		return CLASS_BACKSLASH;
	if (c == ':')
		return CLASS_COLON;
	return c < ' ' || c == 0x7f ? CLASS_BAD : CLASS_TEXT;
}

/* Two kinds that a token is made of. */
#define ON_TOKEN(next) [CLASS_HEX] = (next), [CLASS_TOKEN] = (next)
/* Kinds that a value and a quoted text are made of, beside quotes and backslashes. */
#define ON_TEXT(next)                                                       \
	ON_TOKEN(next), [CLASS_BLANK] = (next), [CLASS_SEMICOLON] = (next), \
			[CLASS_EQUALS] = (next), [CLASS_COLON] = (next), [CLASS_TEXT] = (next)

/* The state after a byte; CHUNK_NONE: it may not be there. */
static const u8 chunk_states[32][16] = {
	[CHUNK_SIZE_BEGIN] = {[CLASS_HEX] = CHUNK_SIZE},
	[CHUNK_SIZE] = {[CLASS_HEX] = CHUNK_SIZE,
			[CLASS_BLANK] = CHUNK_EXT_BEFORE,
			[CLASS_SEMICOLON] = CHUNK_EXT_NAME_BEGIN,
			[CLASS_CR] = CHUNK_SIZE_LF},
	[CHUNK_EXT_BEFORE] =
		{[CLASS_BLANK] = CHUNK_EXT_BEFORE, [CLASS_SEMICOLON] = CHUNK_EXT_NAME_BEGIN},
	[CHUNK_EXT_NAME_BEGIN] = {[CLASS_BLANK] = CHUNK_EXT_NAME_BEGIN, ON_TOKEN(CHUNK_EXT_NAME)},
	[CHUNK_EXT_NAME] = {ON_TOKEN(CHUNK_EXT_NAME), [CLASS_BLANK] = CHUNK_EXT_NAME_AFTER,
			    [CLASS_EQUALS] = CHUNK_EXT_VALUE_BEGIN,
			    [CLASS_SEMICOLON] = CHUNK_EXT_NAME_BEGIN, [CLASS_CR] = CHUNK_SIZE_LF},
	[CHUNK_EXT_NAME_AFTER] = {[CLASS_BLANK] = CHUNK_EXT_NAME_AFTER,
				  [CLASS_EQUALS] = CHUNK_EXT_VALUE_BEGIN,
				  [CLASS_SEMICOLON] = CHUNK_EXT_NAME_BEGIN},
	[CHUNK_EXT_VALUE_BEGIN] = {[CLASS_BLANK] = CHUNK_EXT_VALUE_BEGIN,
				   ON_TOKEN(CHUNK_EXT_VALUE),
				   [CLASS_QUOTE] = CHUNK_EXT_QUOTED},
	[CHUNK_EXT_VALUE] = {ON_TOKEN(CHUNK_EXT_VALUE), [CLASS_BLANK] = CHUNK_EXT_BEFORE,
			     [CLASS_SEMICOLON] = CHUNK_EXT_NAME_BEGIN, [CLASS_CR] = CHUNK_SIZE_LF},
	[CHUNK_EXT_QUOTED] = {ON_TEXT(CHUNK_EXT_QUOTED), [CLASS_BACKSLASH] = CHUNK_EXT_ESCAPED,
			      [CLASS_QUOTE] = CHUNK_EXT_QUOTED_END},
	[CHUNK_EXT_ESCAPED] = {ON_TEXT(CHUNK_EXT_QUOTED), [CLASS_BACKSLASH] = CHUNK_EXT_QUOTED,
			       [CLASS_QUOTE] = CHUNK_EXT_QUOTED},
	[CHUNK_EXT_QUOTED_END] = {[CLASS_BLANK] = CHUNK_EXT_BEFORE,
				  [CLASS_SEMICOLON] = CHUNK_EXT_NAME_BEGIN,
				  [CLASS_CR] = CHUNK_SIZE_LF},
	[CHUNK_SIZE_LF] = {[CLASS_LF] = CHUNK_DATA},
	[CHUNK_DATA_CR] = {[CLASS_CR] = CHUNK_DATA_LF},
	[CHUNK_DATA_LF] = {[CLASS_LF] = CHUNK_SIZE_BEGIN},
	[CHUNK_TRAILER_BEGIN] = {ON_TOKEN(CHUNK_TRAILER_NAME), [CLASS_CR] = CHUNK_END_LF},
	[CHUNK_TRAILER_NAME] = {ON_TOKEN(CHUNK_TRAILER_NAME), [CLASS_COLON] = CHUNK_TRAILER_VALUE},
	[CHUNK_TRAILER_VALUE] =
		{ON_TEXT(CHUNK_TRAILER_VALUE), [CLASS_BACKSLASH] = CHUNK_TRAILER_VALUE,
		 [CLASS_QUOTE] = CHUNK_TRAILER_VALUE, [CLASS_CR] = CHUNK_TRAILER_LF},
	[CHUNK_TRAILER_LF] = {[CLASS_LF] = CHUNK_TRAILER_BEGIN},
	[CHUNK_END_LF] = {[CLASS_LF] = CHUNK_DONE},
};

/* The body of a head begins. */
static __always_inline void begin_chunks(struct chunks *chunks)
{
	chunks->left = 0;
	chunks->length = 0;
	chunks->digits = 0;
	chunks->state = CHUNK_SIZE_BEGIN;
}

/*
 * Follows one byte of the framing. Returns 0, or -1: it may not be there. It is not static, so it is verified
 * once and not at each byte.
 */
__noinline int step_chunks(struct chunks *chunks, u32 byte)
{
	u32 state, class;

	if (!chunks)
		return -1;
	class = class_of(byte);
	state = chunk_states[chunks->state & 31][class & 15];
	chunks->length += 1;
	if (chunks->length > MAX_CHUNK_LINE)
		state = CHUNK_NONE;
	if (state == CHUNK_SIZE) {
		chunks->digits += 1;
		if (chunks->digits > MAX_CHUNK_DIGITS)
			state = CHUNK_NONE;
		/* Letters have the bit of 0x40, and count from 1. */
		chunks->left = chunks->left << 4 | ((byte & 0xf) + (byte >> 6 & 1) * 9);
	} else if (state == CHUNK_DATA) {
		chunks->digits = 0;
		chunks->length = 0;
		if (!chunks->left)
			state = CHUNK_TRAILER_BEGIN;
	} else if (state == CHUNK_SIZE_BEGIN) {
		chunks->length = 0;
	}
	chunks->state = state;
	return state == CHUNK_NONE ? -1 : 0;
}

/* Passes over so much of a chunk's data. */
static __always_inline void skip_data(struct chunks *chunks, u64 bytes)
{
	chunks->left -= bytes;
	if (!chunks->left)
		chunks->state = CHUNK_DATA_CR;
}

/*
 * Follows what the working memory begins with, as far as data that goes on behind it or the end of the
 * body. Returns how many bytes that were, or -1: not a chunked body.
 */
__noinline int parse_chunks(struct chunks *chunks, u32 length)
{
	struct write_scratch *s = scratch();
	u32 i;

	if (!s || !chunks)
		return -1;
	/* It is kept where the verifier does not track it. */
	s->at = 0;
	for (i = 0; i < CHUNK_BLOCK; i++) {
		u32 at = *(volatile u32 *)&s->at, bytes = 1;
		int bad = 0;

		if (at >= length || chunks->state == CHUNK_DONE)
			break;
		if (chunks->state == CHUNK_DATA) {
			bytes = length - at;
			if (bytes > chunks->left)
				bytes = chunks->left;
			skip_data(chunks, bytes);
		} else {
			bad = step_chunks(chunks, s->bytes[at & (CHUNK_BLOCK - 1)]);
		}
		s->at = at + bytes;
		barrier_var(bad); /* as in find_http1_heads() */
		if (bad)
			return -1;
	}
	return s->at;
}

#endif
