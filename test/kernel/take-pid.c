// SPDX-License-Identifier: Apache-2.0
/*
 * Processes that take pids which others had (clone3(), set_tid).
 *
 *   take-pid PID...
 *
 * Says "ready" when all are there, and ends them when its input ends.
 */
#define _GNU_SOURCE
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int failed = 0;
	char end;

	for (int i = 1; i < argc && !failed; i++) {
		pid_t wanted = atoi(argv[i]);
		struct clone_args args = {
			.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
		long pid = syscall(SYS_clone3, &args, sizeof(args));

		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		if (pid < 0) {
			perror("take-pid: clone3");
			failed = 1;
		}
	}
	if (!failed) {
		puts("ready");
		fflush(stdout);
		while (read(STDIN_FILENO, &end, 1) > 0)
			;
	}
	for (int i = 1; i < argc; i++)
		kill(atoi(argv[i]), SIGKILL);
	while (wait(NULL) > 0)
		;
	return failed;
}
