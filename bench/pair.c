/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The runner: measures commands against each other, interleaved in one run, A B C B C A C A B ...,
 * so that whatever else the machine does meets all of them. The first command is the subject; every
 * ratio is its time divided by another's. What it prints as a result is a ratio.
 *
 *	pair [OPTION...] :: LABEL [@FD=FILE...] COMMAND... [:: LABEL ...]...
 *
 *	-n ROUNDS   measured rounds (default 20); one more round before them is not counted
 *	-t SECONDS  begin no further round after so long, but make at least 3
 *	-c CASE     the name of the case in what is written
 *	-p N        start N of a command at once, and wait for all of them
 *	-m METRIC   total: from posix_spawn to the end of the command (the default)
 *	            start: until the moment that the payload stamps on its output
 *	            end:   from that moment to the end of the command
 *	            cpu:   processor time of the command and all that it waited for, user and system
 *	-o FILE     append the samples as CSV: case,label,round,microseconds
 *	-j FILE     append the results as one line of JSON
 *
 * @FD=FILE opens FILE for reading as FD in the command. A command that is missing or that fails is
 * said, and left out. Exit status: 0, 2 when the subject itself could not be measured, 125 for
 *usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_COMMANDS = 16, MAX_OPENED = 16, MIN_ROUNDS = 3, MAX_PARALLEL = 4096 };

enum metric { METRIC_TOTAL, METRIC_START, METRIC_END, METRIC_CPU };

struct opened {
	int fd;
	const char *path;
};

struct command {
	const char *label;
	char **argv;
	struct opened opened[MAX_OPENED];
	size_t n_opened;
	char why_not[160]; /* empty while the command can be measured */
	double *us;        /* one sample a round */
};

struct bench {
	const char *name;
	const char *csv;
	const char *json;
	unsigned int rounds; /* wanted; then made */
	double seconds;
	unsigned int parallel;
	enum metric metric;
	struct command commands[MAX_COMMANDS];
	size_t n;
};

/* Of one command, against the subject. */
struct result {
	double min, q1, median, q3;
	double ratio_min;    /* of the two minima */
	double ratio_median; /* of the two medians */
	double ratio_pairs;  /* the median of the ratios of each round */
	double ratio_q1, ratio_q3;
};

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of a sorted array, interpolated. */
static double quantile(const double *sorted, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t low = (size_t)at;
	double part = at - (double)low;

	return low + 1 < n ? sorted[low] * (1 - part) + sorted[low + 1] * part : sorted[low];
}

/* --- Running -----------------------------------------------------------------------------------
 */

static int prepare_files(posix_spawn_file_actions_t *files, const struct command *command, int out,
                         bool quiet)
{
	int r = posix_spawn_file_actions_init(files);

	if (r == 0)
		r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0 && out >= 0)
		r = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	else if (r == 0)
		r = posix_spawn_file_actions_addopen(files, STDOUT_FILENO, "/dev/null", O_WRONLY,
		                                     0);
	if (r == 0 && quiet)
		r = posix_spawn_file_actions_addopen(files, STDERR_FILENO, "/dev/null", O_WRONLY,
		                                     0);
	for (size_t i = 0; r == 0 && i < command->n_opened; i++)
		r = posix_spawn_file_actions_addopen(files, command->opened[i].fd,
		                                     command->opened[i].path, O_RDONLY, 0);
	return r;
}

static void say_status(struct command *command, int status)
{
	if (WIFSIGNALED(status))
		snprintf(command->why_not, sizeof(command->why_not), "was killed by signal %d",
		         WTERMSIG(status));
	else
		snprintf(command->why_not, sizeof(command->why_not), "exit status %d",
		         WEXITSTATUS(status));
}

/* What one run showed. */
struct run {
	double begin, end, stamp, cpu;
};

static double cpu_us(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e6 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
}

