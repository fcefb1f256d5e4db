/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How far a body of chunks was followed (Transfer-Encoding: chunked, RFC 9112 section 7.1). */
#ifndef WIRESPAN_LIB_CHUNKS_H
#define WIRESPAN_LIB_CHUNKS_H

/* What the next byte is of. */
enum chunk_state {
	CHUNK_NONE = 0, /* no such body is followed */
	CHUNK_SIZE_BEGIN,
	CHUNK_SIZE,
	CHUNK_EXT_BEFORE, /* blanks before a semicolon */
	CHUNK_EXT_NAME_BEGIN,
	CHUNK_EXT_NAME,
	CHUNK_EXT_NAME_AFTER, /* blanks before an equals sign or a semicolon */
	CHUNK_EXT_VALUE_BEGIN,
	CHUNK_EXT_VALUE,
	CHUNK_EXT_QUOTED,
	CHUNK_EXT_ESCAPED, /* after a backslash */
	CHUNK_EXT_QUOTED_END,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER_BEGIN, /* of a line of the trailer section */
	CHUNK_TRAILER_NAME,
	CHUNK_TRAILER_VALUE,
	CHUNK_TRAILER_LF,
	CHUNK_END_LF,
	CHUNK_DONE, /* the body has ended */
};

struct chunks {
	u64 left;   /* bytes of data that are to come; the size, while its digits are read */
	u16 length; /* bytes of this size line, or of the trailer section so far */
	u8 digits;  /* of the size */
	u8 state;   /* enum chunk_state */
	u32 pad;
};

#endif
