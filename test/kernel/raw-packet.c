// SPDX-License-Identifier: Apache-2.0
/*
 * Sends one IPv4 packet with a TCP header that is exactly as told, wrong ones
 * included, `count` times.
 *
 *   raw-packet NAME=VALUE...
 *     from=ADDRESS to=ADDRESS      127.0.0.1
 *     sport=N dport=N seq=N ack=N
 *     flags=N                      byte 13 of the TCP header: FIN 1 SYN 2 RST 4 PSH 8 ACK 16
 *     window=N                     65535
 *     payload=N                    bytes 'x'
 *     words=N                      length that the TCP header gives itself, in 32-bit words: 5
 *     bad=tcp | bad=ip             one wrong checksum
 *     count=N                      1
 *     step=N                       the next packet's source port is so much higher: 0
 *     mtu=N                        not this packet, but what says that it was too long (ICMP)
 *     dev=NAME                     as an Ethernet frame out of this device, to the address `mac`;
 *     mac=AA:BB:CC:DD:EE:FF        without: through the routing table
 */
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAYLOAD 1400

static struct {
	struct ether_header ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	char payload[PAYLOAD];
} __attribute__((packed)) frame;

static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
	size_t length = strlen(name);

	for (int i = 1; i < argc; i++)
		if (!strncmp(argv[i], name, length) && argv[i][length] == '=')
			return argv[i] + length + 1;
	return otherwise;
}

static uint32_t sum_of(const void *data, size_t bytes)
{
	const uint8_t *at = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < bytes; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	if (bytes & 1)
		sum += (uint32_t)(at[bytes - 1] << 8);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void fill(int argc, char **argv, size_t payload, uint16_t more)
{
#define NUMBER(name, otherwise) strtoul(option(argc, argv, name, otherwise), NULL, 10)
	const char *bad = option(argc, argv, "bad", "");
	size_t segment = sizeof(frame.tcp) + payload;

	frame.ip.version = 4;
	frame.ip.ihl = 5;
	frame.ip.tot_len = htons((uint16_t)(sizeof(frame.ip) + segment));
	frame.ip.ttl = 64;
	frame.ip.protocol = IPPROTO_TCP;
	inet_pton(AF_INET, option(argc, argv, "from", "127.0.0.1"), &frame.ip.saddr);
	inet_pton(AF_INET, option(argc, argv, "to", "127.0.0.1"), &frame.ip.daddr);
	frame.tcp.source = htons((uint16_t)(NUMBER("sport", "0") + more));
	frame.tcp.dest = htons((uint16_t)NUMBER("dport", "0"));
	frame.tcp.seq = htonl((uint32_t)NUMBER("seq", "0"));
	frame.tcp.ack_seq = htonl((uint32_t)NUMBER("ack", "0"));
	frame.tcp.doff = NUMBER("words", "5") & 15;
	((uint8_t *)&frame.tcp)[13] = (uint8_t)NUMBER("flags", "16");
	frame.tcp.window = htons((uint16_t)NUMBER("window", "65535"));
	memset(frame.payload, 'x', payload);
	frame.tcp.check = 0;
	frame.tcp.check = fold(sum_of(&frame.ip.saddr, 8) + IPPROTO_TCP + (uint32_t)segment +
			       sum_of(&frame.tcp, segment));
	frame.ip.check = 0;
	frame.ip.check = fold(sum_of(&frame.ip, sizeof(frame.ip)));
	if (!strcmp(bad, "tcp"))
		frame.tcp.check ^= htons(1);
	if (!strcmp(bad, "ip"))
		frame.ip.check ^= htons(1);
}

/* A router's answer to the packet of fill(), whose next link takes `mtu` bytes. */
static int send_too_long(uint16_t mtu)
{
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		uint8_t ports_and_sequence[8];
	} __attribute__((packed))
	answer = {.icmp = {.type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED}};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = frame.ip.saddr};
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	answer.icmp.un.frag.mtu = htons(mtu);
	answer.ip = frame.ip;
	memcpy(answer.ports_and_sequence, &frame.tcp, sizeof(answer.ports_and_sequence));
	answer.icmp.checksum = fold(sum_of(&answer, sizeof(answer)));
	if (sendto(fd, &answer, sizeof(answer), 0, (struct sockaddr *)&to, sizeof(to)) > 0)
		return 0;
	perror("raw-packet");
	return 1;
}

int main(int argc, char **argv)
{
	size_t payload = NUMBER("payload", "0"), length;
	unsigned long count = NUMBER("count", "1"), step = NUMBER("step", "0");
	const char *device = option(argc, argv, "dev", NULL);
	struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP)};
	struct sockaddr_in route = {.sin_family = AF_INET};
	unsigned int mac[6] = {0};
	int fd;

	if (payload > PAYLOAD)
		return 2;
	fill(argc, argv, payload, 0);
	if (NUMBER("mtu", "0"))
		return send_too_long((uint16_t)NUMBER("mtu", "0"));
	length = sizeof(frame.ip) + sizeof(frame.tcp) + payload;
	route.sin_addr.s_addr = frame.ip.daddr;
	if (device) {
		sscanf(option(argc, argv, "mac", ""), "%x:%x:%x:%x:%x:%x", mac, mac + 1, mac + 2,
		       mac + 3, mac + 4, mac + 5);
		for (int i = 0; i < 6; i++)
			frame.ethernet.ether_dhost[i] = (uint8_t)mac[i];
		frame.ethernet.ether_type = htons(ETH_P_IP);
		link.sll_ifindex = (int)if_nametoindex(device);
		fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IP));
	} else {
		fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	}
	for (unsigned long i = 0; i < count; i++) {
		fill(argc, argv, payload, (uint16_t)(i * step));
		ssize_t sent = device ? sendto(fd, &frame, sizeof(frame.ethernet) + length, 0,
					       (struct sockaddr *)&link, sizeof(link))
				      : sendto(fd, &frame.ip, length, 0, (struct sockaddr *)&route,
					       sizeof(route));
		if (sent < 0) {
			perror("raw-packet");
			return 1;
		}
	}
	return 0;
}
