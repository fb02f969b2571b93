dnl How sbx itself is linked, and sbx-scope and sbx-net, which a start with a limit or a network waits for. They are
dnl started thousands of times, and use nothing of libc that needs a dynamic
dnl linker (no NSS, no iconv, no dlopen): statically with musl where that is installed beside the system's libc,
dnl else statically with the system's, else dynamically. bench/NOTES.md has what each of them costs.
dnl The other helpers always have the system's libc. Nobody shares what is in a static program: what is not called is left
dnl out, and so are the tables for unwinding.

dnl Threads are in musl's libc, and were a library of their own in older ones of GNU's (SBX_THREAD_LIBS).

dnl SBX_TRY_LINK(WHAT, HOW, CPPFLAGS, LDFLAGS, LIBS): sets SBX_* if such a program can be linked and run.
AC_DEFUN([SBX_TRY_LINK], [
	AC_MSG_CHECKING([whether sbx can be linked $2])
	saved_CPPFLAGS=$CPPFLAGS saved_CFLAGS=$CFLAGS saved_LDFLAGS=$LDFLAGS saved_LIBS=$LIBS
	CPPFLAGS="$3 $CPPFLAGS" CFLAGS="$CFLAGS -fPIE" LDFLAGS="$4 $LDFLAGS" LIBS="$5"
	AC_RUN_IFELSE([AC_LANG_PROGRAM([[
		#include <linux/mount.h>
		#include <stdarg.h>
		#include <stdio.h>
		#include <sys/queue.h>
		]], [[
		char text@<:@32@:>@;
		return snprintf(text, sizeof(text), "%zu", sizeof(struct mount_attr)) < 1;
		]])], [SBX_LINK=$1], [], [SBX_LINK=])
	CPPFLAGS=$saved_CPPFLAGS CFLAGS=$saved_CFLAGS LDFLAGS=$saved_LDFLAGS LIBS=$saved_LIBS
	AS_IF([test "x$SBX_LINK" = "x$1"],
		[AC_MSG_RESULT([yes])
		SBX_CPPFLAGS="$3" SBX_LDFLAGS="$4 -Wl,--gc-sections" SBX_LIBS="$5"
		SBX_CFLAGS="-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables"],
		[AC_MSG_RESULT([no])])
])

dnl musl-gcc is a wrapper around gcc; what it knows is asked of it and used with our own compiler, because it
dnl can link no position-independent static program, and finds no kernel headers. It has no sys/queue.h either, which is
dnl nothing but macros: the system's is as good.
AC_DEFUN([SBX_TRY_MUSL], [
	musl_include=`$MUSL_GCC -E -v -x c /dev/null 2>&1 | sed -n '/^#include </{n;s/^ *//p;}'`
	: >conftest.o
	musl_lib=`$MUSL_GCC -### conftest.o 2>&1 | tr ' "' '\n\n' | sed -n 's,/crti\.o$,,p'`
	rm -f conftest.o
	multiarch=`$CC -print-multiarch 2>/dev/null`
	AS_MKDIR_P([kernel-headers])
	rm -f kernel-headers/linux kernel-headers/asm kernel-headers/asm-generic
	ln -s /usr/include/linux /usr/include/asm-generic kernel-headers/
	AS_IF([test -d "/usr/include/$multiarch/asm"],
		[ln -s "/usr/include/$multiarch/asm" kernel-headers/asm],
		[ln -s /usr/include/asm kernel-headers/asm])
	queue=`echo '@%:@include <sys/queue.h>' | $CC -E -x c - 2>/dev/null | sed -n '/queue\.h"/{s/^@%:@ 1 "//;s/".*//p;q;}'`
	AS_MKDIR_P([kernel-headers/sys])
	rm -f kernel-headers/sys/queue.h
	AS_IF([test -f "$queue"], [ln -s "$queue" kernel-headers/sys/queue.h])
	SBX_TRY_LINK([musl], [statically with musl],
		[-nostdinc -isystem $musl_include -isystem `$CC -print-file-name=include` -isystem `pwd`/kernel-headers],
		[-static-pie -nostdlib -nostartfiles $musl_lib/rcrt1.o $musl_lib/crti.o `$CC -print-file-name=crtbeginS.o`],
		[$musl_lib/libc.a `$CC -print-libgcc-file-name` `$CC -print-file-name=crtendS.o` $musl_lib/crtn.o])
])

AC_DEFUN([SBX_LIBC], [
	AC_ARG_ENABLE([static-sbx],
		[AS_HELP_STRING([--disable-static-sbx], [link sbx itself dynamically])],
		[], [enable_static_sbx=auto])
	AC_ARG_WITH([musl],
		[AS_HELP_STRING([--without-musl], [link sbx itself with the system's libc even if musl is there])],
		[], [with_musl=auto])
	AC_ARG_VAR([MUSL_GCC], [musl's wrapper of gcc, which tells where musl is])
	AC_CHECK_PROGS([MUSL_GCC], [musl-gcc])
	SBX_LINK=
	AS_IF([test "x$enable_sanitizers" = xyes || test "x$enable_static_sbx" = xno], [], [
		AS_IF([test "x$with_musl" != xno && test -n "$MUSL_GCC"], [SBX_TRY_MUSL])
		AS_IF([test -z "$SBX_LINK"],
			[SBX_TRY_LINK([static], [statically with the system's libc], [], [-static-pie], [])])
		AS_IF([test "x$with_musl" = xyes && test "x$SBX_LINK" != xmusl],
			[AC_MSG_ERROR([musl and the kernel's headers are needed for --with-musl])])
		AS_IF([test "x$enable_static_sbx" = xyes && test -z "$SBX_LINK"],
			[AC_MSG_ERROR([a static libc is needed for --enable-static-sbx])])
	])
	AS_IF([test -z "$SBX_LINK"], [SBX_LINK=dynamic])
	AC_SUBST([SBX_LINK])
	AC_SUBST([SBX_CPPFLAGS])
	AC_SUBST([SBX_CFLAGS])
	AC_SUBST([SBX_LDFLAGS])
	AC_SUBST([SBX_LIBS])
	AS_IF([test "x$SBX_LINK" = xmusl], [SBX_THREAD_LIBS=], [SBX_THREAD_LIBS=-lpthread])
	AC_SUBST([SBX_THREAD_LIBS])
])
