// SPDX-License-Identifier: Apache-2.0
/* Many connections that live, in as many processes as their limits of files need. */
#define _GNU_SOURCE
#include "load.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPARE_FILES 32
#define MAX_HOLDERS 64
/* Below the listener's backlog. */
#define MAX_WAITING 2048

/* Shared between a holder's processes and the first one. */
struct share {
	long accepted;
	long is_done;
};

/* Files that a process may have open, raised as far as is allowed. */
static long file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		fail("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return (long)limit.rlim_cur;
}

/* A reset at the end leaves no TIME_WAIT behind. */
static int hold_one(struct sockaddr_in *address, long destination)
{
	struct linger reset = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)destination);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	return connect(fd, (struct sockaddr *)address, sizeof(*address));
}

/* One server process and one client process; what they did is told in `share`. */
static void start_holders(volatile struct share *share, long count, long per_destination,
			  pid_t *pids)
{
	struct sockaddr_in address;
	int listener = start_listener(&address, 4096, 0);

	pids[0] = start_process();
	if (pids[0] == 0) {
		while (accept(listener, NULL, NULL) >= 0)
			share->accepted++;
		for (;;)
			pause();
	}
	close(listener);
	pids[1] = start_process();
	if (pids[1] == 0) {
		for (long i = 0; i < count && hold_one(&address, i / per_destination) == 0; i++)
			while (i - share->accepted > MAX_WAITING)
				pause_ms(1);
		share->is_done = 1;
		for (;;)
			pause();
	}
}

void hold(long count, long per_destination)
{
	long each = file_limit() - SPARE_FILES, processes, have = 0;
	pid_t pids[2 * MAX_HOLDERS];
	volatile struct share *shares = mmap(NULL, sizeof(*shares) * MAX_HOLDERS,
					     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
					     0);
	double began = now_s();
	char end;

	if (shares == MAP_FAILED || each < 1)
		fail("hold");
	for (processes = 0; processes < MAX_HOLDERS && processes * each < count; processes++) {
		long left = count - processes * each;

		start_holders(&shares[processes], left < each ? left : each, per_destination,
			      &pids[2 * processes]);
	}
	for (long i = 0; i < processes; i++) {
		while (!shares[i].is_done && now_s() - began < 60)
			pause_ms(5);
		have += shares[i].accepted;
	}
	printf("{\"asked\":%ld,\"connections\":%ld,\"processes\":%ld,\"seconds\":%.3f}\n", count,
	       have, 2 * processes, now_s() - began);
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	/* Clients first: the resets of their sockets end the servers' ends. */
	for (long i = 0; i < processes; i++)
		kill(pids[2 * i + 1], SIGKILL);
	for (long i = 0; i < processes; i++)
		waitpid(pids[2 * i + 1], NULL, 0);
	for (long i = 0; i < processes; i++)
		kill(pids[2 * i], SIGKILL);
	for (long i = 0; i < processes; i++)
		waitpid(pids[2 * i], NULL, 0);
}
