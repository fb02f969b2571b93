/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sbx-seccomp: turns a seccomp profile in Docker's JSON into BPF. Run by sbx for
 * --seccomp-profile FILE; of use by itself with bwrap's --seccomp FD.
 */
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/filter.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/parse.h"
#include "oci/build.h"
#include "oci/explain.h"
#include "oci/profile.h"
#include "oci/target.h"
#include "seccomp/builtin.h"

enum { EXIT_OWN = 125, CAPS_DIGITS = 16 };

struct options {
	struct oci_target target;
	const char *file;
	int fd;
	bool explain;
	bool verbose;
};

static const char usage[] =
	"usage: sbx-seccomp [OPTIONS] FILE\n"
	"Turns a seccomp profile in the JSON of Docker, podman and OCI into BPF on stdout.\n"
	"\n"
	"  --fd FD      Write the BPF to this descriptor\n"
	"  --caps HEX   Capabilities that the payload has, as in /proc/PID/status (0)\n"
	"  --log        Log what the profile refuses, and let it through\n"
	"  --explain    Say in lines what FILE, or the built-in profile of that name, does\n"
	"  --verbose    Say what could not be taken over\n"
	"  --help       Show this\n";

static int parse_caps(const char *text, uint64_t *ret, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	const char *p, *digit = digits;
	uint64_t caps = 0;

	for (p = text; *p && digit; p++) {
		digit = strchr(digits, *p);
		caps = caps << 4 | (uint64_t)(digit ? digit - digits : 0);
	}
	if (!digit || p == text || p - text > CAPS_DIGITS)
		return err_text(err, 0, "--caps '%s': not 1 to %d hexadecimal digits", text,
		                CAPS_DIGITS);
	*ret = caps;
	return 0;
}

static int parse_value(const char *option, const char *value, struct options *ret, struct err *err)
{
	if (!value)
		return err_text(err, 0, "%s takes an argument", option);
	if (strcmp(option, "--caps") == 0)
		return parse_caps(value, &ret->target.caps, err);
	if (parse_fd(value, &ret->fd) < 0)
		return err_text(err, 0, "--fd '%s': not a descriptor", value);
	return 0;
}

static bool set_flag(const char *option, struct options *ret)
{
	if (strcmp(option, "--log") == 0)
		ret->target.log = true;
	else if (strcmp(option, "--explain") == 0)
		ret->explain = true;
	else if (strcmp(option, "--verbose") == 0)
		ret->verbose = true;
	else
		return false;
	return true;
}

static int parse_options(char **argv, struct options *ret, struct err *err)
{
	bool only_file = false;
	int r = 0;

	for (argv++; *argv && r == 0; argv++) {
		if (strcmp(*argv, "--") == 0 && !only_file) {
			only_file = true;
		} else if (only_file || (*argv)[0] != '-' || strcmp(*argv, "-") == 0) {
			if (ret->file[0])
				return err_text(err, 0, "more than one FILE: '%s'", *argv);
			ret->file = *argv;
		} else if (strcmp(*argv, "--caps") == 0 || strcmp(*argv, "--fd") == 0) {
			r = parse_value(argv[0], argv[1], ret, err);
			argv += r == 0;
		} else if (!set_flag(*argv, ret)) {
			return err_text(err, 0, "unknown option '%s' (try --help)", *argv);
		}
	}
	if (r == 0 && !ret->file[0])
		return err_text(err, 0, "FILE is missing (try --help)");
	return r;
}

/* "6.1.0-9-amd64" or "6.12-rc1"; a release that cannot be read meets no minKernel. */
static void probe_kernel(struct oci_target *ret)
{
	struct utsname uts;
	uint64_t major, minor;
	char *rest;

	if (uname(&uts) < 0)
		return;
	rest = strchr(uts.release, '.');
	if (!rest)
		return;
	*rest++ = '\0';
	rest[strspn(rest, "0123456789")] = '\0';
	if (parse_uint(uts.release, UINT16_MAX, &major) < 0 ||
	    parse_uint(rest, UINT16_MAX, &minor) < 0)
		return;
	ret->kernel_major = (unsigned int)major;
	ret->kernel_minor = (unsigned int)minor;
}

static int read_all(int fd, char **ret, size_t *ret_len)
{
	cleanup_free char *text = malloc(OCI_TEXT_MAX + 1);
	size_t len = 0;
	ssize_t n = 1;

	if (!text)
		return -ENOMEM;
	while (n > 0 && len <= OCI_TEXT_MAX) {
		n = read(fd, text + len, OCI_TEXT_MAX + 1 - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	*ret_len = len;
	*ret = steal_ptr(&text);
	return 0;
}

static int read_file(const char *file, char **ret, size_t *ret_len, struct err *err)
{
	cleanup_fd int fd = strcmp(file, "-") == 0 ? dup(STDIN_FILENO)
	                                           : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : read_all(fd, ret, ret_len);

	return r < 0 ? err_text(err, -r, "read") : 0;
}

static int write_all(int fd, const void *data, size_t size)
{
	const char *p = data;
	ssize_t n;

	while (size) {
		n = write(fd, p, size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			p += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

static void print_note(void *ctx, bool loud, const char *text)
{
	const struct options *options = ctx;

	if (loud || options->verbose)
		fprintf(stderr, "sbx-seccomp: %s: %s\n", options->file, text);
}

static int explain(const struct oci_profile *profile, const struct options *options,
                   struct err *err)
{
	oci_explain(profile, &options->target, stdout);
	if (fflush(stdout) != 0)
		return err_text(err, errno, "write");
	return 0;
}

static int write_program(const struct oci_program *program, int fd, struct err *err)
{
	int r = write_all(fd, program->insn, program->len * sizeof(*program->insn));

	return r < 0 ? err_text(err, -r, "write the BPF") : 0;
}

static int convert(struct options *options, struct err *err)
{
	const struct oci_notes notes = { print_note, options };
	struct oci_program program = { 0 };
	cleanup_free char *text = NULL;
	struct oci_profile profile;
	size_t len = 0;
	int r;

	r = read_file(options->file, &text, &len, err);
	if (r == 0)
		r = oci_profile_parse(text, len, &profile, err);
	if (r < 0)
		return r;
	r = oci_build(&profile, &options->target, &notes, &program, err);
	if (r == 0 && options->explain)
		r = explain(&profile, options, err);
	else if (r == 0)
		r = write_program(&program, options->fd, err);
	free(program.insn);
	oci_profile_free(&profile);
	return r;
}

static int print_builtin(const struct seccomp_builtin *builtin)
{
	const char *const *line;

	for (line = builtin->lines; *line; line++)
		puts(*line);
	return fflush(stdout) == 0 ? 0 : EXIT_OWN;
}

static int fail(const char *file, const struct err *err)
{
	char line[ERR_LINE_MAX];

	err_format(err, PERSONALITY_NATIVE, line, sizeof(line));
	fprintf(stderr, "sbx-seccomp: %s%s%s\n", file ? file : "", file ? ": " : "", line);
	return EXIT_OWN;
}

int main(int argc, char **argv)
{
	struct options options = { .file = "", .fd = STDOUT_FILENO };
	const struct seccomp_builtin *builtin;
	struct err err;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	options.target.arch = seccomp_arch_native();
	probe_kernel(&options.target);
	if (parse_options(argv, &options, &err) < 0)
		return fail(NULL, &err);
	builtin = options.explain ? seccomp_builtin_find(options.file) : NULL;
	if (builtin)
		return print_builtin(builtin);
	return convert(&options, &err) < 0 ? fail(options.file, &err) : 0;
}
