/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unit properties: "NAME=VALUE" to what StartTransientUnit takes (org.freedesktop.systemd1(5)).
 * Only the properties that a scope of sbx's can need are known; any other name is an error.
 */
#pragma once

#include "core/err.h"
#include "scope/dbus.h"

/* Adds a "(sv)". Returns 0, or -EINVAL with err set when NAME is not known or VALUE does not fit:
 * numbers are decimal or "infinity", CPU lists as in cpuset(7), a device is "PATH NUMBER", words
 * are separated by blanks. */
int property_put(struct dbus_out *out, const char *text, struct err *err);

/* One that comes from nowhere but here. value is UTF-8. */
void property_put_text(struct dbus_out *out, const char *name, const char *value);
