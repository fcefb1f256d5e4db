// SPDX-License-Identifier: Apache-2.0
/* The client side of every connection of tcp-truth. */
#define _GNU_SOURCE
#include "truth.h"
#include "truth-stages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int sockets[MAX_CONNECTIONS];
static pid_t children[MAX_CONNECTIONS];

static bool has_own_process(enum kind kind)
{
	return kind == CLIENT_EXITS || kind == CLIENT_KILLED;
}

static int connect_to(struct connection *c, int fd)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(c->port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(c->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	bool is_v4 = c->family == FAMILY_V4;
	int result;

	inet_pton(AF_INET6, c->family == FAMILY_V6 ? "::1" : "::ffff:127.0.0.1", &v6.sin6_addr);
	c->connect.after_ns = now_ns();
	result = connect(fd, is_v4 ? (void *)&v4 : (void *)&v6, is_v4 ? sizeof(v4) : sizeof(v6));
	c->connect.before_ns = now_ns();
	return result ? errno : 0;
}

/* A connect that is given up: what the losing half of Happy Eyeballs does. */
static int cancel(struct connection *c, int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("O_NONBLOCK");
	if (connect_to(c, fd) != EINPROGRESS)
		fail("a connect that nothing answers");
	note_endpoints(fd, &c->client);
	sleep_ms(30);
	close_timed(fd, &c->client);
	c->connect.before_ns = c->client.close.before_ns;
	return ECANCELED;
}

/* Without blocking: TCP_INFO tells the retransmitted SYNs only until connect() reports the failure. */
static int wait_for_failure(struct connection *c, int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLOUT};
	socklen_t size = sizeof(int);
	int attempts = 1, error;

	if (setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &attempts, sizeof(attempts)) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK))
		fail("options of a connect that fails");
	error = connect_to(c, fd);
	note_endpoints(fd, &c->client);
	if (error == EINPROGRESS) {
		poll(&poller, 1, -1);
		c->connect.before_ns = now_ns();
		note_retransmits(fd, &c->client);
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size))
			fail("SO_ERROR");
	}
	close_timed(fd, &c->client);
	return error;
}

static void give_up(struct connection *c, int fd)
{
	c->error = c->kind == CANCELLED ? cancel(c, fd) : wait_for_failure(c, fd);
	set_stage(c, STAGE_CONNECTED);
}

static void exchange(struct connection *c, int fd)
{
	write_all(fd, request_bytes(c));
	c->client.sent = request_bytes(c);
	if (c->kind != NEVER_ACCEPTED && c->kind != RESET_UNREAD)
		read_exactly(fd, response_bytes(c));
	if (c->kind != NEVER_ACCEPTED)
		c->client.received = response_bytes(c);
	wait_acknowledged(fd);
	c->client.held_sent = c->client.sent;
	c->client.held_received = c->client.received;
}

static int client_open(struct connection *c)
{
	int fd;

	wait_stage(c, STAGE_LISTENING);
	c->client.pid = getpid();
	strcpy(c->client.executable, "truth-client");
	fd = socket(c->family == FAMILY_V4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
	if (fd < 0)
		fail("socket");
	if (!is_established(c->kind)) {
		give_up(c, fd);
		return -1;
	}
	c->error = connect_to(c, fd);
	if (c->error)
		fail("connect");
	note_endpoints(fd, &c->client);
	set_stage(c, STAGE_CONNECTED);
	wait_stage(c, STAGE_ACCEPTED);
	exchange(c, fd);
	set_stage(c, STAGE_EXCHANGED);
	return fd;
}

static void expect(int got, int wanted, const char *what)
{
	errno = got;
	if (got != wanted)
		fail(what);
}

static void time_out(struct connection *c, int fd)
{
	unsigned int limit_ms = 400;
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit_ms, sizeof(limit_ms)))
		fail("TCP_USER_TIMEOUT");
	c->client.close.after_ns = now_ns();
	write_all(fd, 1000);
	poll(&poller, 1, 30000);
	expect(read_error(fd), ETIMEDOUT, "a connection that nothing acknowledges");
	c->client.close.before_ns = now_ns();
	note_retransmits(fd, &c->client);
	close(fd);
	set_stage(c, STAGE_SECOND_CLOSED);
}

