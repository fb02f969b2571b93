/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unit properties: "NAME=VALUE" to what StartTransientUnit takes (org.freedesktop.systemd1(5)).
 * Only the properties that a scope of sbx's can need are known; any other name is an error.
 */
#pragma once

#include <glib.h>

/* Gives a new (floating) "(sv)". Returns NULL with error set when NAME is not known or VALUE does
 * not fit: numbers are decimal or "infinity", CPU lists as in cpuset(7), a device is "PATH NUMBER".
 */
GVariant *property_parse(const char *text, GError **error);
