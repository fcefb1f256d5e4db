// SPDX-License-Identifier: Apache-2.0
/*
 * Tells each RST that an interface sends or gets, as packet(7) shows it.
 *
 *   reset-capture INTERFACE
 *
 * It writes `ready` once it listens. For each line on standard input it writes those since the last, one a line,
 * `out|in SOURCE-PORT DESTINATION-PORT`, and then `end LOST`: packets that it had no room for.
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#define ROOM (4 << 20)

static union {
	struct iphdr ip;
	unsigned char bytes[65536];
} packet;

static void tell(const struct sockaddr_ll *from, size_t length)
{
	size_t header = packet.ip.ihl * 4u;
	const struct tcphdr *tcp = (const void *)(packet.bytes + header);

	if (length < sizeof(packet.ip) || packet.ip.version != 4 ||
	    packet.ip.protocol != IPPROTO_TCP)
		return;
	if (length < header + sizeof(*tcp) || !tcp->rst)
		return;
	printf("%s %u %u\n", from->sll_pkttype == PACKET_OUTGOING ? "out" : "in",
	       ntohs(tcp->source), ntohs(tcp->dest));
}

static int tell_all(int fd)
{
	struct tpacket_stats lost = {0};
	socklen_t size = sizeof(lost);

	for (;;) {
		struct sockaddr_ll from = {0};
		socklen_t from_size = sizeof(from);
		ssize_t length = recvfrom(fd, &packet, sizeof(packet), MSG_DONTWAIT,
					  (struct sockaddr *)&from, &from_size);

		if (length < 0)
			break;
		tell(&from, (size_t)length);
	}
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &lost, &size))
		return -1;
	printf("end %u\n", lost.tp_drops);
	return fflush(stdout);
}

int main(int argc, char **argv)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL)), room = ROOM;
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	char line[16];

	at.sll_ifindex = argc == 2 ? (int)if_nametoindex(argv[1]) : 0;
	if (fd < 0 || !at.sll_ifindex ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at))) {
		perror("reset-capture");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		if (tell_all(fd))
			return 1;
	return 0;
}
