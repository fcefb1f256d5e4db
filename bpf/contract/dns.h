/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What name servers answer. Part of wire.h. */
#ifndef WIRESPAN_DNS_H
#define WIRESPAN_DNS_H

/* Bytes of a message that are copied: what resolvers ask for at most, so that it is not split (the default of EDNS since 2020). */
#define DNS_BYTES 1232

/* A message from port 53 over UDP, as it came to a socket. Its time: when it came. */
struct dns_record {
	struct record_header header;
	__u32 length; /* of the message; of a longer one the first DNS_BYTES are there */
	__u32 pad;
	__u8 message[DNS_BYTES]; /* RFC 1035 section 4; undefined from `length` on */
};
_Static_assert(sizeof(struct dns_record) == 1256, "dns_record");

#endif
