/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * JSON to struct oci_profile. Members that nobody knows are refused: what looks like a typing
 * mistake in a condition would otherwise make a rule hold where it must not. The members known to
 * be without effect here are comments, listener* and $schema.
 */
#include "oci/profile.h"

#include <errno.h>
#include <json-c/json.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/err.h"
#include "core/parse.h"
#include "oci/json.h"
#include "oci/words.h"

enum { ERRNO_MAX = 4095, WORDS_MAX = 640 };

/* An array for what at holds; NULL only with an error. */
static void *make_list(const struct json_at *at, size_t size, size_t *ret_len, struct err *err)
{
	void *list;

	if (json_get_array(at, ret_len, err) < 0)
		return NULL;
	list = calloc(*ret_len + 1, size);
	if (!list)
		(void)err_text(err, ENOMEM, "read the profile");
	return list;
}

static int parse_strings(const struct json_at *at, struct oci_strings *ret, struct err *err)
{
	size_t i, len;
	int r = 0;

	ret->list = make_list(at, sizeof(*ret->list), &len, err);
	if (!ret->list)
		return -EINVAL;
	ret->len = len;
	for (i = 0; i < len && r == 0; i++) {
		struct json_at element = json_element(at, i);

		r = json_get_string(&element, &ret->list[i], err);
	}
	return r;
}

static int parse_word(const struct json_at *at, const struct oci_word *table, uint32_t *ret,
                      struct err *err)
{
	const struct oci_word *word;
	char known[WORDS_MAX];
	const char *text;
	int r;

	r = json_get_string(at, &text, err);
	if (r < 0)
		return r;
	word = oci_word_find(table, text);
	if (!word) {
		oci_word_list(table, known, sizeof(known));
		return json_fail(at, err, "'%.64s' is none of %s", text, known);
	}
	*ret = word->value;
	return 0;
}

/* An errno as a number (Docker) or by name (podman); neither leaves EPERM. */
static int parse_errno(const struct json_at *number, const struct json_at *name, uint32_t *ret,
                       struct err *err)
{
	const char *text;
	uint64_t value = EPERM;
	int r = 0;

	*ret = EPERM;
	if (number->value)
		r = json_get_uint(number, ERRNO_MAX, &value, err);
	if (r < 0)
		return r;
	*ret = (uint32_t)value;
	if (!name->value)
		return 0;
	r = json_get_string(name, &text, err);
	if (r < 0 || !text[0])
		return r;
	r = oci_errno_number(text);
	if (r < 0)
		return json_fail(name, err, "'%.64s' is no errno (such as EPERM)", text);
	if (number->value && r != (int)value)
		return json_fail(name, err, "%s is not the %llu of the other member", text,
		                 (unsigned long long)value);
	*ret = (uint32_t)r;
	return 0;
}

struct action_keys {
	const char *action, *number, *name;
};

static int parse_action(const struct json_at *at, const struct action_keys *keys, uint32_t *ret,
                        struct err *err)
{
	struct json_at action = json_member(at, keys->action);
	struct json_at number = json_member(at, keys->number);
	struct json_at name = json_member(at, keys->name);
	uint32_t error = EPERM;
	int r;

	if (json_object_is_type(action.value, json_type_string) &&
	    strcmp(json_object_get_string(action.value), "SCMP_ACT_NOTIFY") == 0)
		return json_fail(&action, err,
		                 "SCMP_ACT_NOTIFY needs a supervisor, which a sandbox has not");
	r = parse_word(&action, oci_actions, ret, err);
	if (r == 0)
		r = parse_errno(&number, &name, &error, err);
	if (r < 0)
		return r;
	if (*ret == SCMP_ACT_ERRNO(0))
		*ret = SCMP_ACT_ERRNO(error);
	else if (*ret == SCMP_ACT_TRACE(0))
		*ret = SCMP_ACT_TRACE(error);
	return 0;
}

static int parse_kernel(const struct json_at *at, struct oci_filter *ret, struct err *err)
{
	uint64_t major, minor;
	char buf[32];
	const char *text;
	char *dot;
	int r;

	if (!at->value)
		return 0;
	r = json_get_string(at, &text, err);
	if (r < 0 || !text[0])
		return r;
	snprintf(buf, sizeof(buf), "%s", text);
	dot = strchr(buf, '.');
	if (!dot)
		return json_fail(at, err, "'%.64s' is no kernel version (such as 4.8)", text);
	*dot = '\0';
	if (strlen(text) >= sizeof(buf) || parse_uint(buf, UINT16_MAX, &major) < 0 ||
	    parse_uint(dot + 1, UINT16_MAX, &minor) < 0)
		return json_fail(at, err, "'%.64s' is no kernel version (such as 4.8)", text);
	ret->kernel_major = (unsigned int)major;
	ret->kernel_minor = (unsigned int)minor;
	return 0;
}

