// SPDX-License-Identifier: Apache-2.0
/*
 * Raw sockets whose protocol is TCP, connected to 127.0.0.1, with a filter that takes nothing.
 *
 *   raw-socket COUNT
 *
 * Says "ready", and holds them until its input ends.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog filter = {.len = 1, .filter = &nothing};
	int count = argc > 1 ? atoi(argv[1]) : 0;
	char end;

	for (int i = 0; i < count; i++) {
		int fd = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);

		if (fd < 0 ||
		    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ||
		    connect(fd, (struct sockaddr *)&at, sizeof(at))) {
			perror("raw-socket");
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	return 0;
}
