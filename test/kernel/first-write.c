// SPDX-License-Identifier: Apache-2.0
/*
 * first-write KIND PORT TEXT: connects to 127.0.0.1 and sends the text as the connection's first
 * bytes. Prints the local port. KIND says who does it, and what the thread that connected does in
 * between. It opens the connection for the text, or has opened it when another thread brings one:
 *
 *   at-once       connects and writes
 *   woken         waits until the handshake is done, in epoll_wait()
 *   spins         until it is asked
 *   yields        spins, and lets others run each time
 *   asleep        until it is asked, and while the handshake is done
 *   other-thread  the one that asks writes
 *   inline        as spins, by io_uring
 *   worker        a thread of io_uring connects, and one writes
 *   poller        io_uring's poller connects, spins and writes
 */
#define _GNU_SOURCE
#include "first-write.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define AHEAD_NS 100000000ULL

static struct sockaddr_in peer;
static const char *kind, *text;
static atomic_bool is_asked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;

void check(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static void send_all(int fd)
{
	check(write(fd, text, strlen(text)), "write");
}

static bool is(const char *kind, const char *name)
{
	return !strcmp(kind, name);
}

static bool spins(void)
{
	return is(kind, "spins") || is(kind, "yields") || is(kind, "inline") || is(kind, "poller");
}

static unsigned long long now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

static bool is_established(int fd)
{
	struct sockaddr_in a;
	socklen_t length = sizeof(a);

	return !getpeername(fd, (struct sockaddr *)&a, &length);
}

/* Another thread's request: it comes when the connection is there, and who spins has spun for a while. */
static void *ask(void *fd)
{
	clockid_t clock = spins() ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
	struct timespec pause = {.tv_nsec = 1000000};
	unsigned long long since;

	while (!is_established(*(int *)fd))
		nanosleep(&pause, NULL);
	since = now(clock);
	while (now(clock) - since < AHEAD_NS)
		nanosleep(&pause, NULL);
	pthread_mutex_lock(&lock);
	is_asked = true;
	pthread_cond_signal(&asked);
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void *ask_and_send(void *fd)
{
	ask(fd);
	send_all(*(int *)fd);
	return NULL;
}

static void wait_asleep(void)
{
	pthread_mutex_lock(&lock);
	while (!is_asked)
		pthread_cond_wait(&asked, &lock);
	pthread_mutex_unlock(&lock);
}

static void wait_established(int fd)
{
	struct epoll_event event = {.events = EPOLLOUT};
	int poll = epoll_create1(0);

	check(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
	check(epoll_wait(poll, &event, 1, -1), "epoll_wait");
	close(poll);
}

static void connect_to_peer(int fd, bool is_waiting)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, is_waiting ? flags : flags | O_NONBLOCK);
	if (connect(fd, (struct sockaddr *)&peer, sizeof(peer)) && errno != EINPROGRESS)
		check(-1, "connect");
	fcntl(fd, F_SETFL, flags);
}

static void run_ring(int fd)
{
	ring_open(is(kind, "poller")   ? RING_POLLER
		  : is(kind, "worker") ? RING_WORKER
				       : RING_INLINE);
	ring_connect(fd, &peer);
	if (!is(kind, "inline"))
		wait_asleep();
	while (!is_asked)
		;
	ring_send(fd, text);
}

static void run_thread(int fd)
{
	connect_to_peer(fd, !is(kind, "asleep") && !is(kind, "woken"));
	if (is(kind, "asleep"))
		wait_asleep();
	if (is(kind, "woken"))
		wait_established(fd);
	while (spins() && !is_asked)
		if (is(kind, "yields"))
			sched_yield();
	send_all(fd);
}

static void run(int fd)
{
	pthread_t other;

	if (is(kind, "at-once") || is(kind, "woken")) {
		run_thread(fd);
		return;
	}
	check(-pthread_create(&other, NULL, is(kind, "other-thread") ? ask_and_send : ask, &fd),
	      "thread");
	if (is(kind, "other-thread"))
		connect_to_peer(fd, true);
	else if (is(kind, "inline") || is(kind, "worker") || is(kind, "poller"))
		run_ring(fd);
	else
		run_thread(fd);
	pthread_join(other, NULL);
}

int main(int argc, char **argv)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in local;
	socklen_t length = sizeof(local);

	if (argc != 4)
		return 2;
	kind = argv[1];
	peer.sin_family = AF_INET;
	peer.sin_port = htons((uint16_t)atoi(argv[2]));
	peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	text = argv[3];
	run(fd);
	check(getsockname(fd, (struct sockaddr *)&local, &length), "getsockname");
	printf("%d\n", ntohs(local.sin_port));
	return 0;
}
