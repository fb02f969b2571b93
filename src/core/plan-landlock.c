/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan-landlock.h"

#include <string.h>

#include "core/plan.h"

enum effect {
	EFFECT_NONE,
	EFFECT_WRITABLE,
	EFFECT_READ_ONLY,
	EFFECT_AS_FLAGGED, /* read-only with OP_RDONLY, else writable */
};

static const struct {
	enum effect effect;
	bool mounts; /* hides what is at its place, and below */
} kinds[OP_KINDS] = {
	[OP_BIND] = { EFFECT_AS_FLAGGED, true },       [OP_BIND_FD] = { EFFECT_AS_FLAGGED, true },
	[OP_REMOUNT_RO] = { EFFECT_READ_ONLY, false }, [OP_PROC] = { EFFECT_WRITABLE, true },
	[OP_DEV] = { EFFECT_WRITABLE, true },          [OP_TMPFS] = { EFFECT_WRITABLE, true },
	[OP_MQUEUE] = { EFFECT_WRITABLE, true },       [OP_DIR] = { EFFECT_WRITABLE, false },
	[OP_FILE] = { EFFECT_WRITABLE, false },        [OP_BIND_DATA] = { EFFECT_AS_FLAGGED, true },
	[OP_SYMLINK] = { EFFECT_NONE, false },         [OP_CHMOD] = { EFFECT_NONE, false },
	[OP_OVERLAY] = { EFFECT_WRITABLE, true },      [OP_TMP_OVERLAY] = { EFFECT_WRITABLE, true },
	[OP_RO_OVERLAY] = { EFFECT_READ_ONLY, true },  [OP_HOSTNAME] = { EFFECT_NONE, false },
	[OP_MASK] = { EFFECT_READ_ONLY, true },        [OP_TEXT] = { EFFECT_WRITABLE, false },
};

static bool has_effect(const struct op *op, enum effect effect)
{
	enum effect own = kinds[op->kind].effect;

	if (own == EFFECT_AS_FLAGGED)
		own = op->flags & OP_RDONLY ? EFFECT_READ_ONLY : EFFECT_WRITABLE;
	return op->dst && own == effect;
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

/* A mount hides what was made at its place and below; a remount changes that one place. */
static bool is_covered(const struct op *op, const struct op *later)
{
	if (!later->dst || !lies_in(op->dst, later->dst))
		return false;
	return kinds[later->kind].mounts ||
	       (later->kind == OP_REMOUNT_RO && lies_in(later->dst, op->dst));
}

bool plan_landlock_writable(const struct plan *plan, size_t i)
{
	const struct op *op = plan_op(plan, i);

	if (!has_effect(op, EFFECT_WRITABLE))
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

		for (size_t tree = 0; has_effect(op, EFFECT_READ_ONLY) && tree < plan->ops.len;
		     tree++)
			if (plan_landlock_writable(plan, tree) &&
			    lies_in(op->dst, plan_op(plan, tree)->dst))
				return (int)tree;
	}
	return -1;
}
