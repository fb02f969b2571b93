/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory of the processes that stay for as long as the sandbox does. */
#pragma once

/* Gives back the pages that only the set-up needed: the program's own, which come back from the
 * page cache when they are touched again, and the stack below the caller's frame. For a process
 * that is about to wait. It cannot fail; at worst nothing is given back. */
void memory_let_go(void);
