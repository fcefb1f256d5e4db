// SPDX-License-Identifier: Apache-2.0
/* Commands of tcp-script that are about processes: who has a socket open, and whom it is handed to. */
#define _GNU_SOURCE
#include "tcp-script.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Sockets that an execve() takes along. */
#define MOVED 64

/*
 * Keeps its CPU from before the command on, for so many milliseconds, and lets no other task there run: timers of what
 * it sent interrupt this process, and not any other of the machine.
 */
long do_busy(int ms, char **word, int words)
{
	struct sched_param now = {.sched_priority = 1}, before = {0};
	struct timespec from, at;
	cpu_set_t all, one;
	long result;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof(all), &all) || sched_setaffinity(0, sizeof(one), &one) ||
	    sched_setscheduler(0, SCHED_FIFO, &now))
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &from);
	result = run_command(word, words);
	do
		clock_gettime(CLOCK_MONOTONIC, &at);
	while ((at.tv_sec - from.tv_sec) * 1000L + (at.tv_nsec - from.tv_nsec) / 1000000L < ms);
	sched_setscheduler(0, SCHED_OTHER, &before);
	sched_setaffinity(0, sizeof(all), &all);
	return result;
}

/* The child goes on; this process stays, as who started it expects, until all of them have ended. */
long do_front(void)
{
	pid_t child;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	child = fork();
	if (child <= 0)
		return child < 0 ? -1 : getpid();
	while (wait(NULL) > 0 || errno == EINTR)
		;
	_exit(0);
}

static void *go_on(void *unused)
{
	(void)unused;
	printf("ok %d\n", getpid());
	fflush(stdout);
	serve_commands();
	exit(0);
}

/* Another thread goes on, and the first one ends. */
long do_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, go_on, NULL))
		return -1;
	pthread_exit(NULL);
}

/* As daemons do: the child goes on, with all sockets, and the process that opened them ends. */
long do_daemon(void)
{
	pid_t child = fork();

	if (child > 0)
		_exit(0);
	return child < 0 ? -1 : getpid();
}

/* A child that has everything open, until it is ended or its parent ends. */
long do_holder(void)
{
	pid_t parent = getpid(), child = fork();

	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	while (getppid() == parent)
		pause();
	_exit(0);
}

long do_end(int pid)
{
	return kill(pid, SIGKILL) || waitpid(pid, NULL, 0) < 0 ? -1 : 0;
}

/* Descriptors stay open; which socket has which goes along as arguments. */
long do_exec(char *program, const char *service, const int *sockets, size_t count)
{
	char *argv[MOVED + 2] = {program};
	size_t moved = 0;

	for (size_t i = 0; i < count; i++) {
		if (sockets[i] <= STDERR_FILENO)
			continue;
		if (moved == MOVED || asprintf(&argv[1 + moved++], "%zu=%d", i, sockets[i]) < 0)
			return -1;
	}
	if (!moved)
		argv[1] = "0=0";
	if (setenv("OTEL_SERVICE_NAME", service, 1))
		return -1;
	return execv(program, argv);
}

void restore_sockets(char **moved, int *sockets)
{
	for (; *moved; moved++) {
		char *fd;
		size_t index = strtoul(*moved, &fd, 10);

		sockets[index] = atoi(fd + 1);
	}
}

static socklen_t box_name(struct sockaddr_un *name, int number)
{
	int length;

	memset(name, 0, sizeof(*name));
	name->sun_family = AF_UNIX;
	length = snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "tcp-script-%d", number);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

long do_box(int *s, int number)
{
	struct sockaddr_un name;
	socklen_t length = box_name(&name, number);

	*s = socket(AF_UNIX, SOCK_DGRAM, 0);
	return bind(*s, (struct sockaddr *)&name, length);
}

/* Room for one descriptor. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

long do_give(int s, int number)
{
	char byte = 0;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	union control control = {};
	struct sockaddr_un name;
	struct msghdr message = {.msg_name = &name,
				 .msg_namelen = box_name(&name, number),
				 .msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int from = socket(AF_UNIX, SOCK_DGRAM, 0), error;
	long sent;

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.header), &s, sizeof(s));
	sent = sendmsg(from, &message, 0);
	error = errno;
	close(from);
	errno = error;
	return sent == 1 ? 0 : -1;
}

long do_take(int *s, int box)
{
	char byte;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	union control control = {};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};

	if (recvmsg(box, &message, 0) != 1 || control.header.cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(s, CMSG_DATA(&control.header), sizeof(*s));
	return 0;
}
