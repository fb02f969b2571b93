/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What strerror(3) of GNU's libc says, whichever libc is linked; static text. */
const char *errno_text(int num);
