/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/path.h"

#include <stddef.h>
#include <string.h>

/* The next real component at *path (advanced behind it), or length 0 at the end. */
static size_t next_component(const char **path, const char **ret)
{
	for (;;) {
		size_t len;

		*path += strspn(*path, "/");
		len = strcspn(*path, "/");
		*ret = *path;
		*path += len;
		if (!(len == 1 && (*ret)[0] == '.'))
			return len;
	}
}

static bool is_dotdot(const char *component, size_t len)
{
	return len == 2 && component[0] == '.' && component[1] == '.';
}

bool path_is_root(const char *path)
{
	const char *component;

	return next_component(&path, &component) == 0;
}

enum relation { UNRELATED, SAME, BELOW };

static enum relation path_relate(const char *path, const char *dir)
{
	enum relation relation = UNRELATED;
	bool matching = true;

	for (;;) {
		const char *p;
		const char *d;
		size_t plen = next_component(&path, &p);
		size_t dlen = matching ? next_component(&dir, &d) : 0;

		if (is_dotdot(p, plen) || (dlen && is_dotdot(d, dlen)))
			return UNRELATED;
		if (matching && dlen == 0) {
			relation = plen ? BELOW : SAME;
			matching = false;
		} else if (matching && (plen != dlen || memcmp(p, d, plen) != 0)) {
			return UNRELATED;
		}
		if (plen == 0)
			return relation;
	}
}

bool path_same(const char *a, const char *b)
{
	return path_relate(a, b) == SAME;
}

bool path_below(const char *path, const char *dir)
{
	return path_relate(path, dir) == BELOW;
}

const char *path_relative(const char *path)
{
	path += strspn(path, "/");
	return *path ? path : ".";
}

const char *path_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
