/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* This makes a kernel pointer a number. */
#ifndef WIRESPAN_LIB_ADDRESS_H
#define WIRESPAN_LIB_ADDRESS_H

/*
 * A function that is not static takes no kernel pointer on Linux 6.1, but its address as a number.
 * What follows is verified once, whatever the pointer was. To the verifier it is a number once it
 * was negated; twice is the value that it had.
 */
static __always_inline u64 address_of(const void *pointer)
{
	u64 address = (u64)pointer;

	asm volatile("%0 = -%0\n\t%0 = -%0" : "+r"(address));
	return address;
}

#endif
