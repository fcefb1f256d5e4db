/* SPDX-License-Identifier: Apache-2.0 */
/* How far the two sides of one connection have come; each waits for the other's step. */
#ifndef TRUTH_STAGES_H
#define TRUTH_STAGES_H

#include "truth.h"

enum stage {
	STAGE_LISTENING = 1,
	STAGE_CONNECTED,
	STAGE_ACCEPTED,
	STAGE_EXCHANGED,
	STAGE_FINISHING,
	STAGE_TAILED,
	STAGE_ENDING, /* what was written is acknowledged: the end may come */
	STAGE_FIRST_CLOSED,
	STAGE_SECOND_CLOSED,
	STAGE_ALL_CLOSED,
};

/* Kinds whose client writes once more just before the end. */
static inline bool has_tail(enum kind kind)
{
	return kind != NEVER_ACCEPTED && kind != RESET_UNREAD && kind != SERVER_UNREAD;
}

#endif