/* Starts parallel of them and waits for all. Returns false when one failed. */
static bool spawn_and_wait(const struct bench *bench, struct command *command,
                           posix_spawn_file_actions_t *files, struct run *ret)
{
	pid_t pids[MAX_PARALLEL];
	unsigned int n = 0;
	bool failed = false;

	ret->begin = now_us();
	for (; n < bench->parallel; n++) {
		int r = posix_spawnp(&pids[n], command->argv[0], files, NULL, command->argv,
		                     environ);

		if (r != 0) {
			snprintf(command->why_not, sizeof(command->why_not), "%s: %s",
			         command->argv[0], r == ENOENT ? "not found" : strerror(r));
			failed = true;
			break;
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		struct rusage usage = { 0 };
		int status = 0;

		while (wait4(pids[i], &status, 0, &usage) < 0 && errno == EINTR)
			;
		ret->cpu += cpu_us(&usage);
		if (status != 0) {
			say_status(command, status);
			failed = true;
		}
	}
	ret->end = now_us();
	return !failed;
}

/* The payload's stamp: nanoseconds of CLOCK_MONOTONIC as text. */
static bool read_stamp(struct command *command, int fd, struct run *ret)
{
	char text[64] = "";
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *end = text;

	ret->stamp = n > 0 ? strtod(text, &end) / 1e3 : 0;
	if (end == text)
		snprintf(command->why_not, sizeof(command->why_not), "its payload gave no stamp");
	return end != text;
}

static double value_of(enum metric metric, const struct run *run)
{
	switch (metric) {
	case METRIC_START:
		return run->stamp - run->begin;
	case METRIC_END:
		return run->end - run->stamp;
	case METRIC_CPU:
		return run->cpu;
	case METRIC_TOTAL:
	default:
		return run->end - run->begin;
	}
}

/* One sample in microseconds; negative when there is none, and why_not says why. */
static double measure(const struct bench *bench, struct command *command, bool quiet)
{
	bool stamped = bench->metric == METRIC_START || bench->metric == METRIC_END;
	posix_spawn_file_actions_t files;
	struct run run = { 0 };
	int out[2] = { -1, -1 };
	bool good;
	int r = stamped && pipe2(out, O_CLOEXEC) < 0 ? errno : 0;

	if (r == 0)
		r = prepare_files(&files, command, out[1], quiet);
	if (r != 0) {
		snprintf(command->why_not, sizeof(command->why_not), "%s", strerror(r));
		return -1;
	}
	good = spawn_and_wait(bench, command, &files, &run);
	posix_spawn_file_actions_destroy(&files);
	if (stamped) {
		close(out[1]);
		good = good && read_stamp(command, out[0], &run);
		close(out[0]);
	}
	return good ? value_of(bench->metric, &run) : -1;
}

/* The uncounted round: warms the caches, shows what a command says, finds those that fail. */
static void try_all(struct bench *bench)
{
	for (size_t i = 0; i < bench->n; i++) {
		struct command *command = &bench->commands[i];

		if (measure(bench, command, false) < 0)
			printf("%s: %s is left out: %s\n", bench->name, command->label,
			       command->why_not);
	}
}

static int run_rounds(struct bench *bench)
{
	double end = now_us() + bench->seconds * 1e6;
	unsigned int round;

	for (size_t i = 0; i < bench->n; i++) {
		bench->commands[i].us = calloc(bench->rounds, sizeof(double));
		if (!bench->commands[i].us)
			return -ENOMEM;
	}
	for (round = 0; round < bench->rounds; round++) {
		if (round >= MIN_ROUNDS && now_us() > end)
			break;
		for (size_t i = 0; i < bench->n; i++) {
			struct command *command = &bench->commands[(i + round) % bench->n];

			if (!command->why_not[0])
				command->us[round] = measure(bench, command, true);
			if (command->why_not[0] && command->us[round] < 0)
				printf("%s: %s is left out after %u rounds: %s\n", bench->name,
				       command->label, round, command->why_not);
		}
	}
	bench->rounds = round;
	return 0;
}

/* --- Results -----------------------------------------------------------------------------------
 */

static int summarize(const struct bench *bench, const struct command *command, struct result *ret)
{
	const double *subject = bench->commands[0].us;
	size_t n = bench->rounds;
	double *sorted = calloc(2 * n, sizeof(double));
	double *ratios = sorted + n;
	double *first = NULL;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		sorted[i] = subject[i];
		ratios[i] = subject[i] / command->us[i];
	}
	qsort(sorted, n, sizeof(double), compare_doubles);
	qsort(ratios, n, sizeof(double), compare_doubles);
	first = sorted;
	*ret = (struct result){
		.ratio_min = first[0],
		.ratio_median = quantile(first, n, 0.5),
		.ratio_pairs = quantile(ratios, n, 0.5),
		.ratio_q1 = quantile(ratios, n, 0.25),
		.ratio_q3 = quantile(ratios, n, 0.75),
	};
	memcpy(sorted, command->us, n * sizeof(double));
	qsort(sorted, n, sizeof(double), compare_doubles);
	ret->min = sorted[0];
	ret->q1 = quantile(sorted, n, 0.25);
	ret->median = quantile(sorted, n, 0.5);
	ret->q3 = quantile(sorted, n, 0.75);
	ret->ratio_min /= ret->min;
	ret->ratio_median /= ret->median;
	free(sorted);
	return 0;
}

