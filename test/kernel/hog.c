// SPDX-License-Identifier: Apache-2.0
/*
 * One process that has a lot of something, on 127.0.0.1 and COUNT ports from FIRST on.
 *
 *   hog refused FIRST COUNT   tries ports where nobody listens
 *   hog listen FIRST COUNT    listens there
 *   hog noise FIRST COUNT     sends each port a packet without flags, which TCP drops
 *
 * Prints how many there were, when it is done with them; does the same again for each line of its
 * standard input, and ends with it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "hog: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static struct sockaddr_in at(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
				    .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void refused(uint16_t port)
{
	struct sockaddr_in to = at(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		fail("socket");
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)) || errno != ECONNREFUSED)
		fail("connect");
	close(fd);
}

static void start_listener(uint16_t port)
{
	struct sockaddr_in here = at(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) || listen(fd, 1))
		fail("listen");
}

static uint16_t checksum(const struct tcphdr *tcp)
{
	const uint8_t *bytes = (const uint8_t *)tcp;
	/* The pseudo header: both addresses, the protocol, the length. */
	uint32_t sum = 2 * (0x7f00 + 0x0001) + IPPROTO_TCP + sizeof(*tcp);

	for (size_t i = 0; i < sizeof(*tcp); i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void send_noise(int raw, uint16_t port)
{
	struct tcphdr tcp = {.source = htons(7), .dest = htons(port), .doff = 5};
	struct sockaddr_in to = at(0);

	tcp.check = checksum(&tcp);
	if (sendto(raw, &tcp, sizeof(tcp), 0, (struct sockaddr *)&to, sizeof(to)) != sizeof(tcp))
		fail("send");
}

static void do_all(const char *mode, int raw, long first, long count)
{
	for (long i = 0; i < count; i++) {
		uint16_t port = (uint16_t)(first + i);

		if (!strcmp(mode, "refused"))
			refused(port);
		else if (!strcmp(mode, "listen"))
			start_listener(port);
		else
			send_noise(raw, port);
	}
	printf("%ld\n", count);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct rlimit files = {65536, 65536};
	const char *mode = argc == 4 ? argv[1] : "";
	long first = argc == 4 ? atol(argv[2]) : 0, count = argc == 4 ? atol(argv[3]) : 0;
	int raw = -1;

	setrlimit(RLIMIT_NOFILE, &files);
	if (!strcmp(mode, "noise") && (raw = socket(AF_INET, SOCK_RAW, IPPROTO_TCP)) < 0)
		fail("raw socket");
	do
		do_all(mode, raw, first, count);
	while (getchar() != EOF);
	return 0;
}
