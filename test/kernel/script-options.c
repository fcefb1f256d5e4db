// SPDX-License-Identifier: Apache-2.0
/* Figures and options of tcp-script's sockets. */
#include "tcp-script.h"

#include <linux/filter.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

long do_info(int s, const char *figure)
{
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);

	if (getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &length))
		return -1;
#define STAT(name)                  \
	if (!strcmp(figure, #name)) \
	return (long)info.tcpi_##name
	STAT(rto);
	STAT(rtt);
	STAT(rttvar);
	STAT(min_rtt);
	STAT(rwnd_limited);
	STAT(rcv_ooopack);
	STAT(rcv_rtt);
	STAT(segs_in);
	STAT(segs_out);
	STAT(total_retrans);
	fprintf(stderr, "tcp-script: no figure '%s'\n", figure);
	exit(2);
}

long do_next(int s, int sent)
{
	int queue = sent ? TCP_SEND_QUEUE : TCP_RECV_QUEUE, on = TCP_REPAIR_ON;
	int off = TCP_REPAIR_OFF_NO_WP;
	unsigned int seq = 0;
	socklen_t length = sizeof(seq);

	if (setsockopt(s, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) ||
	    setsockopt(s, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) ||
	    getsockopt(s, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, &length) ||
	    setsockopt(s, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)))
		return -1;
	return seq;
}

static int repair(int s, int how)
{
	return setsockopt(s, IPPROTO_TCP, TCP_REPAIR, &how, sizeof(how));
}

static int begin_queue(int s, int queue, unsigned int seq)
{
	return setsockopt(s, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) ||
	       setsockopt(s, IPPROTO_TCP, TCP_QUEUE_SEQ, &seq, sizeof(seq));
}

/* Its send queue has the last bytes of before, as if they had not been acknowledged then. */
static long send_again(int s, int count)
{
	int queue = TCP_SEND_QUEUE;
	char bytes[16] = {0};

	if (!count)
		return 0;
	if (setsockopt(s, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)))
		return -1;
	return send(s, bytes, (size_t)count, 0) == count ? 0 : -1;
}

long do_restore(int *s, int repeated)
{
	struct tcp_repair_opt options[] = {{.opt_code = 2, .opt_val = 1460}, {.opt_code = 3}};
	struct tcp_info info = {0};
	socklen_t length = sizeof(info);
	struct sockaddr_in local, peer;
	long sent = do_next(*s, 1), received = do_next(*s, 0);
	int old = *s;

	if (getsockopt(old, IPPROTO_TCP, TCP_INFO, &info, &length))
		return -1;
	options[1].opt_val = info.tcpi_snd_wscale | (unsigned int)info.tcpi_rcv_wscale << 16;
	length = sizeof(local);
	if (sent < 0 || received < 0 || getsockname(old, (struct sockaddr *)&local, &length) ||
	    getpeername(old, (struct sockaddr *)&peer, &length) || repair(old, TCP_REPAIR_ON) ||
	    close(old))
		return -1;
	*s = socket(AF_INET, SOCK_STREAM, 0);
	if (repair(*s, TCP_REPAIR_ON) ||
	    begin_queue(*s, TCP_SEND_QUEUE, (unsigned int)sent - (unsigned int)repeated) ||
	    begin_queue(*s, TCP_RECV_QUEUE, (unsigned int)received) ||
	    bind(*s, (struct sockaddr *)&local, sizeof(local)) ||
	    connect(*s, (struct sockaddr *)&peer, sizeof(peer)) ||
	    setsockopt(*s, IPPROTO_TCP, TCP_REPAIR_OPTIONS, options, sizeof(options)) ||
	    send_again(*s, repeated))
		return -1;
	return repair(*s, TCP_REPAIR_OFF);
}

long do_deaf(int s)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &nothing};

	return setsockopt(s, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

long do_keepalive(int s)
{
	int one = 1;

	if (setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)) ||
	    setsockopt(s, IPPROTO_TCP, TCP_KEEPIDLE, &one, sizeof(one)) ||
	    setsockopt(s, IPPROTO_TCP, TCP_KEEPINTVL, &one, sizeof(one)))
		return -1;
	return setsockopt(s, IPPROTO_TCP, TCP_KEEPCNT, &one, sizeof(one));
}

long do_option(int s, const char *name, int value)
{
	static const struct {
		const char *name;
		int level, option;
	} options[] = {
		{"defer-accept", IPPROTO_TCP, TCP_DEFER_ACCEPT},
		{"keepalive", SOL_SOCKET, SO_KEEPALIVE},
		{"keepidle", IPPROTO_TCP, TCP_KEEPIDLE},
		{"keepintvl", IPPROTO_TCP, TCP_KEEPINTVL},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (!strcmp(name, options[i].name))
			return setsockopt(s, options[i].level, options[i].option, &value,
					  sizeof(value));
	fprintf(stderr, "tcp-script: no option '%s'\n", name);
	exit(2);
}

long do_buffers(int s, int send_bytes, int receive_bytes)
{
	if (setsockopt(s, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes)))
		return -1;
	return setsockopt(s, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
}
