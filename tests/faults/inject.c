/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a command line of sbx under ptrace(2) and either logs each system call that sbx makes, or
 * makes one of them fail. What the payload does after its exec is left alone.
 *
 * A call is named STAGE:NAME:N, the Nth of that name in that process. The stages are roles that a
 * process has at the time: launcher, then monitor after its first clone; setup, then pid1 after its
 * own; payload until the exec; netns, which the monitor stands still for. Numbers go on through
 * both roles of a process. Below a joined pid namespace there is one process more in between, and
 * those after it move on by one role.
 *
 * The log has one line an event: call STAGE NAME N FD, injected, crash SIGNAL, hang, left COUNT,
 * leftcgroup PATH, status WAITSTATUS.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "fake-cgroup.h"

enum { MAX_TASKS = 64, MAX_CALLS = 512, MAX_FILES = 16, GRACE_SECONDS = 5 };
enum { FAULT_SHORT = -1 };

struct task {
	pid_t pid;
	int index;    /* 0 is the launcher, 1 its first child, ... */
	bool begun;   /* past the dynamic loader */
	bool parent;  /* has made a process */
	bool program; /* runs the payload's program */
	bool helper;  /* runs one of ours, name */
	bool netns;   /* makes the network namespace beside the set-up */
	char name[16];
	bool made;     /* may have made a cgroup in the call that it is in */
	bool replaced; /* the result of the call that it is in is to be replaced */
	int argument;  /* one of its arguments was changed to this end, and is put back, or -1 */
	uint64_t value;
	unsigned int counts[MAX_CALLS];
};

struct fault {
	char stage[16];
	char name[32];
	unsigned int n;
	int num; /* errno, FAULT_SHORT, or 0: log every call */
};

struct file {
	int fd;
	const char *path;
	bool writable;
};

struct tracer {
	struct task tasks[MAX_TASKS];
	size_t n_tasks;
	int n_indices;
	struct fault fault;
	struct file files[MAX_FILES];
	size_t n_files;
	const char *argv0;
	const char *cgroup; /* a made-up tree, or NULL */
	unsigned int limit;
	pid_t launcher;
	FILE *log;
};

static const char *stage_of(const struct task *task)
{
	if (task->helper)
		return task->name;
	if (task->netns)
		return "netns";
	if (task->index == 0)
		return task->parent ? "monitor" : "launcher";
	if (task->index == 1)
		return task->parent ? "pid1" : "setup";
	return task->parent ? "pid1" : "payload";
}

static struct task *find_task(struct tracer *tracer, pid_t pid)
{
	struct task *task;

	for (size_t i = 0; i < tracer->n_tasks; i++)
		if (tracer->tasks[i].pid == pid)
			return &tracer->tasks[i];
	if (tracer->n_tasks == MAX_TASKS)
		return NULL;
	task = &tracer->tasks[tracer->n_tasks++];
	*task = (struct task){ .pid = pid, .index = tracer->n_indices, .argument = -1 };
	task->begun = tracer->n_indices++ > 0;
	return task;
}

static void forget_task(struct tracer *tracer, pid_t pid)
{
	for (size_t i = 0; i < tracer->n_tasks; i++)
		if (tracer->tasks[i].pid == pid) {
			tracer->tasks[i] = tracer->tasks[--tracer->n_tasks];
			return;
		}
}

#if defined(__x86_64__)
typedef struct user_regs_struct regs_type;
#define REG_ARG(regs, i) (*((i) == 0 ? &(regs)->rdi : (i) == 1 ? &(regs)->rsi : &(regs)->rdx))
#define REG_RESULT(regs) ((regs)->rax)
#elif defined(__aarch64__)
typedef struct user_regs_struct regs_type;
#define REG_ARG(regs, i) ((regs)->regs[i])
#define REG_RESULT(regs) ((regs)->regs[0])
#endif

static void get_regs(pid_t pid, regs_type *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov);
}

static void set_regs(pid_t pid, regs_type *regs)
{
	struct iovec iov = { regs, sizeof(*regs) };

	ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov);
}

/* The kernel then runs no call at all, and leaves the result to us. */
static void skip_call(pid_t pid)
{
#if defined(__x86_64__)
	regs_type regs;

	get_regs(pid, &regs);
	regs.orig_rax = (unsigned long long)-1;
	set_regs(pid, &regs);
#elif defined(__aarch64__)
	int none = -1;
	struct iovec iov = { &none, sizeof(none) };

	ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov);
