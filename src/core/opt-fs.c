/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Options that become an operation on the new root, and the modifiers before them. */
#include <errno.h>
#include <string.h>

#include "core/opt.h"
#include "core/parse.h"
#include "core/plan.h"

/* Appends an operation with what is pending. An empty path is always a mistake of the caller. */
static int add_op(struct parse *ps, const struct option *opt, struct op op, struct err *err)
{
	if ((op.dst && !*op.dst) || (op.src && !*op.src))
		return err_text(err, 0, "--%s: a path may not be empty", opt->name);
	op.perms = ps->perms;
	op.size = ps->size;
	op.file_label = ps->file_label;
	if (plan_add_op(ps->plan, &op) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return 0;
}

int opt_bind(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct op op = { .kind = OP_BIND, .src = args[0], .dst = args[1], .fd = -1 };

	op.flags = (unsigned int)opt->data;
	return add_op(ps, opt, op, err);
}

int opt_bind_fd(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct op op = { .kind = OP_BIND_FD, .dst = args[1] };
	int r = opt_parse_fd(args[0], &op.fd, err);

	op.flags = (unsigned int)opt->data;
	return r < 0 ? r : add_op(ps, opt, op, err);
}

int opt_path_op(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	return add_op(ps, opt,
	              (struct op){ .kind = (enum op_kind)opt->data, .dst = args[0], .fd = -1 },
	              err);
}

int opt_data(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct op op = { .kind = (enum op_kind)(opt->data & ~(size_t)OPT_DATA_RDONLY),
		         .dst = args[1] };
	int r = opt_parse_fd(args[0], &op.fd, err);

	if (opt->data & OPT_DATA_RDONLY)
		op.flags |= OP_RDONLY;
	return r < 0 ? r : add_op(ps, opt, op, err);
}

int opt_symlink(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	return add_op(ps, opt,
	              (struct op){ .kind = OP_SYMLINK, .src = args[0], .dst = args[1], .fd = -1 },
	              err);
}

static int parse_mode(const struct option *opt, const char *text, int *ret, struct err *err)
{
	unsigned int mode;

	if (parse_octal(text, 07777, &mode) < 0)
		return err_text(err, 0, "--%s takes an octal argument <= 07777", opt->name);
	*ret = (int)mode;
	return 0;
}

int opt_chmod(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	int pending = ps->perms; /* not taken: left for the check */
	int r = parse_mode(opt, args[0], &ps->perms, err);

	if (r == 0)
		r = add_op(ps, opt, (struct op){ .kind = OP_CHMOD, .dst = args[1], .fd = -1 }, err);
	ps->perms = pending;
	return r;
}

int opt_perms(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	if (ps->perms != OP_PERMS_DEFAULT)
		return err_text(err, 0, "--perms given twice for the same action");
	return parse_mode(opt, args[0], &ps->perms, err);
}

int opt_size(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	int r;

	(void)opt;
	if (ps->size)
		return err_text(err, 0, "--size given twice for the same action");
	r = parse_size_any_base(args[0], &ps->size);
	if (r == -ERANGE)
		return err_text(err, 0, "--size (for tmpfs) is limited to %zu", SIZE_MAX / 2);
	if (r < 0)
		return err_text(err, 0, "--size takes a non-zero number of bytes");
	return 0;
}

int opt_overlay_src(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	if (!*args[0])
		return err_text(err, 0, "--%s: a path may not be empty", opt->name);
	if (vec_add(&ps->plan->layers, &args[0]) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	ps->layers++;
	return 0;
}

int opt_overlay(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	struct op op = { .kind = (enum op_kind)opt->data, .dst = args[0], .fd = -1 };

	if (ps->layers < (op.kind == OP_RO_OVERLAY ? 2 : 1))
		return err_text(err, 0, "--%s requires at least %s --overlay-src", opt->name,
		                op.kind == OP_RO_OVERLAY ? "two" : "one");
	if (op.kind == OP_OVERLAY) {
		op.src = args[0];
		op.work = args[1];
		op.dst = args[2];
		if (!*op.work)
			return err_text(err, 0, "--%s: a path may not be empty", opt->name);
	}
	op.n_layers = ps->layers;
	op.layers_at = ps->plan->layers.len - ps->layers;
	ps->layers = 0;
	return add_op(ps, opt, op, err);
}

int opt_overlay_opt(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	/* what names a layer is ours to say; the rest is the kernel's to judge */
	static const char *const ours[] = { "lowerdir", "upperdir", "workdir", "datadir" };
	size_t len = strcspn(args[0], "=+");

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strlen(ours[i]) == len && strncmp(args[0], ours[i], len) == 0)
			return err_text(err, 0, "--%s: '%s' is set by --overlay-src and --overlay",
			                opt->name, ours[i]);
	if (!*args[0] || strchr(args[0], ','))
		return err_text(err, 0, "--%s takes one mount option, not '%s'", opt->name,
		                args[0]);
	if (vec_add(&ps->plan->overlay_opts, &args[0]) < 0)
		return err_text(err, ENOMEM, "--%s", opt->name);
	return 0;
}

int opt_file_label(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	(void)opt;
	(void)err;
	ps->file_label = args[0];
	ps->plan->process.file_label = args[0];
	return 0;
}

int opt_dest_symlinks(struct parse *ps, const struct option *opt, char **args, struct err *err)
{
	bool refuse = strcmp(args[0], "refuse") == 0;

	if (!refuse && strcmp(args[0], "follow") != 0)
		return err_text(err, 0, "--%s takes follow or refuse, not '%s'", opt->name,
		                args[0]);
	ps->plan->refuse_dest_symlinks = refuse;
	return 0;
}
