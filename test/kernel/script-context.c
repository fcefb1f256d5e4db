// SPDX-License-Identifier: Apache-2.0
/* Commands of tcp-script that are about what its threads publish. */
#define _GNU_SOURCE
#include "tcp-script.h"
#include "../workloads/thread-context.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static publish_context *publish;
static __thread struct thread_context own;

long do_publisher(const char *library, const char *schema)
{
	publish = find_publisher(library);
	if (!publish) {
		errno = ENOENT;
		return -1;
	}
	return publish_process(schema);
}

/* The calling thread publishes 28 bytes in hexadecimal, `-` for none, or `gone` for memory that is no more. */
long do_context(char *record)
{
	void *gone;

	if (!publish) {
		errno = EINVAL;
		return -1;
	}
	if (!strcmp(record, "-")) {
		publish(NULL);
	} else if (!strcmp(record, "gone")) {
		gone = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		munmap(gone, 4096);
		publish(gone);
	} else {
		memset(&own, 0, sizeof(own));
		decode_hex(record);
		memcpy(&own, record, sizeof(own));
		publish(&own);
	}
	return 0;
}

static volatile int is_torn;

/* Does with the record of the first thread what no writer may: it changes while that one is in a system call. */
static void *tear(void *record)
{
	struct thread_context *torn = record;

	for (uint8_t turn = 0; is_torn; turn++) {
		memset(torn->trace_id, turn, sizeof(torn->trace_id));
		memset(torn->span_id, turn, sizeof(torn->span_id));
	}
	return NULL;
}

long do_tear(int on)
{
	static pthread_t thread;

	is_torn = on;
	if (on)
		return pthread_create(&thread, NULL, tear, &own) ? -1 : 0;
	return pthread_join(thread, NULL) ? -1 : 0;
}

struct beside {
	char **word;
	int words;
	long result;
	int error;
};

static void *run_beside(void *given)
{
	struct beside *beside = given;

	do_context(beside->word[0]);
	beside->result = run_command(beside->word + 1, beside->words - 1);
	beside->error = errno;
	return NULL;
}

/* Another thread publishes this and runs the rest as a command, while this one waits. */
long do_beside(char **word, int words)
{
	struct beside beside = {.word = word, .words = words};
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_beside, &beside) || pthread_join(thread, NULL))
		return -1;
	errno = beside.error;
	return beside.result;
}
