/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table that all processes of tcp-truth share (an anonymous file mapped by
 * each): what every connection is to do, and what each end saw of it by its own
 * clock (CLOCK_MONOTONIC, nanoseconds).
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TABLE_FD	3 /* the shared table, in every process */
#define WORKER_FD	4 /* the worker's end of the socket pair it gets connections by */
#define MAX_CONNECTIONS 256
#define MAX_LISTENERS	300
#define NAME_LEN	24
#define ADDRESS_LEN	48

enum family { FAMILY_V4, FAMILY_V6, FAMILY_MAPPED, FAMILIES };

enum kind {
	CLIENT_CLOSES,
	SERVER_CLOSES,
	HALF_CLOSED,
	LINGER_SERVER,
	LINGER_CLIENT,
	RESET_UNREAD,  /* the client had bytes to read when the reset came */
	SERVER_UNREAD, /* the server closes with bytes that it did not read */
	CLIENT_EXITS,
	CLIENT_KILLED,
	SERVER_EXITS,
	SERVER_KILLED,
	NEVER_ACCEPTED,
	FORKED, /* accepted in the parent, served and closed in a child */
	PASSED, /* accepted by the server, served and closed by another program */
	USER_TIMEOUT,
	/* Kinds below never get established. */
	REFUSED,
	TIMED_OUT,
	CANCELLED,
	KINDS
};

/* An interval that holds an instant nobody can stamp exactly. */
struct bounds {
	uint64_t after_ns;
	uint64_t before_ns;
};

struct end {
	pid_t pid; /* the last user */
	char executable[NAME_LEN];
	char local[ADDRESS_LEN];
	char peer[ADDRESS_LEN];
	uint16_t local_port;
	uint16_t peer_port;
	uint64_t sent; /* payload bytes that the peer acknowledged */
	uint64_t received;
	uint64_t held_sent; /* of these, before the pause of hold mode */
	uint64_t held_received;
	uint32_t retransmits;
	struct bounds close; /* this end's own close() or exit */
};

struct connection {
	enum kind kind;
	enum family family;
	_Atomic uint32_t stage;
	uint16_t port; /* of the server */
	pid_t opener;  /* process that the handshake counts for, on the server */
	int error;     /* of connect(); 0: established */
	struct bounds connect;
	struct bounds accept;
	struct end client;
	struct end server;
	uint64_t settled_ns; /* by then both ends were closed */
};

struct listener {
	pid_t pid;
	char address[ADDRESS_LEN];
	uint16_t port;
	enum family family;
	int backlog;
	struct bounds start;
	struct bounds stop;
};

enum phase { PHASE_OPEN, PHASE_FINISH };

struct table {
	bool hold; /* open all, wait for a line on standard input, finish all */
	uint32_t count;
	uint32_t listener_count;
	_Atomic uint32_t phase;
	_Atomic uint32_t opened;
	_Atomic uint32_t failed; /* a process gave up: the others end too */
	struct connection connections[MAX_CONNECTIONS];
	struct listener listeners[MAX_LISTENERS];
};

struct sockaddr_storage;
extern struct table *table;

/* truth-io.c */
uint64_t now_ns(void);
void sleep_ms(int ms);
_Noreturn void fail(const char *what);
void wait_stage(struct connection *c, uint32_t stage);
void set_stage(struct connection *c, uint32_t stage);
pid_t fork_child(void);			  /* dies with its parent */
void close_all(int *fds, uint32_t count); /* copies that a forked child must not keep */
void write_all(int fd, uint64_t bytes);
uint64_t read_some(int fd, uint64_t bytes); /* 0 at the end of the stream */
void read_exactly(int fd, uint64_t bytes);
void wait_acknowledged(int fd);
int read_error(int fd); /* errno that a read ends with, 0 for the end of the stream */
void set_linger_zero(int fd);
void drop_all(int fd);
void drop_none(int fd);
void format_address(const struct sockaddr_storage *from, char *address, uint16_t *port);
void note_endpoints(int fd, struct end *end);
void note_retransmits(int fd, struct end *end);
void close_timed(int fd, struct end *end);
void send_fd(int channel, int fd, uint32_t index);
int receive_fd(int channel, uint32_t *index);

/* truth-listener.c */
int bind_any(enum family family, uint16_t *port);
int start_listener(int fd, enum family family, int backlog);
void stop_listener(int fd, uint16_t port);

/* truth-client.c, truth-server.c: the two sides of every connection. */
void run_client(void);
void run_server(const char *worker_path);
void run_worker(void);

/* Bytes of the first exchange of connection `index`, all different. */
static inline uint64_t request_bytes(const struct connection *c)
{
	return 101 + 17 * (uint64_t)(c - table->connections);
}

static inline uint64_t response_bytes(const struct connection *c)
{
	return 211 + 31 * (uint64_t)(c - table->connections);
}

static inline uint64_t tail_bytes(const struct connection *c)
{
	return 53 + 7 * (uint64_t)(c - table->connections);
}

static inline bool is_established(enum kind kind)
{
	return kind < REFUSED;
}

#endif
