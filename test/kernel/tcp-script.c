// SPDX-License-Identifier: Apache-2.0
/*
 * Does with TCP sockets exactly what it is told, one command a line on standard
 * input, one answer a line: `ok NUMBER` or `error ERRNO`. Sockets have numbers of
 * the caller's choice; payload is hexadecimal, or `-` when there is none.
 *
 *   listen S BACKLOG PORT     on 127.0.0.1
 *   listen6 S BACKLOG PORT    on ::1
 *   listen-any S BACKLOG PORT on 0.0.0.0
 *   listen-any6 S BACKLOG PORT on ::, IPv4 as well
 *   listen-mptcp S BACKLOG PORT, socket-mptcp S    of Multipath TCP
 *   socket S [MSS]            makes a client socket of 127.0.0.1 (for connect)
 *   socket6 S [MSS]
 *   connect S PORT            local port
 *   fast-connect S PORT       the first write sends the SYN (TCP_FASTOPEN_CONNECT)
 *   connect-to S ADDRESS PORT local port
 *   request S PORT HEX...     connect and write each, without sleeping in between; local port
 *   fast S PORT HEX           connect and write in one step, with Fast Open where the kernel lets it; local port
 *   try-fast S PORT HEX       the same, never waits
 *   reconnect S PORT          connect(AF_UNSPEC) first: the same socket once more
 *   bind S PORT               with SO_REUSEADDR
 *   accept S LISTENER
 *   write S HEX...            bytes taken; several: one writev()
 *   try S HEX                 the same, never waits
 *   busy S MS COMMAND ...     COMMAND S ..., and lets no other task on its CPU for MS milliseconds from then on
 *   fill S COUNT              writes COUNT bytes 'x'
 *   sendfile S HEX            from a file in memory
 *   stream S PEER COUNT       COUNT zeros from S, which PEER throws away; may be more than 4 GiB
 *   read S COUNT              reads exactly COUNT bytes
 *   drain S                   reads to the end; bytes
 *   peek S COUNT              waits for COUNT bytes and leaves them there
 *   unacked S                 bytes that the peer has not acknowledged (SIOCOUTQ)
 *   next S SENT               sequence number of the next byte to send (SENT 1) or to receive (0)
 *   restore S REPEATED        another socket has the rest of its stream (TCP_REPAIR), and sends so many bytes again
 *   defer S SECONDS           TCP_DEFER_ACCEPT
 *   delay-acks S              as a client that answers each message (TCP_QUICKACK 0)
 *   deaf S                    a socket filter that takes nothing
 *   try-connect S PORT        does not wait for an answer; local port
 *   info S STAT             of getsockopt(TCP_INFO), e.g. rto: in its unit there
 *   buffers S SEND RECEIVE
 *   nodelay S
 *   user-timeout S MS
 *   keepalive S               probes after a second, gives up after another
 *   recverr S                 errors of ICMP are told at once (IP_RECVERR)
 *   shut S                    shutdown() both ways
 *   option S NAME NUMBER      setsockopt(), e.g. defer-accept
 *   announce S LEVEL NAME HEX setsockopt() with these bytes
 *   publisher - LIBRARY SCHEMA threads publish by this library (`-`: the program), said by a process context
 *   context - HEX           what this thread publishes: 28 bytes, `-`, or `gone`: memory that is no more
 *   tear - ON               another thread writes this one's record all the time, and no more
 *   beside - HEX COMMAND... another thread publishes that and runs the command
 *   close S | reset S | shutdown S
 *   sleep - MS              at least so long
 *   front -                 a child goes on, so that what goes on may end; its pid
 *   thread -                another thread goes on, and the first one ends; the process
 *   daemon -                the child goes on and this process ends; the child's pid
 *   holder -                a child that has all open; its pid
 *   end - PID               of a holder
 *   exec - PROGRAM SERVICE  becomes this program, with all sockets and OTEL_SERVICE_NAME
 *   box S NUMBER            where sockets can be handed to
 *   give S NUMBER | take S BOX
 */
#define _GNU_SOURCE
#include "tcp-script.h"

#include <netinet/in.h>
#include <errno.h>
#include <linux/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS 4096

static int sockets[SOCKETS];

static int *slot(const char *word)
{
	unsigned long index = strtoul(word, NULL, 10);

	if (index >= SOCKETS) {
		fprintf(stderr, "tcp-script: no socket %lu\n", index);
		exit(2);
	}
	return &sockets[index];
}

