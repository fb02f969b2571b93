/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One operation on the new root (or, for the host name, in its order among them). */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum op_kind {
	OP_BIND,    /* src on dst, recursively */
	OP_BIND_FD, /* what fd shows, on dst */
	OP_REMOUNT_RO,
	OP_PROC,
	OP_DEV,
	OP_TMPFS,
	OP_MQUEUE,
	OP_DIR,
	OP_FILE,      /* the bytes of fd, written to dst */
	OP_BIND_DATA, /* the bytes of fd, in a file of its own mounted on dst */
	OP_SYMLINK,   /* src is the target */
	OP_CHMOD,
	OP_OVERLAY,     /* src is the upper directory, work the work directory */
	OP_TMP_OVERLAY, /* upper layer in memory */
	OP_RO_OVERLAY,
	OP_HOSTNAME, /* src is the name */
	OP_MASK,
	OP_TEXT, /* src is the content of a small file at dst */
	OP_KINDS
};

enum op_flag {
	OP_RDONLY = 1 << 0,
	OP_DEVICES = 1 << 1, /* device nodes keep working */
	OP_TRY = 1 << 2,     /* a missing source is no error */
	OP_SKELETON = 1 << 3 /* laid by us, not asked for */
};

enum { OP_PERMS_DEFAULT = -1 };

struct op {
	enum op_kind kind;
	unsigned int flags;
	const char *src;
	const char *dst;
	const char *work;
	int fd;
	int perms;        /* 0 to 07777, or OP_PERMS_DEFAULT */
	uint64_t size;    /* bytes, 0: the file system's default */
	size_t layers_at; /* overlay sources: plan->layers[layers_at .. + n_layers) */
	size_t n_layers;
	const char *file_label; /* the --file-label in force, or NULL */
};
