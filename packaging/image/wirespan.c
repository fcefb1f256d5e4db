/*
 * The command of the container image, which has no shell: becomes Node with the options of
 * scripts/node-options.json, which packaging defines as NODE, MAIN, ARGUMENTS and ENVIRONMENT.
 * Capabilities that its file has are the process's alone at an exec; made ambient, they reach
 * Node, which then starts as it does for root: its own file has none.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What cannot be handed on is missing later: the agent says which, and what for. */
static void hand_on_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	uint64_t held;

	if (syscall(SYS_capget, &header, data) != 0)
		return;
	for (int half = 0; half < 2; half++)
		data[half].inheritable = data[half].effective = data[half].permitted;
	syscall(SYS_capset, &header, data);
	held = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	for (int cap = 0; cap < 64; cap++)
		if (held >> cap & 1)
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
}

int main(int argc, char **argv)
{
	static const char *const arguments[] = {NODE, ARGUMENTS, MAIN};
	static const char *const environment[][2] = {ENVIRONMENT};
	const size_t count = sizeof(arguments) / sizeof(arguments[0]);
	char **line = calloc(count + argc, sizeof(*line));

	if (line == NULL)
		return 1;
	memcpy(line, arguments, sizeof(arguments));
	for (int at = 1; at < argc; at++)
		line[count + at - 1] = argv[at];
	/* What the user has set stays, but for what the C library takes from files with capabilities. */
	for (size_t at = 0; at < sizeof(environment) / sizeof(environment[0]); at++)
		setenv(environment[at][0], environment[at][1], 0);
	hand_on_capabilities();
	execv(NODE, line);
	fprintf(stderr, "wirespan: %s cannot be run: %s\n", NODE, strerror(errno));
	return 126;
}
