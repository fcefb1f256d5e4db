// SPDX-License-Identifier: Apache-2.0
/*
 * A program that does to its environment what servers do. Its input is commands, one a line; it answers each with a line.
 *
 *   wipe          overwrites the environment, as setproctitle does
 *   fork          starts a worker that only waits: its pid
 *   crowd COUNT   starts so many
 *   exec VAR...   becomes this program anew, with these variables
 *   thread VAR... the same, by another thread
 *   leave-main    the first thread ends, another one goes on
 *   become        becomes a program that waits, in a worker: its pid
 *   end           ends the workers
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_VARIABLES 64

extern char **environ;
static char line[1 << 20];
static char *variables[MAX_VARIABLES + 1];

static void wipe(void)
{
	char *start = environ[0], *end = start;

	for (char **each = environ; *each; each++)
		end = *each + strlen(*each) + 1;
	if (start)
		memset(start, 0, end - start);
	puts("wiped");
}

static pid_t start_worker(void)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (;;)
		pause();
}

static void *become(void *unused)
{
	(void)unused;
	execve("/proc/thread-self/exe", (char *[]){"exec-names", NULL}, variables);
	perror("exec-names: execve");
	exit(1);
}

static void become_waiting(void)
{
	pid_t pid = fork();

	if (!pid) {
		/* It is not to outlive a test that failed. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execve("/bin/sleep", (char *[]){"sleep", "1000", NULL}, variables);
		_exit(1);
	}
	printf("%d\n", pid);
}

static void take_variables(char *rest)
{
	int count = 0;

	for (char *word = strtok(rest, " "); word && count < MAX_VARIABLES;
	     word = strtok(NULL, " "))
		variables[count++] = word;
	variables[count] = NULL;
}

static void crowd(int count)
{
	for (int i = 0; i < count; i++)
		if (start_worker() < 0)
			perror("exec-names: fork");
	puts("started");
}

static void end_workers(void)
{
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	signal(SIGTERM, SIG_DFL);
	puts("ended");
}

static void *serve(void *unused);

static void carry_out(char *command)
{
	char *rest = strchr(command, ' ');
	pthread_t thread;

	if (rest)
		*rest++ = 0;
	take_variables(rest ? rest : "");
	if (!strcmp(command, "wipe"))
		wipe();
	else if (!strcmp(command, "fork"))
		printf("%d\n", start_worker());
	else if (!strcmp(command, "crowd"))
		crowd(atoi(variables[0]));
	else if (!strcmp(command, "become"))
		become_waiting();
	else if (!strcmp(command, "end"))
		end_workers();
	else if (!strcmp(command, "exec"))
		become(NULL);
	else if (!strcmp(command, "thread")) {
		pthread_create(&thread, NULL, become, NULL);
		pthread_exit(NULL);
	} else if (!strcmp(command, "leave-main")) {
		pthread_create(&thread, NULL, serve, NULL);
		pthread_exit(NULL);
	} else
		puts("unknown");
}

static void *serve(void *unused)
{
	(void)unused;
	puts("ready");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		carry_out(line);
	}
	exit(0);
}

int main(void)
{
	setvbuf(stdin, NULL, _IONBF, 0); /* what is not read yet is for the next program */
	setvbuf(stdout, NULL, _IOLBF, 0);
	setpgid(0, 0);
	serve(NULL);
}
