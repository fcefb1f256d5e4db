// SPDX-License-Identifier: Apache-2.0
/*
 * Readers that sleep until there is data, over a connection on 127.0.0.1, whose writer waits until
 * they do.
 *
 *   late-reader read COUNT    one thread reads COUNT messages
 *   late-reader epoll COUNT   the same, in epoll_wait()
 *   late-reader awake COUNT   COUNT messages come while it looks for them and never sleeps
 *   late-reader crowd COUNT   COUNT threads poll one socket, to which one message comes
 *   late-reader hog MS        another process has the reader's CPU when the message comes, so long
 *
 * Prints what was, as JSON; times are CLOCK_MONOTONIC, nanoseconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 512
/* The reader's is below the hog's and above the keeper's, and all are above what others have. */
#define HOG_PRIORITY	50
#define READER_PRIORITY 10
#define KEEPER_PRIORITY 5

struct reader {
	pthread_t thread;
	pid_t tid;
	long messages;
	long sleeps;		/* while it read */
	long before;		/* the sleeps before that */
	volatile int ready;	/* `before` is written */
	unsigned long long ran; /* when it had the last message */
};

/* Shared with the hog. */
struct hog {
	volatile int is_told, is_spinning;
	unsigned long long until;
};

static const char *mode;
static int writer, socket_read;
static struct reader readers[MOST];