static int parse_filter(const struct json_at *at, struct oci_filter *ret, struct err *err)
{
	static const char *const keys[] = { "caps", "arches", "minKernel", NULL };
	struct json_at caps, arches, kernel;
	int r;

	if (!at->value)
		return 0;
	r = json_check_object(at, keys, err);
	if (r < 0)
		return r;
	caps = json_member(at, "caps");
	arches = json_member(at, "arches");
	kernel = json_member(at, "minKernel");
	r = parse_strings(&caps, &ret->caps, err);
	if (r == 0)
		r = parse_strings(&arches, &ret->arches, err);
	return r < 0 ? r : parse_kernel(&kernel, ret, err);
}

static int parse_arg(const struct json_at *at, struct oci_arg *ret, struct err *err)
{
	static const char *const keys[] = { "index", "value", "valueTwo", "op", NULL };
	struct json_at index, value, value_two, op;
	uint64_t number = 0;
	int r;

	r = json_check_object(at, keys, err);
	if (r < 0)
		return r;
	index = json_member(at, "index");
	value = json_member(at, "value");
	value_two = json_member(at, "valueTwo");
	op = json_member(at, "op");
	r = json_get_uint(&index, OCI_ARGS_MAX - 1, &number, err);
	ret->index = (unsigned int)number;
	if (r == 0)
		r = json_get_uint(&value, UINT64_MAX, &ret->value, err);
	if (r == 0 && value_two.value)
		r = json_get_uint(&value_two, UINT64_MAX, &ret->value_two, err);
	return r < 0 ? r : parse_word(&op, oci_operators, &ret->op, err);
}

static int parse_args(const struct json_at *at, struct oci_rule *ret, struct err *err)
{
	size_t i, len;
	int r;

	r = json_get_array(at, &len, err);
	if (r < 0)
		return r;
	if (len > OCI_ARGS_MAX)
		return json_fail(at, err, "%zu conditions, the most is %d", len, OCI_ARGS_MAX);
	for (i = 0; i < len && r == 0; i++) {
		struct json_at element = json_element(at, i);

		r = parse_arg(&element, &ret->args[i], err);
	}
	ret->arg_count = len;
	return r;
}

/* "names" of Docker, or the single "name" of older profiles. */
static int parse_names(const struct json_at *at, struct oci_strings *ret, struct err *err)
{
	struct json_at names = json_member(at, "names");
	struct json_at name = json_member(at, "name");
	int r;

	if (name.value && names.value)
		return json_fail(at, err, "both 'name' and 'names'");
	r = parse_strings(&names, ret, err);
	if (r < 0)
		return r;
	if (name.value) {
		ret->len = 1;
		return json_get_string(&name, &ret->list[0], err);
	}
	return ret->len ? 0 : json_fail(at, err, "'names' is missing or empty");
}

static int parse_rule(const struct json_at *at, struct oci_rule *ret, struct err *err)
{
	static const char *const keys[] = { "names", "name",     "action",   "errnoRet", "errno",
		                            "args",  "includes", "excludes", "comment",  NULL };
	static const struct action_keys action = { "action", "errnoRet", "errno" };
	struct json_at args, includes, excludes;
	int r;

	r = json_check_object(at, keys, err);
	if (r < 0)
		return r;
	args = json_member(at, "args");
	includes = json_member(at, "includes");
	excludes = json_member(at, "excludes");
	r = parse_names(at, &ret->names, err);
	if (r == 0)
		r = parse_action(at, &action, &ret->action, err);
	if (r == 0)
		r = parse_args(&args, ret, err);
	if (r == 0)
		r = parse_filter(&includes, &ret->includes, err);
	return r < 0 ? r : parse_filter(&excludes, &ret->excludes, err);
}

static int parse_rules(const struct json_at *at, struct oci_profile *ret, struct err *err)
{
	size_t i, len;
	int r = 0;

	ret->rules = make_list(at, sizeof(*ret->rules), &len, err);
	if (!ret->rules)
		return -EINVAL;
	ret->rule_len = len;
	for (i = 0; i < len && r == 0; i++) {
		struct json_at element = json_element(at, i);

		r = parse_rule(&element, &ret->rules[i], err);
	}
	return r;
}

