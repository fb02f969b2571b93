/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void plan_init(struct plan *plan, enum personality personality)
{
	*plan = (struct plan){
		.personality = personality,
		.ns = { .userns_fd = -1, .userns2_fd = -1, .pidns_fd = -1, .netns_fd = -1 },
		.process = { .sync_fd = -1, .block_fd = -1, .userns_block_fd = -1 },
		.report = { .info_fd = -1, .json_status_fd = -1 },
		.net = { .log_fd = -1,
		         .rules = VEC_INIT(struct plan_net_rule),
		         .publish = VEC_INIT(struct plan_net_publish) },
		.seccomp_fd = -1,
		.ops = VEC_INIT(struct op),
		.layers = VEC_INIT(const char *),
		.env = VEC_INIT(struct env_change),
		.caps = VEC_INIT(struct cap_change),
		.seccomp_fds = VEC_INIT(int),
		.lock_files = VEC_INIT(const char *),
		.overlay_opts = VEC_INIT(const char *),
		.keep_fds = VEC_INIT(int),
		.warnings = VEC_INIT(const char *),
		.owned = VEC_INIT(char *),
	};
	limits_init(&plan->limits);
}

void plan_free(struct plan *plan)
{
	struct vec *lists[] = { &plan->ops,          &plan->layers,     &plan->env,
		                &plan->caps,         &plan->warnings,   &plan->seccomp_fds,
		                &plan->overlay_opts, &plan->keep_fds,   &plan->lock_files,
		                &plan->net.rules,    &plan->net.publish };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		vec_free(lists[i]);
	limits_free(&plan->limits);
	for (size_t i = 0; i < plan->owned.len; i++)
		free(VEC_AT(&plan->owned, char *, i));
	vec_free(&plan->owned);
}

int plan_add_op(struct plan *plan, const struct op *op)
{
	return vec_add(&plan->ops, op);
}

const char *plan_printf(struct plan *plan, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (r < 0)
		return NULL;
	if (vec_add(&plan->owned, &text) < 0) {
		free(text);
		return NULL;
	}
	return text;
}
