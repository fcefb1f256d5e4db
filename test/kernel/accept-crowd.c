// SPDX-License-Identifier: Apache-2.0
/*
 * accept-crowd WAITING QUEUED: so many processes that wait in accept() of one listener while as
 * many clients come, then so many clients that wait in its queue for the process that listens.
 * Prints the port, then a line for each accept: process, the client's port, and CLOCK_MONOTONIC
 * before and after the call, nanoseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define CROWD 256

struct accepted {
	pid_t pid;
	int port;
	unsigned long long before, after;
};

static void check(int result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

/* Returns the connection, whose end it does not wait for. */
static int accept_one(int listener, struct accepted *into)
{
	struct sockaddr_in peer;
	socklen_t length = sizeof(peer);
	int fd;

	into->pid = getpid();
	into->before = now();
	fd = accept(listener, (struct sockaddr *)&peer, &length);
	into->after = now();
	check(fd, "accept");
	into->port = ntohs(peer.sin_port);
	return fd;
}

/* The peer's end is the end. */
static void see_off(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
	close(fd);
}

static void wait_until_asleep(pid_t pid)
{
	struct timespec pause = {.tv_nsec = 1000000};
	char path[64];
	int tries, number;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	for (tries = 0; tries < 30000; tries++) {
		file = fopen(path, "r");
		number = -1;
		if (file && fscanf(file, "%d", &number) != 1)
			number = -1; /* running */
		if (file)
			fclose(file);
		if (number == SYS_accept)
			return;
		nanosleep(&pause, 0);
	}
	fprintf(stderr, "a child does not wait in accept()\n");
	exit(1);
}

static int client_of(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(fd, "socket");
	check(connect(fd, (const struct sockaddr *)address, sizeof(*address)), "connect");
	return fd;
}

static void print(const struct accepted *accepted)
{
	printf("%d %d %llu %llu\n", accepted->pid, accepted->port, accepted->before,
	       accepted->after);
}

int main(int argc, char **argv)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int waiting = argc == 3 ? atoi(argv[1]) : 0, queued = argc == 3 ? atoi(argv[2]) : 0;
	int listener = socket(AF_INET, SOCK_STREAM, 0), results[2], clients[CROWD], servers[CROWD],
	    i;
	socklen_t length = sizeof(address);
	struct accepted accepted;
	pid_t children[CROWD];

	if (waiting < 1 || waiting > CROWD || queued < 1 || queued > CROWD)
		return 2;
	check(bind(listener, (struct sockaddr *)&address, length), "bind");
	check(listen(listener, CROWD), "listen");
	check(getsockname(listener, (struct sockaddr *)&address, &length), "getsockname");
	check(pipe(results), "pipe");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	for (i = 0; i < waiting; i++) {
		children[i] = fork();
		check(children[i], "fork");
		if (children[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		servers[0] = accept_one(listener, &accepted);
		check((int)write(results[1], &accepted, sizeof(accepted)), "write");
		see_off(servers[0]);
		_exit(0);
	}
	for (i = 0; i < waiting; i++)
		wait_until_asleep(children[i]);
	for (i = 0; i < waiting; i++)
		clients[i] = client_of(&address);
	for (i = 0; i < waiting; i++) {
		check((int)read(results[0], &accepted, sizeof(accepted)), "read");
		print(&accepted);
	}
	for (i = 0; i < waiting; i++)
		close(clients[i]);
	while (wait(0) > 0)
		;
	for (i = 0; i < queued; i++)
		clients[i] = client_of(&address);
	for (i = 0; i < queued; i++) {
		servers[i] = accept_one(listener, &accepted);
		print(&accepted);
	}
	for (i = 0; i < queued; i++) {
		close(clients[i]);
		see_off(servers[i]);
	}
	return 0;
}
