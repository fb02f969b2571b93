/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "fake-cgroup.h"

/* Generous: a machine that stands still for a moment is no fault of ours. */
/* The kernel's own, include/linux/errno.h: it makes the same call once more, and only tracers see
 * it. */
enum { ERESTART_NO_INTR = 513 };
enum { MAX_TASKS = 64, MAX_CALLS = 512, HANG_SECONDS = 120, GRACE_SECONDS = 60 };

struct task {
	pid_t pid;
	int index;    /* 0 is the launcher, 1 its first child, ... */
	bool begun;   /* past the dynamic loader */
	bool parent;  /* has made a process */
	bool program; /* runs the payload's program */
	bool helper;  /* runs one of ours, name */
	bool netns;   /* makes the network namespace beside the set-up */
	bool held;    /* in its first stop, until its parent's says what it is */
	bool unsure;  /* its parent died before it could say so */
	char name[16];
	bool made;     /* may have made a cgroup in the call that it is in */
	bool repeated; /* the kernel runs the call that it was in once more, ERESTARTNOINTR */
	bool repeats;  /* the call that it makes next is the last one once more */
	bool replaced; /* the result of the call that it is in is to be replaced */
	int argument;  /* one of its arguments was changed to this end, and is put back, or -1 */
	uint64_t value;
	unsigned int counts[MAX_CALLS];
};

struct tracer {
	struct task tasks[MAX_TASKS];
	size_t n_tasks;
	int n_indices;
	bool injected;
	const struct fault *fault;
	const char *cgroup;
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

/* A system call keeps its arguments' registers, and the C library counts on it. */
static void set_argument(struct task *task, int i, uint64_t value)
{
	regs_type regs;

	calls_get_regs(task->pid, &regs);
	task->argument = i;
	task->value = REG_ARG(&regs, i);
	REG_ARG(&regs, i) = value;
	calls_set_regs(task->pid, &regs);
}

static void put_back_argument(struct task *task)
{
	regs_type regs;

	calls_get_regs(task->pid, &regs);
	REG_ARG(&regs, task->argument) = task->value;
	task->argument = -1;
	calls_set_regs(task->pid, &regs);
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

/* Whether a call of the task's may be the one that is to fail, now or later in its life. */
static bool may_be_wanted(const struct task *task, const char *stage)
{
	if (!strcmp(stage, "netns"))
		return task->netns;
	if (!strcmp(stage, "launcher"))
		return task->index == 0 && !task->parent;
	if (!strcmp(stage, "monitor"))
		return task->index == 0;
	if (task->index == 0 || task->netns)
		return false;
	if (!strncmp(stage, "sbx-", 4))
		return !task->helper || !strcmp(stage, task->name);
	if (task->helper || !strcmp(stage, "pid1"))
		return !task->helper;
	return !task->parent && (task->index == 1) == !strcmp(stage, "setup");
}

/* A stop costs more than most calls do, so whoever needs none is let run. */
static bool stops_at_calls(const struct tracer *tracer, const struct task *task)
{
	if (task->program)
		return false;
	if (!tracer->fault->num || task->unsure || task->replaced || task->argument >= 0)
		return true;
	if (tracer->cgroup && (task->index == 0 || task->helper))
		return true;
	return !tracer->injected && may_be_wanted(task, tracer->fault->stage);
}

static void go_on(const struct tracer *tracer, const struct task *task, int sig)
{
	ptrace(stops_at_calls(tracer, task) ? PTRACE_SYSCALL : PTRACE_CONT, task->pid, 0, sig);
}

/* What a helper starts is a part of it. */
static void name_child(const struct tracer *tracer, const struct task *task, struct task *child,
                       bool waits)
{
	bool monitor = !strcmp(stage_of(task), "monitor");
	/* with a made-up tree */
	bool cleaner = tracer->cgroup && monitor && !waits;

	child->program = task->program;
	child->netns = waits && monitor;
	if (!task->helper && !cleaner)
		return;
	child->helper = child->begun = true;
	snprintf(child->name, sizeof(child->name), "%s", cleaner ? "sbx-cleaner" : task->name);
}

static void at_clone(struct tracer *tracer, struct task *task, bool waits)
{
	unsigned long pid = 0;
	struct task *child = NULL;

	if (ptrace(PTRACE_GETEVENTMSG, task->pid, 0, &pid) == 0)
		child = find_task(tracer, (pid_t)pid);
	if (child)
		name_child(tracer, task, child, waits);
	task->parent = true;
	if (child && child->held)
		go_on(tracer, child, 0);
	if (child)
		child->held = child->unsure = false;
}

/* One whose parent has died will never be told what it is. */
static void release_held(struct tracer *tracer)
{
	for (size_t i = 0; i < tracer->n_tasks; i++) {
		struct task *task = &tracer->tasks[i];

		if (!task->held)
			continue;
		task->held = false;
		task->unsure = true;
		go_on(tracer, task, 0);
	}
}

static void inject(struct tracer *tracer, struct task *task, const struct ptrace_syscall_info *info)
{
	uint64_t nr = info->entry.nr;

	fprintf(tracer->log, "injected\n");
	tracer->injected = true;
	if (tracer->fault->num == FAULT_KILL) {
		kill(task->pid, SIGKILL);
		return;
	}
	if (tracer->fault->num == FAULT_SHORT) {
		set_argument(task, 2, (info->entry.args[2] + 1) / 2);
		return;
	}
	if (nr == SYS_brk) { /* says no by staying where it is */
		set_argument(task, 0, 0);
		return;
	}
	if (nr != SYS_close) /* which closes whatever it says */
		calls_skip(task->pid);
	task->replaced = true;
}

/* The first thing that sbx does in main() is to look at descriptor 0. */
static bool has_begun(const struct task *task, const struct ptrace_syscall_info *info)
{
	if (task->begun)
		return true;
	if (task->helper)
		return !calls_are_loading(info->entry.nr);
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
	const struct fault *fault = tracer->fault;
	uint64_t nr = info->entry.nr;
	const char *stage = stage_of(task);
	char *name;

	task->begun = has_begun(task, info);
	if (!task->begun || nr >= MAX_CALLS || calls_cannot_fail(nr))
		return;
	if (tracer->cgroup)
		watch_cgroup(tracer->cgroup, task, info);
	task->counts[nr]++;
	if (fault->num && task->counts[nr] != fault->n)
		return;
	name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)nr);
	if (name && !fault->num)
		fprintf(tracer->log, "call %s %s %u %s\n", stage, name, task->counts[nr],
		        calls_can_be_short(task->pid, info) ? "short" : "whole");
	else if (name && is_wanted(fault, stage, name))
		inject(tracer, task, info);
	free(name);
}

