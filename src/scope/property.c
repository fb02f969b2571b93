/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope/property.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/parse-limit.h"
#include "core/parse.h"

enum property_type {
	PROPERTY_NUMBER, /* t, UINT64_MAX for "infinity" */
	PROPERTY_TEXT,   /* s */
	PROPERTY_CPUS,   /* ay, one bit a CPU, lowest first */
	PROPERTY_DEVICE, /* a(st) of one element */
	PROPERTY_WORDS,  /* as, separated by blanks */
	PROPERTY_YES,    /* b, "yes" and nothing else */
};

static const struct property {
	const char *name;
	enum property_type type;
} properties[] = {
	{ "AllowedCPUs", PROPERTY_CPUS },
	{ "AllowedMemoryNodes", PROPERTY_CPUS },
	{ "CPUQuotaPerSecUSec", PROPERTY_NUMBER },
	{ "CPUWeight", PROPERTY_NUMBER },
	{ "Delegate", PROPERTY_YES },
	{ "DelegateControllers", PROPERTY_WORDS },
	{ "IOReadBandwidthMax", PROPERTY_DEVICE },
	{ "IOReadIOPSMax", PROPERTY_DEVICE },
	{ "IOWeight", PROPERTY_NUMBER },
	{ "IOWriteBandwidthMax", PROPERTY_DEVICE },
	{ "IOWriteIOPSMax", PROPERTY_DEVICE },
	{ "MemoryHigh", PROPERTY_NUMBER },
	{ "MemoryMax", PROPERTY_NUMBER },
	{ "MemorySwapMax", PROPERTY_NUMBER },
	{ "Slice", PROPERTY_TEXT },
	{ "TasksMax", PROPERTY_NUMBER },
};

static int parse_number(const char *text, uint64_t *ret)
{
	*ret = UINT64_MAX;
	return strcmp(text, "infinity") == 0 ? 0 : parse_uint(text, UINT64_MAX, ret);
}

static int put_number(struct dbus_out *out, const char *text)
{
	uint64_t value;

	if (parse_number(text, &value) < 0)
		return -EINVAL;
	dbus_put_signature(out, "t");
	dbus_put_u64(out, value);
	return 0;
}

static int put_text(struct dbus_out *out, const char *text)
{
	if (!dbus_is_text(text))
		return -EINVAL;
	dbus_put_signature(out, "s");
	dbus_put_string(out, text);
	return 0;
}

static int put_cpus(struct dbus_out *out, const char *text)
{
	struct cpu_list list;
	uint8_t bytes[CPU_LIST_MAX / 8];
	struct dbus_array array;
	size_t len = 0;

	if (parse_cpu_list(text, &list) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(list.bits[i / 8] >> (i % 8 * 8));
		if (bytes[i])
			len = i + 1;
	}
	dbus_put_signature(out, "ay");
	array = dbus_begin_array(out, 1);
	dbus_put_bytes(out, bytes, len);
	dbus_end_array(out, array);
	return 0;
}

static int put_device(struct dbus_out *out, const char *text)
{
	const char *blank = strrchr(text, ' ');
	struct dbus_array array;
	char path[PATH_MAX];
	uint64_t value;
	size_t len;

	if (!blank || blank == text || parse_uint(blank + 1, UINT64_MAX, &value) < 0)
		return -EINVAL;
	len = (size_t)(blank - text);
	if (len >= sizeof(path))
		return -EINVAL;
	memcpy(path, text, len);
	path[len] = '\0';
	if (!dbus_is_text(path))
		return -EINVAL;
	dbus_put_signature(out, "a(st)");
	array = dbus_begin_array(out, 8);
	dbus_put_struct(out);
	dbus_put_string(out, path);
	dbus_put_u64(out, value);
	dbus_end_array(out, array);
	return 0;
}

static int put_words(struct dbus_out *out, const char *text)
{
	struct dbus_array array;

	if (!dbus_is_text(text))
		return -EINVAL;
	dbus_put_signature(out, "as");
	array = dbus_begin_array(out, sizeof(uint32_t));
	for (const char *p = text + strspn(text, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		dbus_put_u32(out, (uint32_t)len);
		dbus_put_bytes(out, p, len);
		dbus_put_bytes(out, "", 1);
		p += len;
	}
	dbus_end_array(out, array);
	return 0;
}

static int put_yes(struct dbus_out *out, const char *text)
{
	if (strcmp(text, "yes") != 0)
		return -EINVAL;
	dbus_put_signature(out, "b");
	dbus_put_u32(out, true);
	return 0;
}

static int put_value(struct dbus_out *out, enum property_type type, const char *text)
{
	switch (type) {
	case PROPERTY_NUMBER:
		return put_number(out, text);
	case PROPERTY_TEXT:
		return put_text(out, text);
	case PROPERTY_CPUS:
		return put_cpus(out, text);
	case PROPERTY_DEVICE:
		return put_device(out, text);
	case PROPERTY_WORDS:
		return put_words(out, text);
	case PROPERTY_YES:
		return put_yes(out, text);
	}
	return -EINVAL;
}

static void put_name(struct dbus_out *out, const char *name)
{
	dbus_put_struct(out);
	dbus_put_string(out, name);
}

int property_put(struct dbus_out *out, const char *text, struct err *err)
{
	size_t len = strcspn(text, "=");

	for (size_t i = 0; text[len] && i < ARRAY_LEN(properties); i++) {
		const struct property *property = &properties[i];

		if (strlen(property->name) != len || strncmp(property->name, text, len) != 0)
			continue;
		put_name(out, property->name);
		if (put_value(out, property->type, text + len + 1) == 0)
			return 0;
		return err_text(err, 0, "property %s can't be '%s'", property->name,
		                text + len + 1);
	}
	return err_text(err, 0, "no property is called '%.*s'", (int)len, text);
}

void property_put_text(struct dbus_out *out, const char *name, const char *value)
{
	put_name(out, name);
	dbus_put_signature(out, "s");
	dbus_put_string(out, value);
}
