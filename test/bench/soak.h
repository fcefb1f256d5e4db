/* SPDX-License-Identifier: Apache-2.0 */
/* What the loads of the soak share. A call that fails ends the program. */
#ifndef SOAK_H
#define SOAK_H

#include <netinet/in.h>
#include <sys/types.h>

#define MESSAGE	   128
#define FIRST_PORT 1024
#define LAST_PORT  32000

/* What a load did. */
struct truth {
	long established, failed, bytes, sampled, processes;
};

/* A request of every `every`-th connection is sampled; 0: none. `env`: bytes of each process's own, 0: no process. */
struct plan {
	long every, destinations, env;
};

_Noreturn void fail(const char *what);
pid_t start_process(void); /* 0 in the new process, which ends with this one */
int new_socket(int flags);
/* On a free port of every address, which it writes down as 127.0.0.1's. */
int start_listener(struct sockaddr_in *address, int backlog);

/* soak-pairs.c: clients that ask and servers that answer. */
struct truth run_pairs(long connections, long pairs, const struct plan *plan);
int plain_request(char *request); /* bytes of it */
void request_once(struct sockaddr_in address, const char *request, int length);

/* soak-floods.c: attempts that come to nothing. */
struct truth try_ports(long count);
struct truth overflow(long count);

#endif