static long do_close(int *s, int reset)
{
	struct linger linger = {.l_onoff = 1};
	int fd = *s;

	*s = -1;
	if (reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	return close(fd);
}

#define IS(text) (!strcmp(name, text))
static long run_process(char **word, int words)
{
	const char *name = word[0];
	int *s = slot(word[1]), number = words > 2 ? atoi(word[2]) : 0;

	if (IS("busy")) {
		/* What lies before the command's name makes room for its socket. */
		word[2] = word[3];
		word[3] = word[1];
		return do_busy(number, word + 2, words - 2);
	}
	if (IS("front"))
		return do_front();
	if (IS("thread"))
		return do_thread();
	if (IS("daemon"))
		return do_daemon();
	if (IS("holder"))
		return do_holder();
	if (IS("end"))
		return do_end(number);
	if (IS("exec"))
		return do_exec(word[2], word[3], sockets, SOCKETS);
	if (IS("publisher"))
		return do_publisher(word[2], word[3]);
	if (IS("context"))
		return do_context(word[2]);
	if (IS("tear"))
		return do_tear(number);
	if (IS("beside"))
		return do_beside(word + 2, words - 2);
	if (IS("box"))
		return do_box(s, number);
	if (IS("give"))
		return do_give(*s, number);
	if (IS("take"))
		return do_take(s, *slot(word[2]));
	fprintf(stderr, "tcp-script: no command '%s'\n", name);
	exit(2);
}

long run_command(char **word, int words)
{
	const char *name = word[0];
	int *s = slot(word[1]), one = 1, zero = 0;
	int number = words > 2 ? atoi(word[2]) : 0;

	if (!strncmp(name, "listen", strlen("listen")))
		return do_listen(name, s, number, atoi(word[3]));
	if (IS("socket") || IS("socket6"))
		return do_socket(IS("socket") ? AF_INET : AF_INET6, s, number);
	if (IS("socket-mptcp"))
		return (*s = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP)) < 0 ? -1 : 0;
	if (IS("connect"))
		return do_connect(*s, number);
	if (IS("fast-connect"))
		return do_fast_connect(*s, number);
	if (IS("connect-to"))
		return do_connect_to(*s, word[2], atoi(word[3]));
	if (IS("request"))
		return do_request(*s, number, word + 3, words - 3);
	if (IS("fast") || IS("try-fast"))
		return do_fast(*s, number, word[3], IS("fast") ? 0 : MSG_DONTWAIT);
	if (IS("reconnect"))
		return do_reconnect(*s, number);
	if (IS("bind"))
		return do_bind(*s, number);
	if (IS("accept"))
		return (*s = accept(*slot(word[2]), NULL, NULL)) < 0 ? -1 : 0;
	if (IS("write"))
		return do_write(*s, word + 2, words - 2);
	if (IS("try"))
		return send(*s, word[2], decode_hex(word[2]), MSG_DONTWAIT);
	if (IS("fill"))
		return do_fill(*s, (size_t)number);
	if (IS("sendfile"))
		return do_sendfile(*s, word[2]);
	if (IS("stream"))
		return do_stream(*s, *slot(word[2]), strtoul(word[3], NULL, 10));
	if (IS("read"))
		return do_read(*s, (size_t)number);
	if (IS("drain"))
		return do_drain(*s);
	if (IS("peek"))
		return do_peek(*s, (size_t)number);
	if (IS("unacked"))
		return do_unacked(*s);
	if (IS("info"))
		return do_info(*s, word[2]);
	if (IS("next"))
		return do_next(*s, number);
	if (IS("restore"))
		return do_restore(s, number);
	if (IS("deaf"))
		return do_deaf(*s);
	if (IS("try-connect"))
		return do_try_connect(*s, number);
	if (IS("buffers"))
		return do_buffers(*s, number, atoi(word[3]));
	if (IS("defer"))
		return setsockopt(*s, IPPROTO_TCP, TCP_DEFER_ACCEPT, &number, sizeof(number));
	if (IS("delay-acks"))
		return setsockopt(*s, IPPROTO_TCP, TCP_QUICKACK, &zero, sizeof(zero));
	if (IS("nodelay"))
		return setsockopt(*s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (IS("user-timeout"))
		return setsockopt(*s, IPPROTO_TCP, TCP_USER_TIMEOUT, &number, sizeof(number));
	if (IS("keepalive"))
		return do_keepalive(*s);
	if (IS("recverr"))
		return setsockopt(*s, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	if (IS("shut"))
		return shutdown(*s, SHUT_RDWR);
	if (IS("option"))
		return do_option(*s, word[2], atoi(word[3]));
	if (IS("announce"))
		return setsockopt(*s, number, atoi(word[3]), word[4], decode_hex(word[4]));
	if (IS("shutdown"))
		return shutdown(*s, SHUT_WR);
	if (IS("sleep"))
		return usleep((useconds_t)number * 1000);
	if (IS("close") || IS("reset"))
		return do_close(s, IS("reset"));
	return run_process(word, words);
}

void serve_commands(void)
{
	char *line = NULL, *word[WORDS + 1], *rest;
	size_t room = 0;

	while (getline(&line, &room, stdin) > 0) {
		int words = 0;
		long result;

		rest = line;
		while (words < WORDS && (word[words] = strsep(&rest, " \n")) && *word[words])
			words++;
		word[words] = NULL;
		result = run_command(word, words);
		if (result < 0)
			printf("error %d\n", errno);
		else
			printf("ok %ld\n", result);
		fflush(stdout);
	}
	free(line);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1) {
		restore_sockets(argv + 1, sockets);
		printf("ok %d\n", getpid());
		fflush(stdout);
	}
	serve_commands();
	return 0;
}
