// SPDX-License-Identifier: Apache-2.0
/*
 * A real-time clock that a test can set for one process: preloaded, it adds the nanoseconds in
 * the file SETTABLE_CLOCK (an int64) to CLOCK_REALTIME. All other clocks are the kernel's.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;

__attribute__((constructor)) static void open_offset(void)
{
	const char *path = getenv("SETTABLE_CLOCK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map = MAP_FAILED;

	if (file >= 0)
		map = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, file, 0);
	if (map == MAP_FAILED)
		_exit(97); /* a test without its clock would prove nothing */
	close(file);
	offset = map;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int64_t ns;

	if (syscall(SYS_clock_gettime, clock, now))
		return -1;
	if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE)
		return 0;
	ns = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + (offset ? *offset : 0);
	now->tv_sec = (time_t)(ns / 1000000000);
	now->tv_nsec = (long)(ns % 1000000000);
	return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec t;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &t))
		return -1;
	now->tv_sec = t.tv_sec;
	now->tv_usec = t.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *seconds)
{
	struct timespec t;

	if (clock_gettime(CLOCK_REALTIME, &t))
		return -1;
	if (seconds)
		*seconds = t.tv_sec;
	return t.tv_sec;
}