#endif
}

/* A system call keeps its arguments' registers, and the C library counts on it. */
static void set_argument(struct task *task, int i, uint64_t value)
{
	regs_type regs;

	get_regs(task->pid, &regs);
	task->argument = i;
	task->value = REG_ARG(&regs, i);
	REG_ARG(&regs, i) = value;
	set_regs(task->pid, &regs);
}

static void put_back_argument(struct task *task)
{
	regs_type regs;

	get_regs(task->pid, &regs);
	REG_ARG(&regs, task->argument) = task->value;
	task->argument = -1;
	set_regs(task->pid, &regs);
}

/* Calls of which the manual says that they always succeed, or that do not come back; and those with
 * which the C library begins a thread, which it cannot do without. */
static bool cannot_fail(uint64_t nr)
{
	static const int numbers[] = { SYS_getuid,         SYS_geteuid,      SYS_getgid,
		                       SYS_getegid,        SYS_getppid,      SYS_getpid,
		                       SYS_gettid,         SYS_umask,        SYS_exit,
		                       SYS_exit_group,     SYS_rt_sigreturn, SYS_rseq,
		                       SYS_set_robust_list };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (nr == (uint64_t)numbers[i])
			return true;
	return false;
}

static bool is_socket(pid_t pid, uint64_t fd)
{
	char path[64];
	char target[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, (int)fd);
	return readlink(path, target, sizeof(target) - 1) > 0 && strncmp(target, "socket:", 7) == 0;
}

/* A file or a pipe may take or give less than it was asked for; a packet is whole. */
static bool can_be_short(pid_t pid, const struct ptrace_syscall_info *info)
{
	return (info->entry.nr == SYS_read || info->entry.nr == SYS_write) &&
	       info->entry.args[2] > 1 && !is_socket(pid, info->entry.args[0]);
}

/* What the dynamic loader does before main(): its failures are told in its words, not in ours. */
static bool is_loading(uint64_t nr)
{
	static const int numbers[] = {
		SYS_openat,          SYS_read,      SYS_close,     SYS_mmap,
		SYS_mprotect,        SYS_munmap,    SYS_brk,       SYS_newfstatat,
		SYS_fstat,           SYS_pread64,   SYS_faccessat, SYS_set_tid_address,
		SYS_set_robust_list, SYS_prlimit64, SYS_getrandom, SYS_rseq,
		SYS_futex,           SYS_statfs,
#ifdef SYS_arch_prctl
		SYS_arch_prctl,      SYS_access,
#endif
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (nr == (uint64_t)numbers[i])
			return true;
	return false;
}

/* After an exec: a helper of ours is looked at from its own main() on, the payload no more. */
static void at_exec(struct task *task)
{
	char path[64];
	char exe[4096] = "";
	const char *name;

	snprintf(path, sizeof(path), "/proc/%d/exe", task->pid);
	if (task->index == 0 || readlink(path, exe, sizeof(exe) - 1) < 0)
		return;
	name = strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;
	task->helper = !strncmp(name, "sbx-", 4);
	task->program = !task->helper;
	task->begun = false;
	snprintf(task->name, sizeof(task->name), "%.15s", name);
}

/* What a helper starts is a part of it. */
static void at_clone(struct tracer *tracer, struct task *task, bool waits)
{
	unsigned long pid = 0;
	struct task *child;
	bool monitor = !strcmp(stage_of(task), "monitor");
	bool netns = waits && monitor;
	/* with a made-up tree */
	bool cleaner = tracer->cgroup && monitor && !waits;

	task->parent = true;
	if (!(task->helper || netns || cleaner) ||
	    ptrace(PTRACE_GETEVENTMSG, task->pid, 0, &pid) < 0)
		return;
	child = find_task(tracer, (pid_t)pid);
	if (!child)
		return;
	child->netns = netns;
	if (netns)
		return;
	child->helper = child->begun = true;
	snprintf(child->name, sizeof(child->name), "%s", cleaner ? "sbx-cleaner" : task->name);
}

static void inject(struct tracer *tracer, struct task *task, const struct ptrace_syscall_info *info)
{
	uint64_t nr = info->entry.nr;

	fprintf(tracer->log, "injected\n");
	if (tracer->fault.num == FAULT_SHORT) {
		set_argument(task, 2, (info->entry.args[2] + 1) / 2);
		return;
	}
	if (nr == SYS_brk) { /* says no by staying where it is */
		set_argument(task, 0, 0);
		return;
	}
	if (nr != SYS_close) /* which closes whatever it says */
		skip_call(task->pid);
	task->replaced = true;
}

/* The first thing that sbx does in main() is to look at descriptor 0. */
static bool has_begun(const struct task *task, const struct ptrace_syscall_info *info)
{
	if (task->begun)
		return true;
	if (task->helper)
		return !is_loading(info->entry.nr);
	return info->entry.nr == SYS_fcntl && info->entry.args[0] == 0;
}

static bool is_wanted(const struct fault *fault, const char *stage, const char *name)
{
	return !strcmp(name, fault->name) && !strcmp(stage, fault->stage);
}

/* Only the monitor makes some. */
static void watch_cgroup(const char *dir, struct task *task, const struct ptrace_syscall_info *info)
{
	const __u64 *args = info->entry.args;

	if (info->entry.nr == SYS_unlinkat && args[2] & AT_REMOVEDIR)
		fake_cgroup_before_rmdir(dir, task->pid, (int)args[0], args[1]);
	if (info->entry.nr == SYS_mkdirat && task->index == 0)
		task->made = true;
}

static void at_entry(struct tracer *tracer, struct task *task,
                     const struct ptrace_syscall_info *info)
{
	const struct fault *fault = &tracer->fault;
	uint64_t nr = info->entry.nr;
	const char *stage = stage_of(task);
	char *name;

	task->begun = has_begun(task, info);
	if (!task->begun || nr >= MAX_CALLS || cannot_fail(nr))
		return;
	if (tracer->cgroup)
		watch_cgroup(tracer->cgroup, task, info);
	task->counts[nr]++;
	if (fault->num && task->counts[nr] != fault->n)
		return;
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr);
	if (name && !fault->num)
		fprintf(tracer->log, "call %s %s %u %s\n", stage, name, task->counts[nr],
		        can_be_short(task->pid, info) ? "short" : "whole");
	else if (name && is_wanted(fault, stage, name))
		inject(tracer, task, info);
	free(name);
}

