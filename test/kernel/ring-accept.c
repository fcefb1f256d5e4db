// SPDX-License-Identifier: Apache-2.0
/*
 * A child accepts by io_uring from a listener that its parent opened. Some connections wait already,
 * the others come one by one.
 *
 *   ring-accept inline|worker|poller single|multishot QUEUED LATER
 *
 * Prints its port and the child's pid; then a line when all are accepted, and ends with its input.
 */
#define _GNU_SOURCE
#include "first-write.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void check(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static enum ring_kind kind_of(const char *word)
{
	if (!strcmp(word, "worker"))
		return RING_WORKER;
	return strcmp(word, "poller") ? RING_INLINE : RING_POLLER;
}

/* Waits for a byte before it begins; writes one for each accept. */
static void accept_all(int listener, int go, int done, char **words)
{
	bool multishot = !strcmp(words[2], "multishot");
	int left = atoi(words[3]) + atoi(words[4]);
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ring_open(kind_of(words[1]));
	check(read(go, &byte, 1) - 1, "begin");
	while (left--) {
		check(ring_accept(listener, multishot), "accept");
		check(write(done, "", 1), "write");
	}
	for (;;)
		pause();
}

static void connect_one(const struct sockaddr_in *peer)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	check(connect(fd, (const struct sockaddr *)peer, sizeof(*peer)), "connect");
}

static void await(int done, int count)
{
	char byte;

	while (count--)
		check(read(done, &byte, 1) - 1, "accepted");
}

int main(int argc, char **argv)
{
	struct sockaddr_in here = {.sin_family = AF_INET};
	socklen_t length = sizeof(here);
	int listener = socket(AF_INET, SOCK_STREAM, 0), go[2], done[2], queued, later;
	pid_t child;

	if (argc != 5)
		return 2;
	queued = atoi(argv[3]);
	later = atoi(argv[4]);
	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	check(bind(listener, (struct sockaddr *)&here, sizeof(here)), "bind");
	check(listen(listener, 127), "listen");
	check(getsockname(listener, (struct sockaddr *)&here, &length), "getsockname");
	check(pipe(go) | pipe(done), "pipe");
	child = fork();
	check(child, "fork");
	if (!child) {
		close(done[0]);
		accept_all(listener, go[0], done[1], argv);
	}
	close(done[1]);
	printf("%d %d\n", ntohs(here.sin_port), child);
	for (int i = 0; i < queued; i++)
		connect_one(&here);
	check(write(go[1], "", 1), "write");
	await(done[0], queued);
	for (int i = 0; i < later; i++) {
		connect_one(&here);
		await(done[0], 1);
	}
	printf("accepted\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	check(kill(child, SIGKILL), "kill");
	check(waitpid(child, NULL, 0), "waitpid");
	return 0;
}