static void at_result(struct tracer *tracer, struct task *task, bool repeats)
{
	regs_type regs;

	task->repeats = repeats;
	if (task->argument >= 0)
		put_back_argument(task);
	if (task->made) {
		task->made = false;
		fake_cgroup_fill(tracer->cgroup);
	}
	if (!task->replaced)
		return;
	task->replaced = false;
	calls_get_regs(task->pid, &regs);
	REG_RESULT(&regs) = (uint64_t) - (int64_t)tracer->fault->num;
	calls_set_regs(task->pid, &regs);
}

static void at_syscall(struct tracer *tracer, struct task *task)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->pid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		at_result(tracer, task, info.exit.rval == -ERESTART_NO_INTR);
	else if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !task->repeats)
		at_entry(tracer, task, &info);
}

static bool is_crash(int sig)
{
	return sig == SIGSEGV || sig == SIGABRT || sig == SIGBUS || sig == SIGILL || sig == SIGFPE;
}

static void at_stop(struct tracer *tracer, struct task *task, int status)
{
	int event = status >> 16;
	int sig = WSTOPSIG(status);

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
	go_on(tracer, task, sig);
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

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* Again and again: the first one may come between the look at the clock and the wait. */
static void set_alarm(unsigned int seconds)
{
	const struct itimerval timer = { { seconds ? 1 : 0, 0 }, { (time_t)seconds, 0 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* One that nobody knows has just begun: its parent's stop says what it is. */
static void at_report(struct tracer *tracer, pid_t pid, int status)
{
	size_t known = tracer->n_tasks;
	struct task *task;

	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		forget_task(tracer, pid);
		release_held(tracer);
		return;
	}
	task = find_task(tracer, pid);
	if (!task)
		return;
	if (tracer->n_tasks > known)
		task->held = true;
	else
		at_stop(tracer, task, status);
}

/* Until the last process is gone, or the time is up. */
static void follow(struct tracer *tracer)
{
	time_t end = now() + HANG_SECONDS;
	bool ended = false;
	bool killed = false;
	int status;
	pid_t pid;

	set_alarm(HANG_SECONDS);
	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (pid > 0)
			at_report(tracer, pid, status);
		if (pid == tracer->launcher && (WIFEXITED(status) || WIFSIGNALED(status))) {
			fprintf(tracer->log, "status %d\n", status);
			ended = true;
			end = now() + GRACE_SECONDS;
			set_alarm(GRACE_SECONDS);
		}
		if (pid > 0 || now() < end || killed)
			continue;
		end_all(tracer, ended ? "left" : "hang");
		killed = true;
	}
	set_alarm(0);
}

int trace_run(pid_t launcher, int gate_fd, const struct fault *fault, const char *cgroup, FILE *log)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
	                     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	const struct sigaction tick = { .sa_handler = ignore };
	struct tracer *tracer = calloc(1, sizeof(*tracer));

	if (!tracer)
		return -1;
	*tracer = (struct tracer){
		.fault = fault, .cgroup = cgroup, .launcher = launcher, .log = log
	};
	find_task(tracer, launcher);
	sigaction(SIGALRM, &tick, NULL);
	if (ptrace(PTRACE_SEIZE, launcher, 0, options) < 0 ||
	    ptrace(PTRACE_INTERRUPT, launcher, 0, 0) < 0 || write(gate_fd, "", 1) != 1) {
		free(tracer);
		return -1;
	}
	follow(tracer);
	free(tracer);
	return 0;
}
