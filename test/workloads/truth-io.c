// SPDX-License-Identifier: Apache-2.0
/* Clocks, stages and socket calls of tcp-truth. Every call that fails ends the program. */
#define _GNU_SOURCE
#include "truth.h"
#include "truth-stages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define STAGE_LIMIT_NS 60000000000ULL

struct table *table;

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

void sleep_ms(int ms)
{
	struct timespec t = {ms / 1000, (ms % 1000) * 1000000L};

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

void fail(const char *what)
{
	fprintf(stderr, "tcp-truth: %s: %s\n", what, strerror(errno));
	if (table)
		atomic_store(&table->failed, 1);
	_exit(1);
}

void wait_stage(struct connection *c, uint32_t stage)
{
	uint64_t began = now_ns();
	while (atomic_load(&c->stage) < stage) {
		bool running = atomic_load(&table->phase) == PHASE_FINISH ||
			       stage <= STAGE_EXCHANGED;
		struct timespec pause = {0, running ? 100000 : 5000000};

		if (atomic_load(&table->failed))
			_exit(1);
		/* A pause of hold mode may be long: only a running case has a limit. */
		if (running && now_ns() - began > STAGE_LIMIT_NS) {
			errno = ETIMEDOUT;
			fail("waiting for the other side");
		}
		nanosleep(&pause, NULL);
	}
}

/* Never backwards: the end of a process may be noticed by its peer before its parent. */
void set_stage(struct connection *c, uint32_t stage)
{
	uint32_t seen = atomic_load(&c->stage);

	while (seen < stage && !atomic_compare_exchange_weak(&c->stage, &seen, stage))
		;
}

pid_t fork_child(void)
{
	pid_t parent = getpid();
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (!child && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1);
	return child;
}

void close_all(int *fds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (fds[i] > TABLE_FD)
			close(fds[i]);
}

void write_all(int fd, uint64_t bytes)
{
	static const char block[4096];

	while (bytes) {
		ssize_t n = send(fd, block, bytes < sizeof(block) ? bytes : sizeof(block),
				 MSG_NOSIGNAL);

		if (n < 0)
			fail("send");
		bytes -= (uint64_t)n;
	}
}

uint64_t read_some(int fd, uint64_t bytes)
{
	static char block[4096];
	ssize_t n = recv(fd, block, bytes < sizeof(block) ? bytes : sizeof(block), 0);

	if (n < 0)
		fail("recv");
	return (uint64_t)n;
}

void read_exactly(int fd, uint64_t bytes)
{
	while (bytes) {
		uint64_t n = read_some(fd, bytes);

		if (!n) {
			errno = EPIPE;
			fail("stream ended early");
		}
		bytes -= n;
	}
}

void wait_acknowledged(int fd)
{
	struct timespec pause = {0, 100000};
	int waiting = 1;

	while (waiting) {
		if (ioctl(fd, SIOCOUTQ, &waiting))
			fail("SIOCOUTQ");
		if (waiting)
			nanosleep(&pause, NULL);
	}
}

int read_error(int fd)
{
	char block[4096];
	ssize_t n;

	do
		n = recv(fd, block, sizeof(block), 0);
	while (n > 0);
	return n ? errno : 0;
}

void set_linger_zero(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		fail("SO_LINGER");
}

/* A classic socket filter that accepts nothing: what arrives is dropped before TCP sees it. */
void drop_all(int fd)
{
	struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {1, &refuse};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		fail("SO_ATTACH_FILTER");
}

void drop_none(int fd)
{
	int unused = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)))
		fail("SO_DETACH_FILTER");
}

/* Plain IPv4 for an IPv4-mapped address. */
void format_address(const struct sockaddr_storage *from, char *address, uint16_t *port)
{
	const struct sockaddr_in6 *v6 = (const void *)from;
	const struct sockaddr_in *v4 = (const void *)from;

	if (from->ss_family == AF_INET) {
		*port = ntohs(v4->sin_port);
		inet_ntop(AF_INET, &v4->sin_addr, address, ADDRESS_LEN);
		return;
	}
	*port = ntohs(v6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], address, ADDRESS_LEN);
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, address, ADDRESS_LEN);
}

void note_endpoints(int fd, struct end *end)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (!getsockname(fd, (struct sockaddr *)&address, &size))
		format_address(&address, end->local, &end->local_port);
	size = sizeof(address);
	if (!getpeername(fd, (struct sockaddr *)&address, &size))
		format_address(&address, end->peer, &end->peer_port);
}

void note_retransmits(int fd, struct end *end)
{
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		fail("TCP_INFO");
	end->retransmits = info.tcpi_total_retrans;
}

void close_timed(int fd, struct end *end)
{
	end->close.after_ns = now_ns();
	if (close(fd))
		fail("close");
	end->close.before_ns = now_ns();
}

void send_fd(int channel, int fd, uint32_t index)
{
	char space[CMSG_SPACE(sizeof(fd))] = {0};
	struct iovec data = {&index, sizeof(index)};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = space,
				 .msg_controllen = sizeof(space)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (sendmsg(channel, &message, 0) != sizeof(index))
		fail("passing a connection");
}

/* -1 when the channel was closed. */
int receive_fd(int channel, uint32_t *index)
{
	char space[CMSG_SPACE(sizeof(int))];
	struct iovec data = {index, sizeof(*index)};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = space,
				 .msg_controllen = sizeof(space)};
	int fd;

	if (recvmsg(channel, &message, 0) != sizeof(*index) || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}
