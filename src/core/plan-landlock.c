/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan-landlock.h"

#include <string.h>

#include "core/plan.h"

static bool makes_writable(const struct op *op)
{
	switch (op->kind) {
	case OP_BIND:
	case OP_BIND_FD:
	case OP_BIND_DATA:
		return !(op->flags & OP_RDONLY);
	case OP_PROC:
	case OP_DEV:
	case OP_TMPFS:
	case OP_MQUEUE:
	case OP_DIR:
	case OP_FILE:
	case OP_OVERLAY:
	case OP_TMP_OVERLAY:
	case OP_TEXT:
		return true;
	case OP_REMOUNT_RO:
	case OP_SYMLINK:
	case OP_CHMOD:
	case OP_RO_OVERLAY:
	case OP_HOSTNAME:
	case OP_MASK:
	case OP_KINDS:
		return false;
	}
	return false;
}

static bool makes_read_only(const struct op *op)
{
	switch (op->kind) {
	case OP_BIND:
	case OP_BIND_FD:
	case OP_BIND_DATA:
		return op->flags & OP_RDONLY;
	case OP_REMOUNT_RO:
	case OP_RO_OVERLAY:
	case OP_MASK:
		return true;
	case OP_PROC:
	case OP_DEV:
	case OP_TMPFS:
	case OP_MQUEUE:
	case OP_DIR:
	case OP_FILE:
	case OP_SYMLINK:
	case OP_CHMOD:
	case OP_OVERLAY:
	case OP_TMP_OVERLAY:
	case OP_HOSTNAME:
	case OP_TEXT:
	case OP_KINDS:
		return false;
	}
	return false;
}

/* Whether path is tree or lies in it, as words: links are no business of a plan. */
static bool lies_in(const char *path, const char *tree)
{
	size_t len;

	path += strspn(path, "/");
	tree += strspn(tree, "/");
	len = strlen(tree);
	while (len && tree[len - 1] == '/')
		len--;
	return strncmp(path, tree, len) == 0 && (!len || !path[len] || path[len] == '/');
}

static bool is_mount(const struct op *op)
{
	return op->kind != OP_REMOUNT_RO && op->kind != OP_DIR && op->kind != OP_FILE &&
	       op->kind != OP_SYMLINK && op->kind != OP_CHMOD && op->kind != OP_HOSTNAME &&
	       op->kind != OP_TEXT;
}

/* A mount hides what was made at its place and below; a remount changes that one place. */
static bool is_covered(const struct op *op, const struct op *later)
{
	if (!later->dst || !lies_in(op->dst, later->dst))
		return false;
	return is_mount(later) || (later->kind == OP_REMOUNT_RO && lies_in(later->dst, op->dst));
}

bool plan_landlock_writable(const struct plan *plan, size_t i)
{
	const struct op *op = plan_op(plan, i);

	if (!op->dst || !makes_writable(op))
		return false;
	for (size_t later = i + 1; later < plan->ops.len; later++)
		if (is_covered(op, plan_op(plan, later)))
			return false;
	return true;
}

int plan_landlock_uncovered(const struct plan *plan, size_t *i)
{
	for (; *i < plan->ops.len; ++*i) {
		const struct op *op = plan_op(plan, *i);

		for (size_t tree = 0; op->dst && makes_read_only(op) && tree < plan->ops.len;
		     tree++)
			if (plan_landlock_writable(plan, tree) &&
			    lies_in(op->dst, plan_op(plan, tree)->dst))
				return (int)tree;
	}
	return -1;
}