static void print_row(const struct command *command, const struct result *result)
{
	printf("  %-16s %10.0f %10.0f %9.0f..%-9.0f %7.3f %7.3f %7.3f  (%.3f..%.3f)\n",
	       command->label, result->min, result->median, result->q1, result->q3,
	       result->ratio_min, result->ratio_median, result->ratio_pairs, result->ratio_q1,
	       result->ratio_q3);
}

static void json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
	}
	fputc('"', out);
}

static void json_result(FILE *out, const struct command *command, const struct result *result)
{
	fputs("{\"label\":", out);
	json_text(out, command->label);
	if (command->why_not[0]) {
		fputs(",\"missing\":", out);
		json_text(out, command->why_not);
	} else {
		fprintf(out, ",\"min_us\":%.1f,\"q1_us\":%.1f,\"median_us\":%.1f,\"q3_us\":%.1f",
		        result->min, result->q1, result->median, result->q3);
		fprintf(out, ",\"ratio_min\":%.4f,\"ratio_median\":%.4f,\"ratio_pairs\":%.4f",
		        result->ratio_min, result->ratio_median, result->ratio_pairs);
		fprintf(out, ",\"ratio_q1\":%.4f,\"ratio_q3\":%.4f", result->ratio_q1,
		        result->ratio_q3);
	}
	fputc('}', out);
}

static int report(const struct bench *bench)
{
	FILE *json = bench->json ? fopen(bench->json, "ae") : NULL;

	if (bench->json && !json)
		return -errno;
	printf("%s (%u rounds)\n  %-16s %10s %10s %20s %7s %7s %7s\n", bench->name, bench->rounds,
	       "microseconds of", "min", "median", "quartiles", "r(min)", "r(med)", "r(pair)");
	if (json) {
		fputs("{\"case\":", json);
		json_text(json, bench->name);
		fprintf(json, ",\"rounds\":%u,\"results\":[", bench->rounds);
	}
	for (size_t i = 0; i < bench->n; i++) {
		const struct command *command = &bench->commands[i];
		struct result result = { 0 };
		int r = command->why_not[0] ? 0 : summarize(bench, command, &result);

		if (r < 0)
			return r;
		if (!command->why_not[0])
			print_row(command, &result);
		if (json && i > 0)
			fputc(',', json);
		if (json)
			json_result(json, command, &result);
	}
	if (json)
		fputs("]}\n", json);
	return json && fclose(json) != 0 ? -errno : 0;
}

static int write_samples(const struct bench *bench)
{
	FILE *csv = bench->csv ? fopen(bench->csv, "ae") : NULL;

	if (!csv)
		return bench->csv ? -errno : 0;
	for (size_t i = 0; i < bench->n; i++)
		for (unsigned int r = 0; r < bench->rounds && !bench->commands[i].why_not[0]; r++)
			fprintf(csv, "%s,%s,%u,%.1f\n", bench->name, bench->commands[i].label, r,
			        bench->commands[i].us[r]);
	return fclose(csv) != 0 ? -errno : 0;
}