static void close_after_peer(struct connection *c, int fd, int error)
{
	wait_stage(c, STAGE_FIRST_CLOSED);
	expect(read_error(fd), error, "what the server's end looks like");
	close_timed(fd, &c->client);
	set_stage(c, STAGE_SECOND_CLOSED);
}

static void half_close(struct connection *c, int fd)
{
	uint64_t n;

	shutdown(fd, SHUT_WR);
	set_stage(c, STAGE_FIRST_CLOSED);
	while ((n = read_some(fd, 4096)))
		c->client.received += n;
	close_timed(fd, &c->client);
	wait_stage(c, STAGE_SECOND_CLOSED);
}

static void client_finish(struct connection *c, int fd)
{
	if (has_tail(c->kind)) {
		write_all(fd, tail_bytes(c));
		wait_acknowledged(fd);
		c->client.sent += tail_bytes(c);
		wait_stage(c, STAGE_TAILED);
	}
	set_stage(c, STAGE_ENDING);
	switch (c->kind) {
	case CLIENT_EXITS:
		c->client.close.after_ns = now_ns();
		_exit(0);
	case CLIENT_KILLED:
		c->client.close.after_ns = now_ns();
		kill(getpid(), SIGKILL);
		fail("SIGKILL");
	case LINGER_CLIENT:
		set_linger_zero(fd);
		/* fall through */
	case CLIENT_CLOSES:
	case PASSED:
		close_timed(fd, &c->client);
		set_stage(c, STAGE_FIRST_CLOSED);
		wait_stage(c, STAGE_SECOND_CLOSED);
		break;
	case HALF_CLOSED:
		half_close(c, fd);
		break;
	case USER_TIMEOUT:
		wait_stage(c, STAGE_FIRST_CLOSED);
		time_out(c, fd);
		wait_stage(c, STAGE_ALL_CLOSED);
		break;
	case LINGER_SERVER:
	case RESET_UNREAD:
	case SERVER_UNREAD:
	case NEVER_ACCEPTED:
		close_after_peer(c, fd, ECONNRESET);
		break;
	default:
		close_after_peer(c, fd, 0);
	}
	c->settled_ns = now_ns();
}

static void open_in_child(struct connection *c, uint32_t i)
{
	pid_t child = fork_child();

	if (!child) {
		int fd;

		close_all(sockets, i);
		fd = client_open(c);
		wait_stage(c, STAGE_FINISHING);
		client_finish(c, fd);
		_exit(0);
	}
	children[i] = child;
	wait_stage(c, STAGE_EXCHANGED);
}

static void open_one(struct connection *c, uint32_t i)
{
	if (has_own_process(c->kind))
		open_in_child(c, i);
	else
		sockets[i] = client_open(c);
}

static void finish_one(struct connection *c, uint32_t i)
{
	if (!is_established(c->kind)) {
		c->settled_ns = now_ns();
		return;
	}
	sleep_ms(2 + (int)(i % 5) * 15); /* lifetimes that differ */
	set_stage(c, STAGE_FINISHING);
	if (!has_own_process(c->kind)) {
		client_finish(c, sockets[i]);
		sockets[i] = 0;
		return;
	}
	if (waitpid(children[i], NULL, 0) != children[i])
		fail("waitpid");
	c->client.close.before_ns = now_ns();
	set_stage(c, STAGE_FIRST_CLOSED);
	wait_stage(c, STAGE_SECOND_CLOSED);
	c->settled_ns = now_ns();
}

void run_client(void)
{
	for (uint32_t i = 0; i < table->count; i++) {
		open_one(&table->connections[i], i);
		atomic_fetch_add(&table->opened, 1);
		if (!table->hold)
			finish_one(&table->connections[i], i);
	}
	if (!table->hold)
		return;
	while (atomic_load(&table->phase) != PHASE_FINISH)
		sleep_ms(1);
	for (uint32_t i = 0; i < table->count; i++)
		finish_one(&table->connections[i], i);
}
