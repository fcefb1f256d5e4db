// SPDX-License-Identifier: Apache-2.0
/* The server side of every connection of tcp-truth, and the program it passes some to. */
#define _GNU_SOURCE
#include "truth.h"
#include "truth-stages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HALF_CLOSED_CHUNKS 4
#define HALF_CLOSED_CHUNK  700

static int shared[FAMILIES];
static uint16_t shared_port[FAMILIES];
static int sockets[MAX_CONNECTIONS];
static int own_listeners[MAX_CONNECTIONS];
static pid_t children[MAX_CONNECTIONS];
static int worker;

static bool has_own_process(enum kind kind)
{
	return kind == SERVER_EXITS || kind == SERVER_KILLED || kind == FORKED;
}

static bool has_own_listener(enum kind kind)
{
	return kind == NEVER_ACCEPTED || kind == TIMED_OUT || kind == CANCELLED;
}

static void serve(struct connection *c, int fd, const char *executable)
{
	c->server.pid = getpid();
	strcpy(c->server.executable, executable);
	set_stage(c, STAGE_ACCEPTED);
	if (c->kind != SERVER_UNREAD)
		read_exactly(fd, request_bytes(c));
	write_all(fd, response_bytes(c));
	wait_acknowledged(fd);
	c->server.received = request_bytes(c);
	c->server.sent = response_bytes(c);
	c->server.held_received = c->server.received;
	c->server.held_sent = c->server.sent;
}

static int accept_timed(struct connection *c, int listener)
{
	int fd;

	c->accept.after_ns = now_ns();
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		fail("accept");
	c->accept.before_ns = now_ns();
	c->opener = getpid();
	note_endpoints(fd, &c->server);
	return fd;
}

static void close_second(struct connection *c, int fd)
{
	if (read_error(fd) != (c->kind == LINGER_CLIENT ? ECONNRESET : 0))
		fail("what the client's end looks like");
	close_timed(fd, &c->server);
	set_stage(c, STAGE_SECOND_CLOSED);
}

static void answer_half_closed(struct connection *c, int fd)
{
	if (read_error(fd))
		fail("the client's half close");
	for (int i = 0; i < HALF_CLOSED_CHUNKS; i++) {
		sleep_ms(10);
		write_all(fd, HALF_CLOSED_CHUNK);
		c->server.sent += HALF_CLOSED_CHUNK;
	}
	wait_acknowledged(fd);
	close_timed(fd, &c->server);
	set_stage(c, STAGE_SECOND_CLOSED);
}

static void server_finish(struct connection *c, int fd)
{
	wait_stage(c, STAGE_FINISHING);
	if (has_tail(c->kind)) {
		read_exactly(fd, tail_bytes(c));
		c->server.received += tail_bytes(c);
		set_stage(c, STAGE_TAILED);
	}
	wait_stage(c, STAGE_ENDING);
	switch (c->kind) {
	case SERVER_EXITS:
		c->server.close.after_ns = now_ns();
		_exit(0);
	case SERVER_KILLED:
		c->server.close.after_ns = now_ns();
		kill(getpid(), SIGKILL);
		fail("SIGKILL");
	case LINGER_SERVER:
	case RESET_UNREAD:
		set_linger_zero(fd);
		/* fall through */
	case SERVER_UNREAD:
	case SERVER_CLOSES:
	case FORKED:
		close_timed(fd, &c->server);
		set_stage(c, STAGE_FIRST_CLOSED);
		break;
	case HALF_CLOSED:
		wait_stage(c, STAGE_FIRST_CLOSED);
		answer_half_closed(c, fd);
		break;
	case USER_TIMEOUT:
		drop_all(fd);
		set_stage(c, STAGE_FIRST_CLOSED);
		wait_stage(c, STAGE_SECOND_CLOSED);
		drop_none(fd);
		close_timed(fd, &c->server);
		set_stage(c, STAGE_ALL_CLOSED);
		break;
	default: /* the client ends it; an end of its process comes without a stage */
		if (c->kind != CLIENT_EXITS && c->kind != CLIENT_KILLED)
			wait_stage(c, STAGE_FIRST_CLOSED);
		close_second(c, fd);
	}
}

static void open_in_child(struct connection *c, uint32_t i)
{
	int fd = c->kind == FORKED ? accept_timed(c, shared[c->family]) : -1;
	pid_t child = fork_child();

	if (!child) {
		if (c->kind != FORKED)
			fd = accept_timed(c, shared[c->family]);
		close_all(sockets, i);
		close_all(own_listeners, i);
		close_all(shared, FAMILIES);
		serve(c, fd, "truth-server");
		server_finish(c, fd);
		_exit(0);
	}
	children[i] = child;
	if (fd >= 0)
		close(fd);
}

