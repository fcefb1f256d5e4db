// SPDX-License-Identifier: Apache-2.0
/* Where the context of a thread is published (OTEP 4947): built into each model of thread-local storage. */
#ifdef PROTECTED
#define EXPORTED __attribute__((visibility("protected")))
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

#ifdef BLOCK_BYTES
/* More than the room that the C library keeps for libraries that come late. */
EXPORTED __thread char block[BLOCK_BYTES];
#endif
EXPORTED __thread const void *volatile otel_thread_ctx_v1;
EXPORTED void publish_context(const void *record);

void publish_context(const void *record)
{
	otel_thread_ctx_v1 = record;
}
