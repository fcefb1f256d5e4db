// SPDX-License-Identifier: Apache-2.0
/*
 * TCP connections of every kind between three programs, and the truth about them.
 *
 *   tcp-truth [--hold] [--netns]
 *
 * --hold   opens all, prints {"kind":"paused"}, waits for a line, ends all.
 * --netns  in a network namespace of its own, which ends with the program.
 *
 * A prime number of connections, one after the other, from truth-client to
 * truth-server (some are served by truth-worker); the names are copies of this
 * file beside it. Then one JSON line for each listener and each connection on
 * standard output. Times are nanoseconds since `base`, CLOCK_MONOTONIC.
 */
#define _GNU_SOURCE
#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUN_CONNECTIONS	 61
#define HOLD_CONNECTIONS 53

static const struct {
	const char *name;
	const char *client_reason, *client_error;
	const char *server_reason, *server_error;
} kinds[KINDS] = {
	[CLIENT_CLOSES] = {"client_closes", "local_fin", "", "peer_fin", ""},
	[SERVER_CLOSES] = {"server_closes", "peer_fin", "", "local_fin", ""},
	[HALF_CLOSED] = {"half_closed", "local_fin", "", "peer_fin", ""},
	[LINGER_SERVER] = {"linger_server", "reset_received", "", "reset_sent", ""},
	[LINGER_CLIENT] = {"linger_client", "reset_sent", "", "reset_received", ""},
	[RESET_UNREAD] = {"reset_unread", "reset_received", "connection_reset", "reset_sent", ""},
	[SERVER_UNREAD] = {"server_unread", "reset_received", "", "reset_sent", ""},
	[CLIENT_EXITS] = {"client_exits", "process_exit", "", "peer_fin", ""},
	[CLIENT_KILLED] = {"client_killed", "process_exit", "", "peer_fin", ""},
	[SERVER_EXITS] = {"server_exits", "peer_fin", "", "process_exit", ""},
	[SERVER_KILLED] = {"server_killed", "peer_fin", "", "process_exit", ""},
	[NEVER_ACCEPTED] = {"never_accepted", "reset_received", "", "reset_sent", ""},
	[FORKED] = {"forked", "peer_fin", "", "local_fin", ""},
	[PASSED] = {"passed", "local_fin", "", "peer_fin", ""},
	[USER_TIMEOUT] = {"user_timeout", "timeout", "timed_out", "local_fin", ""},
	[REFUSED] = {"refused", "", "connection_refused", "", ""},
	[TIMED_OUT] = {"timed_out", "", "timed_out", "", ""},
	[CANCELLED] = {"cancelled", "", "cancelled", "", ""},
};

static const char *const families[FAMILIES] = {"ipv4", "ipv6", "ipv4"};
static uint64_t base_ns;

/* Every kind in every family, then ordinary ones up to the prime. */
static void plan(void)
{
	uint32_t wanted = table->hold ? HOLD_CONNECTIONS : RUN_CONNECTIONS;
	uint32_t n = 0;

	for (int family = 0; family < FAMILIES; family++)
		for (int kind = 0; kind < (table->hold ? REFUSED : KINDS); kind++, n++) {
			table->connections[n].kind = (enum kind)kind;
			table->connections[n].family = (enum family)family;
		}
	for (; n < wanted; n++) {
		table->connections[n].kind = n % 2 ? CLIENT_CLOSES : SERVER_CLOSES;
		table->connections[n].family = (enum family)(n % FAMILIES);
	}
	table->count = n;
}

static void enter_netns(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd;

	if (unshare(CLONE_NEWNET))
		fail("unshare");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		fail("lo up");
	close(fd);
}

static void map_table(void)
{
	table = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE, MAP_SHARED, TABLE_FD, 0);
	if (table == MAP_FAILED) {
		table = NULL;
		fail("mmap");
	}
}

static void make_table(void)
{
	int fd = memfd_create("tcp-truth", 0);

	if (fd < 0 || ftruncate(fd, sizeof(struct table)))
		fail("memfd");
	if (fd != TABLE_FD && (dup2(fd, TABLE_FD) < 0 || close(fd)))
		fail("dup2");
	map_table();
}

static pid_t start(const char *folder, const char *name, const char *role)
{
	char path[PATH_MAX], worker[PATH_MAX];
	pid_t child;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(worker, sizeof(worker), "%s/truth-worker", folder);
	child = fork_child();
	if (child)
		return child;
	execl(path, path, role, worker, NULL);
	fail(path);
}

static void print_bounds(const char *name, struct bounds b)
{
	printf("\"%s\":[%lld,%lld],", name, b.after_ns ? (long long)(b.after_ns - base_ns) : -1,
	       b.before_ns ? (long long)(b.before_ns - base_ns) : -1);
}

/* When the socket became closed: not before what made it so, not after all was over. */
static struct bounds closed_bounds(const struct connection *c, bool is_client, const char *reason)
{
	const struct end *own = is_client ? &c->client : &c->server;
	const struct end *other = is_client ? &c->server : &c->client;
	struct bounds b = {own->close.after_ns, c->settled_ns};

	if (!strcmp(reason, "reset_received") || (is_client && c->kind == HALF_CLOSED))
		b.after_ns = other->close.after_ns;
	if (!strcmp(reason, "timeout"))
		b.before_ns = own->close.before_ns;
	return b;
}