static void at_syscall(struct tracer *tracer, struct task *task)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->pid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && task->argument >= 0)
		put_back_argument(task);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT && task->made) {
		task->made = false;
		fake_cgroup_fill(tracer->cgroup);
	}
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		at_entry(tracer, task, &info);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && task->replaced) {
		regs_type regs;

		task->replaced = false;
		get_regs(task->pid, &regs);
		REG_RESULT(&regs) = (uint64_t) - (int64_t)tracer->fault.num;
		set_regs(task->pid, &regs);
	}
}

static bool is_crash(int sig)
{
	return sig == SIGSEGV || sig == SIGABRT || sig == SIGBUS || sig == SIGILL || sig == SIGFPE;
}

static void at_stop(struct tracer *tracer, struct task *task, int status)
{
	int event = status >> 16;
	int sig = WSTOPSIG(status);
	int request;

	if (sig == (SIGTRAP | 0x80)) {
		at_syscall(tracer, task);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP && sig != SIGTRAP) {
		ptrace(PTRACE_LISTEN, task->pid, 0, 0);
		return;
	} else if (event) {
		if (event == PTRACE_EVENT_EXEC)
			at_exec(task);
		else if (event != PTRACE_EVENT_EXEC && event != PTRACE_EVENT_STOP)
			at_clone(tracer, task, event == PTRACE_EVENT_VFORK);
		sig = 0;
	} else if (is_crash(sig) && task->helper) {
		/* a library's assertion; the helper is the pid 1 of a namespace of its own, which
		 * such a signal does not end while it is traced (ptrace(2)) */
		fprintf(tracer->log, "aborted %s %d\n", stage_of(task), sig);
		kill(task->pid, SIGKILL);
	} else if (is_crash(sig)) {
		fprintf(tracer->log, "crash %s %d\n", stage_of(task), sig);
	}
	request = task->program ? PTRACE_CONT : PTRACE_SYSCALL;
	ptrace(request, task->pid, 0, sig);
}

static void end_all(struct tracer *tracer, const char *what)
{
	fprintf(tracer->log, "%s %zu\n", what, tracer->n_tasks);
	for (size_t i = 0; i < tracer->n_tasks; i++) {
		fprintf(tracer->log, "  %s\n", stage_of(&tracer->tasks[i]));
		kill(tracer->tasks[i].pid, SIGKILL);
	}
}

