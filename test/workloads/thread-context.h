/* SPDX-License-Identifier: Apache-2.0 */
/* What a process and its threads publish of themselves: OTEP 4719 and OTEP 4947 of OpenTelemetry. */
#ifndef THREAD_CONTEXT_H
#define THREAD_CONTEXT_H

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

struct thread_context {
	uint8_t trace_id[16];
	uint8_t span_id[8];
	uint8_t valid;
	uint8_t flags;
	uint16_t attributes;
};

struct process_context {
	char signature[8];
	uint32_t version;
	uint32_t length;
	uint64_t published_ns;
	uint64_t payload;
	uint8_t bytes[96];
};

typedef void publish_context(const void *record);

/* The function by which `library` sets the variable of the calling thread; NULL, `-`: of what is loaded. */
static inline publish_context *find_publisher(const char *library)
{
	void *handle = strcmp(library, "-") ? dlopen(library, RTLD_NOW | RTLD_LOCAL) : RTLD_DEFAULT;

	return handle || !strcmp(library, "-") ? (publish_context *)dlsym(handle, "publish_context")
					       : NULL;
}

/* A ProcessContext with `threadlocal.schema_version`, which is at most 31 bytes. */
static inline uint32_t encode_schema(uint8_t *into, const char *schema)
{
	const char *key = "threadlocal.schema_version";
	uint8_t key_length = strlen(key), length = strlen(schema), *at = into;

	*at++ = 2 << 3 | 2;
	*at++ = key_length + length + 6;
	*at++ = 1 << 3 | 2;
	*at++ = key_length;
	at = (uint8_t *)memcpy(at, key, key_length) + key_length;
	*at++ = 2 << 3 | 2;
	*at++ = length + 2;
	*at++ = 1 << 3 | 2;
	*at++ = length;
	return memcpy(at, schema, length) + length - (void *)into;
}

/* 0, or -1 and errno. */
static inline int publish_process(const char *schema)
{
	int fd = memfd_create("OTEL_CTX", 0);
	struct process_context *context;

	if (fd < 0 || ftruncate(fd, 4096))
		return -1;
	context = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	close(fd);
	if (context == MAP_FAILED || madvise(context, 4096, MADV_DONTFORK))
		return -1;
	context->version = 2;
	context->length = encode_schema(context->bytes, schema);
	context->payload = (uint64_t)context->bytes;
	context->published_ns = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy(context->signature, "OTEL_CTX", 8);
	prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, context, 4096, "OTEL_CTX");
	return 0;
}

#endif