static void print_end(const struct connection *c, bool is_client)
{
	const struct end *e = is_client ? &c->client : &c->server;
	const char *reason = is_client ? kinds[c->kind].client_reason
				       : kinds[c->kind].server_reason;

	printf("\"%s\":{\"pid\":%d,\"executable\":\"%s\",\"local\":\"%s\",\"localPort\":%u,"
	       "\"peer\":\"%s\",\"peerPort\":%u,\"sent\":%llu,\"received\":%llu,\"heldSent\":%llu,"
	       "\"heldReceived\":%llu,",
	       is_client ? "client" : "server", e->pid, e->executable, e->local, e->local_port,
	       e->peer, e->peer_port, (unsigned long long)e->sent, (unsigned long long)e->received,
	       (unsigned long long)e->held_sent, (unsigned long long)e->held_received);
	print_bounds("closed", closed_bounds(c, is_client, reason));
	printf("\"reason\":\"%s\",\"error\":\"%s\"}", reason,
	       is_client ? kinds[c->kind].client_error : kinds[c->kind].server_error);
}

static void print_connection(struct connection *c)
{
	/* Who was never told an address: the listener's child, and the peer of a failed attempt. */
	strcpy(c->client.peer, c->family == FAMILY_V6 ? "::1" : "127.0.0.1");
	if (!is_established(c->kind))
		strcpy(c->client.local, c->client.peer);
	strcpy(c->server.local, c->client.peer);
	strcpy(c->server.peer, c->client.local);
	c->client.peer_port = c->server.local_port = c->port;
	c->server.peer_port = c->client.local_port;
	printf("{\"kind\":\"connection\",\"case\":\"%s\",\"family\":\"%s\",\"mapped\":%s,"
	       "\"established\":%s,"
	       "\"accepted\":%s,\"openerPid\":%d,\"retransmits\":%u,",
	       kinds[c->kind].name, families[c->family],
	       c->family == FAMILY_MAPPED ? "true" : "false",
	       is_established(c->kind) ? "true" : "false", c->accept.before_ns ? "true" : "false",
	       c->opener, c->client.retransmits);
	print_bounds("connect", c->connect);
	print_bounds("accept", c->accept);
	print_end(c, true);
	if (is_established(c->kind)) {
		printf(",");
		print_end(c, false);
	}
	printf("}\n");
}

static void print_truth(void)
{
	struct stat netns = {0};

	stat("/proc/self/ns/net", &netns);
	printf("{\"kind\":\"start\",\"base\":\"%llu\",\"netns\":%llu,\"connections\":%u}\n",
	       (unsigned long long)base_ns, (unsigned long long)netns.st_ino, table->count);
	for (uint32_t i = 0; i < table->listener_count; i++) {
		struct listener *l = &table->listeners[i];

		printf("{\"kind\":\"listener\",\"pid\":%d,\"address\":\"%s\",\"port\":%u,"
		       "\"family\":\"%s\","
		       "\"backlog\":%d,",
		       l->pid, l->address, l->port, l->family == FAMILY_V4 ? "ipv4" : "ipv6",
		       l->backlog);
		print_bounds("start", l->start);
		print_bounds("stop", l->stop);
		printf("\"executable\":\"truth-server\"}\n");
	}
	for (uint32_t i = 0; i < table->count; i++)
		print_connection(&table->connections[i]);
}

/* Waits until all are open, then for a line on standard input. */
static void hold(void)
{
	while (atomic_load(&table->opened) < table->count && !atomic_load(&table->failed))
		sleep_ms(1);
	printf("{\"kind\":\"paused\",\"connections\":%u}\n", table->count);
	fflush(stdout);
	while (getchar() != '\n' && !feof(stdin))
		;
	atomic_store(&table->phase, PHASE_FINISH);
}

static int wait_for(pid_t child)
{
	int status;

	if (waitpid(child, &status, 0) != child)
		fail("waitpid");
	return status;
}

static int orchestrate(int argc, char **argv)
{
	char *folder = dirname(strdup(argv[0]));
	pid_t server, client;

	make_table();
	base_ns = now_ns();
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--hold")) {
			table->hold = true;
		} else if (!strcmp(argv[i], "--netns")) {
			enter_netns();
		} else {
			fprintf(stderr, "usage: %s [--hold] [--netns]\n", argv[0]);
			return 2;
		}
	}
	plan();
	atomic_store(&table->phase, table->hold ? PHASE_OPEN : PHASE_FINISH);
	server = start(folder, "truth-server", "server");
	client = start(folder, "truth-client", "client");
	if (table->hold)
		hold();
	if (wait_for(client) | wait_for(server))
		return 1;
	print_truth();
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 || (argc == 2 && !strcmp(argv[1], "worker"))) {
		if (!strcmp(argv[1], "client") || !strcmp(argv[1], "server") ||
		    !strcmp(argv[1], "worker")) {
			map_table();
			if (!strcmp(argv[1], "client"))
				run_client();
			else if (!strcmp(argv[1], "server"))
				run_server(argv[2]);
			else
				run_worker();
			return 0;
		}
	}
	return orchestrate(argc, argv);
}
