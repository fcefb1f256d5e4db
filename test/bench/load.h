/* SPDX-License-Identifier: Apache-2.0 */
/* What the loads share. A call that fails ends the program. */
#ifndef LOAD_H
#define LOAD_H

#include <netinet/in.h>
#include <sys/types.h>

_Noreturn void fail(const char *what);
double now_s(void); /* monotonic */
void pause_ms(long ms);
/* On a free port of every address, which it writes down as 127.0.0.1's. */
int start_listener(struct sockaddr_in *address, int backlog, int segment_size);
pid_t start_process(void); /* 0 in the new process, which ends with this one */

int connect_to(const struct sockaddr_in *address);
void receive(int fd, char *data, size_t size); /* all of it */
void finish(pid_t server);		       /* waits until it has ended, with status 0 */

/* requests.c: HTTP/1.1 requests on one connection. */
void requests(long count);
void sampled_requests(long count);

/* hold.c: connections that stay until standard input ends; so many of a process to one address. */
void hold(long count, long per_destination);

#endif
