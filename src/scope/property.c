/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scope/property.h"

#include <gio/gio.h>
#include <string.h>

#include "core/parse-limit.h"
#include "core/parse.h"

enum property_type {
	PROPERTY_NUMBER, /* t, UINT64_MAX for "infinity" */
	PROPERTY_TEXT,   /* s */
	PROPERTY_CPUS,   /* ay, one bit a CPU, lowest first */
	PROPERTY_DEVICE, /* a(st) of one element */
};

static const struct {
	const char *name;
	enum property_type type;
} properties[] = {
	{ "AllowedCPUs", PROPERTY_CPUS },
	{ "AllowedMemoryNodes", PROPERTY_CPUS },
	{ "CPUQuotaPerSecUSec", PROPERTY_NUMBER },
	{ "CPUWeight", PROPERTY_NUMBER },
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

static GVariant *parse_number(const char *text)
{
	uint64_t value = UINT64_MAX;

	if (strcmp(text, "infinity") != 0 && parse_uint(text, UINT64_MAX, &value) < 0)
		return NULL;
	return g_variant_new_uint64(value);
}

static GVariant *parse_cpus_bytes(const char *text)
{
	struct cpu_list list;
	guint8 bytes[CPU_LIST_MAX / 8];
	gsize len = 0;

	if (parse_cpu_list(text, &list) < 0)
		return NULL;
	for (gsize i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (guint8)(list.bits[i / 8] >> (i % 8 * 8));
		if (bytes[i])
			len = i + 1;
	}
	return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, len, 1);
}

static GVariant *parse_device_limit(const char *text)
{
	const char *blank = strrchr(text, ' ');
	g_autofree char *path = NULL;
	GVariantBuilder devices;
	uint64_t value;

	if (!blank || blank == text || parse_uint(blank + 1, UINT64_MAX, &value) < 0)
		return NULL;
	path = g_strndup(text, (gsize)(blank - text));
	if (!g_utf8_validate(path, -1, NULL))
		return NULL;
	g_variant_builder_init(&devices, G_VARIANT_TYPE("a(st)"));
	g_variant_builder_add(&devices, "(st)", path, value);
	return g_variant_builder_end(&devices);
}

static GVariant *parse_value(enum property_type type, const char *text)
{
	switch (type) {
	case PROPERTY_NUMBER:
		return parse_number(text);
	case PROPERTY_TEXT:
		return g_utf8_validate(text, -1, NULL) ? g_variant_new_string(text) : NULL;
	case PROPERTY_CPUS:
		return parse_cpus_bytes(text);
	case PROPERTY_DEVICE:
		return parse_device_limit(text);
	}
	return NULL;
}

GVariant *property_parse(const char *text, GError **error)
{
	const char *equals = strchr(text, '=');
	g_autofree char *name = g_strndup(text, equals ? (gsize)(equals - text) : strlen(text));

	for (gsize i = 0; equals && i < G_N_ELEMENTS(properties); i++) {
		GVariant *value;

		if (strcmp(properties[i].name, name) != 0)
			continue;
		value = parse_value(properties[i].type, equals + 1);
		if (value)
			return g_variant_new("(sv)", name, value);
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
		            "property %s can't be '%s'", name, equals + 1);
		return NULL;
	}
	g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "no property is called '%s'",
	            name);
	return NULL;
}
