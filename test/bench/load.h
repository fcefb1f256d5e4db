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

/* hold.c: connections that stay until standard input ends. */
void hold(long count);

#endif