static void listen_alone(struct connection *c, uint32_t i)
{
	own_listeners[i] = bind_any(c->family, &c->port);
	if (c->kind == REFUSED)
		return; /* bound but not listening: nobody else takes the port */
	if (c->kind != NEVER_ACCEPTED)
		drop_all(own_listeners[i]);
	start_listener(own_listeners[i], c->family, 3 + (int)i % 7);
}

static void open_one(struct connection *c, uint32_t i)
{
	c->port = shared_port[c->family];
	if (c->kind == REFUSED || has_own_listener(c->kind))
		listen_alone(c, i);
	set_stage(c, STAGE_LISTENING);
	wait_stage(c, STAGE_CONNECTED);
	if (!is_established(c->kind))
		return;
	if (c->kind == NEVER_ACCEPTED) {
		c->opener = c->server.pid = getpid();
		strcpy(c->server.executable, "truth-server");
		c->server.received = c->server.held_received = request_bytes(c);
		set_stage(c, STAGE_ACCEPTED);
	} else if (has_own_process(c->kind)) {
		open_in_child(c, i);
	} else {
		sockets[i] = accept_timed(c, shared[c->family]);
		if (c->kind == PASSED) {
			send_fd(worker, sockets[i], i);
			close(sockets[i]);
			sockets[i] = 0;
		} else {
			serve(c, sockets[i], "truth-server");
		}
	}
	wait_stage(c, STAGE_EXCHANGED);
}

static void finish_never_accepted(struct connection *c, uint32_t i)
{
	wait_stage(c, STAGE_FINISHING);
	c->server.close.after_ns = now_ns();
	stop_listener(own_listeners[i], c->port);
	c->server.close.before_ns = now_ns();
	set_stage(c, STAGE_FIRST_CLOSED);
}

static void finish_one(struct connection *c, uint32_t i)
{
	if (c->kind == REFUSED) {
		close(own_listeners[i]);
	} else if (!is_established(c->kind)) {
		stop_listener(own_listeners[i], c->port);
	} else if (c->kind == NEVER_ACCEPTED) {
		finish_never_accepted(c, i);
	} else if (has_own_process(c->kind)) {
		if (waitpid(children[i], NULL, 0) != children[i])
			fail("waitpid");
		if (c->kind != FORKED) {
			c->server.close.before_ns = now_ns();
			set_stage(c, STAGE_FIRST_CLOSED);
		}
	} else if (c->kind != PASSED) {
		server_finish(c, sockets[i]);
	}
	sockets[i] = own_listeners[i] = 0;
	if (is_established(c->kind))
		wait_stage(c, STAGE_SECOND_CLOSED);
}

/* The worker: truth-worker, another program, gets `worker`'s other end as WORKER_FD. */
static pid_t start_worker(const char *path)
{
	int pair[2];
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		fail("socketpair");
	child = fork_child();
	if (!child) {
		if (dup2(pair[1], WORKER_FD) < 0)
			fail("dup2");
		if (pair[1] == WORKER_FD && fcntl(WORKER_FD, F_SETFD, 0))
			fail("F_SETFD");
		execl(path, path, "worker", NULL);
		fail("execl of the worker");
	}
	close(pair[1]);
	worker = pair[0];
	return child;
}

void run_worker(void)
{
	uint32_t index;
	int fd;

	while ((fd = receive_fd(WORKER_FD, &index)) >= 0) {
		pid_t child = fork_child();

		if (!child) {
			struct connection *c = &table->connections[index];

			serve(c, fd, "truth-worker");
			server_finish(c, fd);
			_exit(0);
		}
		close(fd);
	}
	while (wait(NULL) > 0)
		;
}

void run_server(const char *worker_path)
{
	pid_t worker_pid = start_worker(worker_path);

	for (int family = 0; family < FAMILIES; family++) {
		shared[family] = bind_any((enum family)family, &shared_port[family]);
		fcntl(shared[family], F_SETFD, FD_CLOEXEC);
		start_listener(shared[family], (enum family)family, 16 + family);
	}
	for (uint32_t i = 0; i < table->count; i++) {
		open_one(&table->connections[i], i);
		if (!table->hold)
			finish_one(&table->connections[i], i);
	}
	if (table->hold) {
		while (atomic_load(&table->phase) != PHASE_FINISH)
			sleep_ms(1);
		for (uint32_t i = 0; i < table->count; i++)
			finish_one(&table->connections[i], i);
	}
	close(worker);
	waitpid(worker_pid, NULL, 0);
	sleep_ms(50); /* the last connections leave before their listeners */
	for (int family = 0; family < FAMILIES; family++)
		stop_listener(shared[family], shared_port[family]);
}
