/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of tcp-script by what they are about. Negative: errno says why. */
#ifndef TCP_SCRIPT_H
#define TCP_SCRIPT_H

#include <stddef.h>

/* Words of a line, its command included. */
#define WORDS 240

/* script-open.c */
long do_listen(const char *name, int *s, int backlog, int port);
long do_socket(int family, int *s, int mss);
long do_connect(int s, int port);
long do_connect_to(int s, const char *address, int port);
long do_request(int s, int port, char **hex, int count);
long do_fast(int s, int port, char *hex, int flags);
long do_fast_connect(int s, int port);
long do_reconnect(int s, int port);
long do_bind(int s, int port);
long do_try_connect(int s, int port);

/* script-data.c. Hexadecimal is decoded in place. */
size_t decode_hex(char *text);
long do_write(int s, char **hex, int count);
long do_fill(int s, size_t count);
long do_sendfile(int s, char *hex);
long do_stream(int from, int to, size_t count);
long do_read(int s, size_t count);
long do_drain(int s);
long do_peek(int s, size_t count);
long do_unacked(int s);

/* script-process.c */
void serve_commands(void);
long do_busy(int ms, char **word, int words);
long do_front(void);
long do_daemon(void);
long do_thread(void);
long do_holder(void);
long do_end(int pid);
long do_exec(char *program, const char *service, const int *sockets, size_t count);
void restore_sockets(char **moved, int *sockets);
long do_box(int *s, int number);
long do_give(int s, int number);
long do_take(int *s, int box);

/* script-context.c */
long do_publisher(const char *library, const char *schema);
long do_context(char *record);
long do_tear(int on);
long do_beside(char **word, int words);

/* tcp-script.c */
long run_command(char **word, int words);

/* script-options.c */
long do_info(int s, const char *figure);
long do_next(int s, int sent);
long do_restore(int *s, int repeated);
long do_deaf(int s);
long do_keepalive(int s);
long do_option(int s, const char *name, int value);
long do_buffers(int s, int send_bytes, int receive_bytes);

#endif
