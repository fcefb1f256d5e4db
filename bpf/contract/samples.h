/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Histograms that views print: slots by powers of two, no bounds of the registry. Part of wire.h. */
#ifndef WIRESPAN_SAMPLES_H
#define WIRESPAN_SAMPLES_H

/* The first has 0 and 1, the next 2 and 3, then 4 to 7; the last one has all that is larger. */
#define SAMPLE_SLOTS 40

struct sample_key {
	/* Zero unless they are told apart by them. */
	__u8 local[16];
	__u8 remote[16];
	__u32 number; /* limit of an accept queue, vector of a softirq, else 0 */
	__u16 cpu;    /* of softirqs, where they are told apart by it */
	__u8 family;  /* 4, 6 or 0 */
	__u8 pad;
};
_Static_assert(sizeof(struct sample_key) == 40, "sample_key");

struct samples {
	__u64 slots[SAMPLE_SLOTS];
	__u64 sum; /* before it was divided by the unit of the slots */
};
_Static_assert(sizeof(struct samples) == 328, "samples");

#endif
