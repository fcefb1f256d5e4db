/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What is written to a socket: the fields that are read, as kernel.h. */
#ifndef WIRESPAN_MESSAGE_H
#define WIRESPAN_MESSAGE_H

#include "types.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct iovec {
	void *iov_base;
	unsigned long iov_len;
};

enum iter_type {
	ITER_IOVEC,
	ITER_UBUF,
};

struct iov_iter {
	u8 iter_type;
	unsigned long iov_offset;
	const struct iovec *__iov;
	void *ubuf;
	unsigned long count;
	unsigned long nr_segs;
};

/* Kernels before 6.4 name the vector `iov`. */
struct iov_iter___iov {
	const struct iovec *iov;
};

struct msghdr {
	struct iov_iter msg_iter;
};

#pragma clang attribute pop

#endif
