/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/errno-text.h"

static const struct {
	const char *native;
	const char *compat;
} steps[STEP_COUNT] = {
#define STEP(name, native, compat) [STEP_##name] = { native, compat },
#include "core/steps.def"
#undef STEP
};

static void copy_text(char dst[ERR_TEXT_MAX], const char *src)
{
	size_t len = src ? strnlen(src, ERR_TEXT_MAX - 1) : 0;

	if (len)
		memcpy(dst, src, len);
	dst[len] = '\0';
}

int err_step(struct err *err, enum step step, int num, const char *subject, const char *object)
{
	err->step = step;
	err->num = num;
	copy_text(err->subject, subject);
	copy_text(err->object, object);
	return num ? -num : -EINVAL;
}

int err_fd(struct err *err, enum step step, int num, int fd)
{
	int r = err_step(err, step, num, NULL, NULL);

	snprintf(err->subject, sizeof(err->subject), "%d", fd);
	return r;
}

int err_text(struct err *err, int num, const char *fmt, ...)
{
	va_list ap;

	err->step = STEP_TEXT;
	err->num = num;
	err->object[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(err->subject, sizeof(err->subject), fmt, ap);
	va_end(ap);
	return num ? -num : -EINVAL;
}

/* A bounded string under construction; what does not fit is cut. */
struct line {
	char *buf;
	size_t len;
	size_t size;
};

static void line_add(struct line *line, const char *text)
{
	size_t len = strlen(text);

	if (len > line->size - 1 - line->len)
		len = line->size - 1 - line->len;
	memcpy(line->buf + line->len, text, len);
	line->len += len;
	line->buf[line->len] = '\0';
}

/* One line stays one line, and a terminal is not steered by a file name. */
static void line_add_escaped(struct line *line, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char out[5] = { (char)c, '\0' };

		if (c < 0x20 || c == 0x7f)
			snprintf(out, sizeof(out), "\\x%02x", c);
		line_add(line, out);
	}
}

typedef void add_fn(struct line *line, const char *text);

/* %s is the subject, %o the object; the capitals begin with a slash in any case. */
static void format_words(const struct err *err, const char *fmt, add_fn *add, struct line *line)
{
	for (; *fmt; fmt++) {
		const char *text = fmt[1] == 's' || fmt[1] == 'S' ? err->subject : err->object;

		if (fmt[0] != '%' || !fmt[1] || !strchr("sSoO", fmt[1])) {
			line_add(line, (char[]){ *fmt, '\0' });
			continue;
		}
		fmt++;
		if ((*fmt == 'S' || *fmt == 'O') && text[0] != '/')
			line_add(line, "/");
		add(line, text);
	}
}

static void format_native(const struct err *err, struct line *line)
{
	if (err->step == STEP_TEXT) {
		line_add_escaped(line, err->subject);
		return;
	}
	if (strchr(steps[err->step].native, '%')) {
		format_words(err, steps[err->step].native, line_add_escaped, line);
		return;
	}
	line_add(line, steps[err->step].native);
	if (err->subject[0]) {
		line_add(line, " '");
		line_add_escaped(line, err->subject);
		line_add(line, "'");
	}
	if (err->object[0]) {
		line_add(line, " on '");
		line_add_escaped(line, err->object);
		line_add(line, "'");
	}
}

void err_format(const struct err *err, enum personality personality, char *buf, size_t size)
{
	const char *reason = err->num ? errno_text(err->num) : NULL;
	size_t kept = reason ? strlen(": ") + strlen(reason) : 0;
	struct line line = { buf, 0, size > kept ? size - kept : size };

	buf[0] = '\0';
	if (personality == PERSONALITY_BWRAP)
		format_words(err, err->step == STEP_TEXT ? "%s" : steps[err->step].compat, line_add,
		             &line);
	else
		format_native(err, &line);
	line.size = size;
	if (reason) {
		line_add(&line, ": ");
		line_add(&line, reason);
	}
}

size_t err_pack(const struct err *err, char buf[ERR_PACKED_MAX])
{
	int32_t head[2] = { (int32_t)err->step, err->num };
	size_t subject = strlen(err->subject) + 1;
	size_t object = strlen(err->object) + 1;

	memcpy(buf, head, sizeof(head));
	memcpy(buf + sizeof(head), err->subject, subject);
	memcpy(buf + sizeof(head) + subject, err->object, object);
	return sizeof(head) + subject + object;
}

int err_unpack(struct err *err, const char *buf, size_t len)
{
	int32_t head[2];
	const char *subject = buf + sizeof(head);
	const char *end;

	if (len < sizeof(head) + 2 || len > ERR_PACKED_MAX || buf[len - 1] != '\0')
		return -EINVAL;
	memcpy(head, buf, sizeof(head));
	end = memchr(subject, '\0', len - sizeof(head));
	if (head[0] <= STEP_NONE || head[0] >= STEP_COUNT || head[1] < 0 || end == buf + len - 1)
		return -EINVAL;
	if (strlen(subject) >= ERR_TEXT_MAX || strlen(end + 1) >= ERR_TEXT_MAX ||
	    end + 1 + strlen(end + 1) != buf + len - 1)
		return -EINVAL;
	(void)err_step(err, (enum step)head[0], head[1], subject, end + 1);
	return 0;
}
