/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/memory.h"

#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* The first object is the program itself. What was written to, relocations for one, is no copy of
 * the file. */
static int let_go_of_program(struct dl_phdr_info *info, size_t size, void *page)
{
	uintptr_t mask = ~(*(uintptr_t *)page - 1);

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *phdr = &info->dlpi_phdr[i];
		uintptr_t begin = info->dlpi_addr + phdr->p_vaddr;
		uintptr_t end = begin + phdr->p_memsz;

		if (phdr->p_type == PT_LOAD && !(phdr->p_flags & PF_W))
			(void)madvise((void *)(begin & mask), end - (begin & mask), MADV_DONTNEED);
	}
	return 1;
}

void memory_let_go(void)
{
	const uintptr_t reach = (uintptr_t)128 * 1024;
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	/* two pages for what is called from here */
	uintptr_t end = ((uintptr_t)__builtin_frame_address(0) & ~(page - 1)) - 2 * page;

	(void)dl_iterate_phdr(let_go_of_program, &page);
	/* nothing else is within a megabyte of a stack (the kernel's stack_guard_gap) */
	(void)madvise((void *)(end - reach), reach, MADV_DONTNEED);
}