static void check(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

static void open_pair(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	check(bind(listener, (struct sockaddr *)&at, sizeof(at)), "bind");
	check(listen(listener, 1), "listen");
	check(getsockname(listener, (struct sockaddr *)&at, &length), "getsockname");
	writer = socket(AF_INET, SOCK_STREAM, 0);
	check(connect(writer, (struct sockaddr *)&at, sizeof(at)), "connect");
	check(socket_read = accept(listener, 0, 0), "accept");
	check(setsockopt(writer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), "nodelay");
	close(listener);
}

static long sleeps_so_far(void)
{
	struct rusage usage;

	check(getrusage(RUSAGE_THREAD, &usage), "getrusage");
	return usage.ru_nvcsw;
}

/* Waits until the thread has slept so often: then it sleeps, until it is woken. */
static void wait_for_sleep(const struct reader *reader, long sleeps)
{
	char path[64], line[128];
	long seen = -1;
	FILE *file;

	while (!reader->ready)
		usleep(100);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", reader->tid);
	while (seen < reader->before + sleeps) {
		usleep(100);
		check((file = fopen(path, "r")) ? 0 : -1, path);
		while (fgets(line, sizeof(line), file))
			sscanf(line, "voluntary_ctxt_switches: %ld", &seen);
		fclose(file);
	}
}

static void take_message(int epoll)
{
	struct pollfd poller = {.fd = socket_read, .events = POLLIN};
	struct epoll_event event;
	char byte;

	if (!strcmp(mode, "crowd")) {
		check(poll(&poller, 1, -1), "poll");
		return;
	}
	if (!strcmp(mode, "epoll"))
		check(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
	while (recv(socket_read, &byte, 1, strcmp(mode, "awake") ? 0 : MSG_DONTWAIT) != 1)
		;
}

static void *read_all(void *argument)
{
	struct reader *reader = argument;
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(0);

	check(epoll_ctl(epoll, EPOLL_CTL_ADD, socket_read, &event), "epoll_ctl");
	reader->tid = gettid();
	reader->before = sleeps_so_far();
	__sync_synchronize();
	reader->ready = 1;
	for (long i = 0; i < reader->messages; i++)
		take_message(epoll);
	reader->ran = now();
	reader->sleeps = sleeps_so_far() - reader->before;
	return 0;
}

static void have_priority(int cpu, int priority)
{
	struct sched_param param = {.sched_priority = priority};
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	check(sched_setaffinity(0, sizeof(cpus), &cpus), "sched_setaffinity");
	if (priority)
		check(sched_setscheduler(0, SCHED_FIFO, &param), "sched_setscheduler");
}

/* On CPU 1. */
static void *read_there(void *argument)
{
	have_priority(1, READER_PRIORITY);
	return read_all(argument);
}

static void start(struct reader *reader, long messages, void *(*body)(void *))
{
	reader->messages = messages;
	check(-pthread_create(&reader->thread, 0, body, reader), "pthread_create");
}

/*
 * Has the readers' CPU while they sleep, and the writer keeps its own while it writes: what else has
 * one may be hidden from programs by the kernel, and so is then what it is interrupted for.
 */
static pid_t start_keeper(void)
{
	pid_t pid = fork();

	check(pid, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		have_priority(1, KEEPER_PRIORITY);
		for (;;)
			;
	}
	have_priority(0, READER_PRIORITY);
	return pid;
}

static void end_keeper(pid_t pid)
{
	check(kill(pid, SIGKILL), "kill");
	check(waitpid(pid, 0, 0), "waitpid");
}

static void be_hog(struct hog *hog, unsigned long long ns)
{
	prctl(PR_SET_NAME, "cpu-hog");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	have_priority(1, HOG_PRIORITY);
	while (!hog->is_told)
		usleep(100);
	hog->until = now() + ns;
	hog->is_spinning = 1;
	while (now() < hog->until)
		;
	_exit(0);
}

static void run_hog(long ms)
{
	struct hog *hog = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long long before, after;
	pid_t pid = fork();

	check(pid, "fork");
	if (!pid)
		be_hog(hog, (unsigned long long)ms * 1000000);
	start(readers, 1, read_there);
	wait_for_sleep(readers, 1);
	have_priority(0, 0);
	hog->is_told = 1;
	while (!hog->is_spinning)
		usleep(100);
	before = now();
	check(write(writer, "x", 1), "write");
	after = now();
	pthread_join(readers[0].thread, 0);
	check(waitpid(pid, 0, 0), "waitpid");
	printf("{\"pid\":%d,\"thread\":%d,\"hog\":%d,\"before\":%llu,\"after\":%llu,\"until\":%llu,"
	       "\"ran\":%llu,\"sleeps\":%ld}\n",
	       getpid(), readers[0].tid, pid, before, after, hog->until, readers[0].ran,
	       readers[0].sleeps);
}

static void run_crowd(long count)
{
	unsigned long long before, after;
	pid_t keeper = start_keeper();
	long sleeps = 0;

	for (long i = 0; i < count; i++)
		start(&readers[i], 1, read_there);
	for (long i = 0; i < count; i++)
		wait_for_sleep(&readers[i], 1);
	before = now();
	check(write(writer, "x", 1), "write");
	after = now();
	for (long i = 0; i < count; i++) {
		pthread_join(readers[i].thread, 0);
		sleeps += readers[i].sleeps;
	}
	end_keeper(keeper);
	printf("{\"pid\":%d,\"before\":%llu,\"after\":%llu,\"sleeps\":%ld}\n", getpid(), before,
	       after, sleeps);
}

static void run_one(long count)
{
	int is_awake = !strcmp(mode, "awake");
	pid_t keeper = start_keeper();

	start(readers, count, read_there);
	for (long i = 0; i < count; i++) {
		if (is_awake)
			usleep(1000);
		else
			wait_for_sleep(readers, i + 1);
		check(write(writer, "x", 1), "write");
	}
	pthread_join(readers[0].thread, 0);
	end_keeper(keeper);
	printf("{\"pid\":%d,\"thread\":%d,\"sleeps\":%ld}\n", getpid(), readers[0].tid,
	       readers[0].sleeps);
}

int main(int argc, char **argv)
{
	long count = argc == 3 ? atol(argv[2]) : 0;

	mode = argc == 3 ? argv[1] : "";
	if (count < 1 || (!strcmp(mode, "crowd") && count > MOST))
		return 2;
	open_pair();
	if (!strcmp(mode, "hog"))
		run_hog(count);
	else if (!strcmp(mode, "crowd"))
		run_crowd(count);
	else
		run_one(count);
	return 0;
}
