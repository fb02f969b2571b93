/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Counts what the start of a program takes where seconds cannot be relied on: the system calls of
 *it and of all its children, and with -i the instructions in user space, one step at a time.
 *Counting begins with the program's own execve and ends, for each process, with the next one: the
 *payload's work is not counted, a monitor's is.
 *
 *	count [-i] [-v] COMMAND...    writes "calls N" (with -v each call's number, too), with -i
 *	                              "instructions N"
 *	count -f                      writes what else the figures depend on: architecture,
 *compiler, libc and how the tree is linked
 *
 * The command runs in "/" with a fixed environment. Exit status: 0; 1 when the command fails; 77
 *when it cannot be traced.
 */
#include <errno.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* for tools that compile this by itself */
#ifndef BENCH_LINK
#define BENCH_LINK ""
#endif

enum { MAX_CALLS = 1024, MAX_PIDS = 64 };

struct count {
	bool stepping;
	bool begun; /* the command's own execve is done */
	pid_t first;
	int status;
	unsigned long instructions;
	unsigned long calls;
	unsigned long by_number[MAX_CALLS];
	pid_t known[MAX_PIDS]; /* those whose first stop has been seen */
	size_t n_known;
};

static const char *const compiler =
#if defined(__SANITIZE_ADDRESS__)
	"sanitized"
#elif !defined(__OPTIMIZE__)
	"unoptimized"
#elif defined(__clang__)
	"clang"
#else
	"gcc"
#endif
	;

static const char *const architecture =
#if defined(__x86_64__)
	"x86_64"
#elif defined(__aarch64__)
	"aarch64"
#else
	"other"
#endif
	;

static int print_fingerprint(void)
{
	printf("%s %s glibc-%s %s\n", architecture, compiler, gnu_get_libc_version(), BENCH_LINK);
	return 0;
}

/* A step is two changes between the tracer and the traced: many times slower between two
 * processors. */
static void stay_here(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
}

static void begin_command(char **argv)
{
	static char *const env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"HOME=/",
		                     (char *)"LANG=C", (char *)"TERM=dumb", NULL };

	if (chdir("/") < 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(77);
	raise(SIGSTOP);
	execve(argv[0], argv, env);
	fprintf(stderr, "count: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void go_on(const struct count *count, pid_t pid, int sig)
{
	unsigned long request = !count->begun     ? PTRACE_CONT
	                        : count->stepping ? PTRACE_SINGLESTEP
	                                          : PTRACE_SYSCALL;

	/* gone already is as good */
	(void)ptrace((enum __ptrace_request)request, pid, NULL, (void *)(long)sig);
}

static bool is_new(struct count *count, pid_t pid)
{
	for (size_t i = 0; i < count->n_known; i++)
		if (count->known[i] == pid)
			return false;
	if (count->n_known < MAX_PIDS)
		count->known[count->n_known++] = pid;
	return true;
}

static void note_call(struct count *count, pid_t pid)
{
	struct __ptrace_syscall_info info = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	count->calls++;
	if (info.entry.nr < MAX_CALLS)
		count->by_number[info.entry.nr]++;
}

static void take_stop(struct count *count, pid_t pid, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;
	bool fresh = is_new(count, pid);

	if (event == PTRACE_EVENT_EXEC && count->begun) {
		(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
		return;
	}
	if (event == PTRACE_EVENT_EXEC)
		count->begun = true;
	if (event || (fresh && sig == SIGSTOP)) {
		go_on(count, pid, 0);
	} else if (sig == (SIGTRAP | 0x80)) {
		note_call(count, pid);
		go_on(count, pid, 0);
	} else if (sig == SIGTRAP) {
		count->instructions += count->stepping && count->begun;
		go_on(count, pid, 0);
	} else {
		go_on(count, pid, sig);
	}
}

static int trace(struct count *count)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
	                     PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int status;
	pid_t pid = waitpid(count->first, &status, 0);

	if (pid < 0 || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options) < 0)
		return -EPERM;
	(void)is_new(count, pid);
	go_on(count, pid, 0);
	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status))
			take_stop(count, pid, status);
		else if (pid == count->first)
			count->status = status;
	}
	return count->begun ? 0 : -EPERM;
}

static void print_calls(const struct count *count)
{
	for (int i = 0; i < MAX_CALLS; i++) {
		char *name;

		if (!count->by_number[i])
			continue;
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
		printf("call %s %lu\n", name ? name : "?", count->by_number[i]);
		free(name);
	}
}

int main(int argc, char **argv)
{
	struct count count = { 0 };
	bool verbose = false;
	int c;

	while ((c = getopt(argc, argv, "+ivf")) >= 0) {
		if (c == 'f')
			return print_fingerprint();
		if (c == '?')
			return 125;
		count.stepping |= c == 'i';
		verbose |= c == 'v';
	}
	if (!argv[optind]) {
		fprintf(stderr, "usage: count [-i] [-v] COMMAND...\n");
		return 125;
	}
	stay_here();
	count.first = fork();
	if (count.first == 0)
		begin_command(argv + optind);
	if (count.first < 0 || trace(&count) < 0) {
		fprintf(stderr, "count: the command cannot be traced\n");
		return 77;
	}
	if (count.stepping)
		printf("instructions %lu\n", count.instructions);
	else
		printf("calls %lu\n", count.calls);
	if (verbose)
		print_calls(&count);
	return count.status == 0 ? 0 : 1;
}