/* --- Arguments ---------------------------------------------------------------------------------
 */

static int parse_number(const char *text, double min, double max, double *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= min && value <= max))
		return fprintf(stderr, "pair: '%s': a number from %g to %g is wanted\n", text, min,
		               max),
		       -EINVAL;
	*ret = value;
	return 0;
}

static int parse_metric(const char *text, enum metric *ret)
{
	static const char *const names[] = { "total", "start", "end", "cpu" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(text, names[i])) {
			*ret = (enum metric)i;
			return 0;
		}
	return fprintf(stderr, "pair: '%s': total, start, end or cpu is wanted\n", text), -EINVAL;
}

static int parse_option(struct bench *bench, int c)
{
	double number = 0;
	int r = 0;

	switch (c) {
	case 'n':
		r = parse_number(optarg, MIN_ROUNDS, 1e6, &number);
		bench->rounds = (unsigned int)number;
		return r;
	case 'p':
		r = parse_number(optarg, 1, MAX_PARALLEL, &number);
		bench->parallel = (unsigned int)number;
		return r;
	case 't':
		return parse_number(optarg, 0, 1e6, &bench->seconds);
	case 'm':
		return parse_metric(optarg, &bench->metric);
	case 'c':
		bench->name = optarg;
		return 0;
	case 'o':
		bench->csv = optarg;
		return 0;
	case 'j':
		bench->json = optarg;
		return 0;
	default:
		return -EINVAL;
	}
}

/* "@FD=FILE" */
static int parse_opened(struct command *command, const char *text)
{
	char *equals;
	long fd = strtol(text + 1, &equals, 10);

	if (equals == text + 1 || *equals != '=' || fd < 3 || fd > 1000 ||
	    command->n_opened == MAX_OPENED)
		return fprintf(stderr, "pair: '%s': @FD=FILE is wanted, FD from 3, at most %d\n",
		               text, MAX_OPENED),
		       -EINVAL;
	command->opened[command->n_opened++] = (struct opened){ (int)fd, equals + 1 };
	return 0;
}

/* Cuts argv at each "::", which becomes the end of the command before it. */
static int parse_commands(struct bench *bench, char **argv)
{
	while (*argv) {
		struct command *command = &bench->commands[bench->n];
		int r = 0;

		if (strcmp(*argv, "::") != 0 || !argv[1] || !argv[2] || bench->n == MAX_COMMANDS)
			return fprintf(stderr, "pair: at '%s': ':: LABEL COMMAND...' is wanted\n",
			               *argv),
			       -EINVAL;
		*argv++ = NULL;
		command->label = *argv++;
		while (r == 0 && *argv && **argv == '@')
			r = parse_opened(command, *argv++);
		if (r < 0)
			return r;
		command->argv = argv;
		while (*argv && strcmp(*argv, "::") != 0)
			argv++;
		bench->n++;
	}
	if (bench->n == 0)
		return fprintf(stderr, "pair: no command\n"), -EINVAL;
	return 0;
}

static int parse_all(struct bench *bench, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+n:t:c:p:m:o:j:")) >= 0)
		if (parse_option(bench, c) < 0)
			return -EINVAL;
	if (bench->parallel > 1 && bench->metric != METRIC_TOTAL)
		return fprintf(stderr, "pair: -p measures the total only\n"), -EINVAL;
	return parse_commands(bench, argv + optind);
}

int main(int argc, char **argv)
{
	struct bench bench = { .name = "case", .rounds = 20, .seconds = HUGE_VAL, .parallel = 1 };
	int r;

	if (parse_all(&bench, argc, argv) < 0)
		return 125;
	try_all(&bench);
	r = bench.commands[0].why_not[0] ? -ENOENT : run_rounds(&bench);
	if (bench.commands[0].why_not[0])
		return 2;
	if (r == 0)
		r = write_samples(&bench);
	if (r == 0)
		r = report(&bench);
	for (size_t i = 0; i < bench.n; i++)
		free(bench.commands[i].us);
	if (r < 0)
		fprintf(stderr, "pair: %s\n", strerror(-r));
	return r < 0 ? 125 : 0;
}