static void ignore(int sig)
{
	(void)sig;
}

static void set_limit(unsigned int seconds)
{
	/* again and again: the first one may come between the look at the clock and the wait */
	const struct itimerval timer = { { 0, 200000 }, { (time_t)seconds, 0 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Follows every process until the last one is gone, or the time is up. */
static void follow(struct tracer *tracer)
{
	bool ended = false;
	bool killed = false;
	time_t start = time(NULL);

	set_limit(tracer->limit);
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		struct task *task;

		if (pid < 0 && errno != EINTR)
			return;
		if (pid < 0) {
			bool late = time(NULL) - start >=
			            (time_t)(ended ? GRACE_SECONDS : tracer->limit);

			if (late && !killed)
				end_all(tracer, ended ? "left" : "hang");
			killed |= late;
			continue;
		}
		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			forget_task(tracer, pid);
			if (pid != tracer->launcher)
				continue;
			fprintf(tracer->log, "status %d\n", status);
			ended = true;
			start = time(NULL);
			set_limit(GRACE_SECONDS);
			continue;
		}
		task = find_task(tracer, pid);
		if (task)
			at_stop(tracer, task, status);
	}
}

static void open_files(const struct tracer *tracer)
{
	for (size_t i = 0; i < tracer->n_files; i++) {
		const struct file *file = &tracer->files[i];
		int fd = open(file->path, file->writable ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY,
		              0644);

		if (fd < 0 || (fd != file->fd && (dup2(fd, file->fd) < 0 || close(fd) < 0))) {
			perror(file->path);
			_exit(120);
		}
	}
}

static void start(struct tracer *tracer, char **argv)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	                     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	const char *file = argv[0];
	int gate[2];
	char byte = 0;

	if (pipe2(gate, O_CLOEXEC) < 0)
		exit(120);
	tracer->launcher = fork();
	if (tracer->launcher == 0) {
		if (read(gate[0], &byte, 1) != 1)
			_exit(120);
		close(gate[0]);
		close(gate[1]);
		open_files(tracer);
		if (tracer->argv0)
			argv[0] = (char *)tracer->argv0;
		execv(file, argv);
		perror(file);
		_exit(120);
	}
	find_task(tracer, tracer->launcher);
	if (ptrace(PTRACE_SEIZE, tracer->launcher, 0, options) < 0) {
		perror("ptrace");
		kill(tracer->launcher, SIGKILL);
		exit(121);
	}
	if (ptrace(PTRACE_INTERRUPT, tracer->launcher, 0, 0) < 0 || write(gate[1], &byte, 1) != 1)
		exit(120);
	close(gate[0]);
	close(gate[1]);
}

static void add_file(struct tracer *tracer, char *arg, bool writable)
{
	char *path = strchr(arg, '=');

	if (!path || tracer->n_files == MAX_FILES)
		exit(120);
	*path++ = '\0';
	tracer->files[tracer->n_files++] =
		(struct file){ .fd = atoi(arg), .path = path, .writable = writable };
}

static void set_fault(struct fault *fault, const char *arg)
{
	if (sscanf(arg, "%15[^:]:%31[^:]:%u:%d", fault->stage, fault->name, &fault->n,
	           &fault->num) != 4)
		exit(120);
}

int main(int argc, char **argv)
{
	static struct tracer tracer = { .limit = 30 };
	const struct sigaction tick = { .sa_handler = ignore };
	int opt;

	while ((opt = getopt(argc, argv, "+a:c:f:i:o:t:w:")) != -1) {
		switch (opt) {
		case 'a':
			tracer.argv0 = optarg;
			break;
		case 'c':
			tracer.cgroup = optarg;
			fake_cgroup_fill(optarg);
			break;
		case 'f':
			set_fault(&tracer.fault, optarg);
			break;
		case 'i':
		case 'w':
			add_file(&tracer, optarg, opt == 'w');
			break;
		case 'o':
			tracer.log = fopen(optarg, "we");
			break;
		case 't':
			tracer.limit = (unsigned int)atoi(optarg);
			break;
		default:
			return 120;
		}
	}
	if (!tracer.log || !argv[optind] || !tracer.limit)
		return 120;
	sigaction(SIGALRM, &tick, NULL);
	start(&tracer, argv + optind);
	follow(&tracer);
	if (tracer.cgroup)
		fake_cgroup_list(tracer.cgroup, tracer.log);
	return fclose(tracer.log) == 0 ? 0 : 120;
}
