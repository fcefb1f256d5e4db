/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * This tells whether a connection may carry many requests at once: HTTP/2, by its client's preface (RFC 9113
 * section 3.4) or because its TLS client offers it (RFC 7301). Which protocol the server takes is not readable in
 * TLS 1.3, so an offer is enough: then which thread writes says nothing of whose bytes they are.
 */
#ifndef WIRESPAN_MULTIPLEXED_H
#define WIRESPAN_MULTIPLEXED_H

/* RFC 8446 section 4.1.2: record header 5, message header 4, version 2, random 32. */
#define HELLO_SESSION_ID 43
#define EXTENSION_ALPN	 16
#define MAX_HELLO	 (1 << 14)
#define MAX_EXTENSIONS	 48
#define MAX_PROTOCOLS	 12

/* Bytes of one write that may begin with a client's hello. */
struct hello {
	u64 buffer;
	u32 length;
	u32 at;
};

/* The next so many bytes as a number, most significant first; -1: they are not in the buffer. */
static __always_inline int hello_number(struct hello *hello, u32 bytes)
{
	u8 read[2] = {};
	u32 at = hello->at;

	if (at + bytes > hello->length ||
	    bpf_probe_read_user(read, bytes, (void *)(hello->buffer + at)))
		return -1;
	hello->at = at + bytes;
	return bytes == 1 ? read[0] : read[0] << 8 | read[1];
}

/* False: it is not in the buffer. */
static __always_inline bool hello_skip(struct hello *hello, u32 length_bytes)
{
	int length = hello_number(hello, length_bytes);

	if (length < 0)
		return false;
	hello->at += length;
	return true;
}

/* Is one of the offered protocols `h2`? What cannot be read may be. */
static __always_inline bool lists_h2(struct hello *hello)
{
	int length = hello_number(hello, 2), name;
	u32 end = hello->at + length, i;

	if (length < 0)
		return true;
	for (i = 0; i < MAX_PROTOCOLS && hello->at < end; i++) {
		length = hello_number(hello, 1);
		name = length == 2 ? hello_number(hello, 2) : 0;
		if (length < 0 || name < 0 || name == ('h' << 8 | '2'))
			return true;
		if (length != 2)
			hello->at += length;
	}
	return hello->at < end;
}

/* Does a client's hello that the buffer begins with offer HTTP/2? It is not static, so it is verified once. */
__noinline int offers_h2(const struct hello *given)
{
	struct hello hello;
	int all, type;
	u32 end, i;

	if (!given)
		return 1;
	hello = *given;
	if (!hello_skip(&hello, 1) || !hello_skip(&hello, 2) || !hello_skip(&hello, 1))
		return 1;
	if (hello.at >= hello.length)
		return 0; /* no extensions, and no more */
	all = hello_number(&hello, 2);
	if (all < 0)
		return 1;
	end = hello.at + all;
	for (i = 0; i < MAX_EXTENSIONS && hello.at < end; i++) {
		type = hello_number(&hello, 2);
		if (type == EXTENSION_ALPN) {
			hello_number(&hello, 2);
			return lists_h2(&hello);
		}
		if (type < 0 || !hello_skip(&hello, 2))
			return 1;
	}
	return hello.at < end;
}

/* A write of fewer bytes is neither of them. */
#define FIRST_BYTES 8

/*
 * A write of `count` bytes begins in such a buffer: does HTTP/2 begin with it, or may it? In a tunnel
 * (CONNECT) anything may follow.
 */
static __always_inline bool begins_multiplexed(u64 buffer, u64 length, u64 count)
{
	struct hello hello = {.buffer = buffer, .at = HELLO_SESSION_ID};
	u64 word = 0;

	/* What is not in user memory is of a file, or ciphered by the kernel: its hello was written before. */
	if (!buffer)
		return false;
	if (length < FIRST_BYTES)
		return length != count;
	if (bpf_probe_read_user(&word, sizeof(word), (void *)buffer))
		return true;
	if (word == WORD8('P', 'R', 'I', ' ', '*', ' ', 'H', 'T'))
		return true;
	if (word == WORD8('C', 'O', 'N', 'N', 'E', 'C', 'T', ' '))
		return true;
	hello.length = length < MAX_HELLO ? length : MAX_HELLO;
	/* A record of type handshake with a client's hello. */
	if ((word & 0xffff) == 0x0316 && (word >> 40 & 0xff) == 1)
		return offers_h2(&hello);
	return false;
}

#endif