static int parse_arches(const struct json_at *at, uint32_t **ret, size_t *ret_len, struct err *err)
{
	size_t i;
	int r = 0;

	*ret = make_list(at, sizeof(**ret), ret_len, err);
	if (!*ret)
		return -EINVAL;
	for (i = 0; i < *ret_len && r == 0; i++) {
		struct json_at element = json_element(at, i);

		r = parse_word(&element, oci_architectures, &(*ret)[i], err);
	}
	return r;
}

static int parse_map_entry(const struct json_at *at, struct oci_arch_map *ret, struct err *err)
{
	static const char *const keys[] = { "architecture", "subArchitectures", NULL };
	struct json_at arch, sub;
	int r;

	r = json_check_object(at, keys, err);
	if (r < 0)
		return r;
	arch = json_member(at, "architecture");
	sub = json_member(at, "subArchitectures");
	r = parse_word(&arch, oci_architectures, &ret->arch, err);
	return r < 0 ? r : parse_arches(&sub, &ret->sub, &ret->sub_len, err);
}

static int parse_map(const struct json_at *at, struct oci_profile *ret, struct err *err)
{
	size_t i, len;
	int r = 0;

	ret->map = make_list(at, sizeof(*ret->map), &len, err);
	if (!ret->map)
		return -EINVAL;
	ret->map_len = len;
	if (len && ret->arch_len)
		return json_fail(at, err, "both 'architectures' and 'archMap'");
	for (i = 0; i < len && r == 0; i++) {
		struct json_at element = json_element(at, i);

		r = parse_map_entry(&element, &ret->map[i], err);
	}
	return r;
}

static int parse_flags(const struct json_at *at, struct oci_profile *ret, struct err *err)
{
	size_t i, len;
	uint32_t flag = 0;
	int r;

	r = json_get_array(at, &len, err);
	for (i = 0; i < len && r == 0; i++) {
		struct json_at element = json_element(at, i);

		r = parse_word(&element, oci_flags, &flag, err);
		if (r == 0)
			ret->flags |= flag;
	}
	return r;
}

static int parse_profile(const struct json_at *at, struct oci_profile *ret, struct err *err)
{
	static const char *const keys[] = { "defaultAction", "defaultErrnoRet",  "defaultErrno",
		                            "architectures", "archMap",          "flags",
		                            "listenerPath",  "listenerMetadata", "syscalls",
		                            "comment",       "$schema",          NULL };
	static const struct action_keys action = { "defaultAction", "defaultErrnoRet",
		                                   "defaultErrno" };
	struct json_at arches, map, flags, rules;
	int r;

	r = json_check_object(at, keys, err);
	if (r < 0)
		return r;
	arches = json_member(at, "architectures");
	map = json_member(at, "archMap");
	flags = json_member(at, "flags");
	rules = json_member(at, "syscalls");
	r = parse_action(at, &action, &ret->action, err);
	if (r == 0)
		r = parse_arches(&arches, &ret->arches, &ret->arch_len, err);
	if (r == 0)
		r = parse_map(&map, ret, err);
	if (r == 0)
		r = parse_flags(&flags, ret, err);
	return r < 0 ? r : parse_rules(&rules, ret, err);
}

int oci_profile_parse(const char *text, size_t len, struct oci_profile *ret, struct err *err)
{
	struct json_at root = { NULL, { NULL, NULL, 0 } };
	int r;

	*ret = (struct oci_profile){ 0 };
	if (len > OCI_TEXT_MAX)
		return err_text(err, 0, "longer than %d bytes", OCI_TEXT_MAX);
	r = json_text(text, len, &ret->json, err);
	if (r < 0)
		return r;
	root.value = ret->json;
	r = parse_profile(&root, ret, err);
	if (r < 0)
		oci_profile_free(ret);
	return r;
}

static void free_filter(const struct oci_filter *filter)
{
	free(filter->caps.list);
	free(filter->arches.list);
}

void oci_profile_free(struct oci_profile *profile)
{
	size_t i;

	for (i = 0; i < profile->rule_len; i++) {
		free(profile->rules[i].names.list);
		free_filter(&profile->rules[i].includes);
		free_filter(&profile->rules[i].excludes);
	}
	for (i = 0; i < profile->map_len; i++)
		free(profile->map[i].sub);
	free(profile->rules);
	free(profile->map);
	free(profile->arches);
	json_object_put(profile->json);
	*profile = (struct oci_profile){ 0 };
}
