#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Raw seccomp filters from descriptors.

load ../lib/common
load ../lib/compare

probe=$BATS_TEST_DIRNAME/../lib/probe.py

setup() {
    common_setup
    PERSONALITY=bwrap
    need_program python3
}

# filter FD DEFAULT RULES...: FD reads a filter (see probe.py bpf).
filter() {
    local fd=$1

    shift
    python3 "$probe" bpf "$T/filter.$fd" "$@"
    FEED["$fd"]=$T/filter.$fd
}

@test "--seccomp: the filter is in force for the payload" {
    filter 20 allow uname=e1
    compare_sandbox --seccomp 20 --proc /proc sh -c 'grep ^Seccomp: /proc/self/status; uname -n || echo denied'
    like "$output" 'Seccomp:.2'
    has "$output" denied
    # pid 1 takes a caller's filter once the payload runs, because starting that needs more calls
    compare_sandbox --seccomp 20 --unshare-pid --proc /proc sh -c '
        until grep -q ^Seccomp:.2 /proc/1/status; do sleep 0.02; done
        grep ^Seccomp: /proc/self/status /proc/1/status'
    is "$(grep -c 'Seccomp:.2' <<<"$output")" 2 'pid 1 has the filter too'
}

@test "--seccomp: a killing filter ends the payload by SIGSYS" {
    filter 20 allow uname=kill
    compare_sandbox --seccomp 20 uname
    is "$status" $((128 + $(kill -l SYS)))
}

@test "--add-seccomp-fd: several, each one counts" {
    filter 20 allow uname=e1
    filter 21 allow getppid=e2 syslog=e13
    compare_sandbox --add-seccomp-fd 20 --add-seccomp-fd 21 --proc /proc sh -c '
        grep ^Seccomp_filters /proc/self/status; uname -n 2>&1 || echo denied; exit 3'
    is "$status" 3
    like "$output" 'Seccomp_filters:.2'
    has "$output" denied
}

@test "bad filters" {
    feed 20 1234567
    compare_sandbox --seccomp 20 echo ran
    is "$stderr" 'bwrap: Invalid seccomp data, must be multiple of 8'
    is "$status" 1
    compare_sandbox --add-seccomp-fd 20 echo ran
    is "$stderr" 'bwrap: Invalid seccomp data, must be multiple of 8'
    compare_sandbox --add-seccomp-fd 29 echo ran
    like "$stderr" "^bwrap: Can't read seccomp data: "
    compare_sandbox --seccomp 29 echo ran
    like "$stderr" "^bwrap: Can't read seccomp data: "
    is "$output" ''
}

@test "a filter that the kernel does not take is fatal" {
    feed 20 ''
    compare_sandbox --seccomp 20 echo ran
    is "$status" 1
    is "$output" ''
    printf '\0\0\0\0\0\0\0\0' >"$T/zero"
    feed_file 20 "$T/zero"
    compare_sandbox --add-seccomp-fd 20 echo ran
    is "$status" 1
    is "$output" ''
}

@test "the seccomp descriptors do not reach the payload" {
    filter 20 allow
    filter 21 allow
    compare_sandbox --add-seccomp-fd 20 --add-seccomp-fd 21 --proc /proc ls /proc/self/fd
    is "$output" $'0\n1\n2\n3'
    compare_sandbox --seccomp 20 --proc /proc ls /proc/self/fd
    is "$(xargs <<<"$output")" '0 1 2 21 3'
}

# glycin, which GTK loads every image with, passes an allow-list that is cut to what bwrap does
# after the filter: the payload's process may write and execve, pid 1 may wait4, write, close and
# exit_group. Anything else there kills every image.
@test "after the filter: only write and execve in the payload, wait4, write, close, exit_group in pid 1" {
    need_program cc
    local ns

    mkdir "$T/static"
    cat >"$T/static/exit7.c" <<'END'
void _start(void)
{
#if defined(__x86_64__)
	__asm__ volatile("syscall" : : "a"(231), "D"(7));
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = 94;
	register long x0 __asm__("x0") = 7;
	__asm__ volatile("svc 0" : : "r"(x8), "r"(x0));
#else
#error unknown machine
#endif
	for (;;)
		;
}
END
    cc -O1 -static -nostdlib -fno-stack-protector -o "$T/static/exit7" "$T/static/exit7.c"
    filter 20 kill wait4=allow write=allow close=allow exit_group=allow execve=allow
    sink 22
    for ns in '' --unshare-pid --unshare-all '--unshare-pid --as-pid-1' '--unshare-pid --die-with-parent --new-session'; do
        # shellcheck disable=SC2086 # several words
        compare_sandbox $ns --ro-bind "$T/static" /static --seccomp 20 /static/exit7
        is "$status" 7 "$ns"
        # shellcheck disable=SC2086
        compare_sandbox $ns --ro-bind "$T/static" /static --add-seccomp-fd 20 --add-seccomp-fd 21 /static/exit7 || true
    done
    filter 20 kill write=allow execve=allow exit_group=allow
    alone "${ROOT[@]}" --ro-bind "$T/static" /static --seccomp 20 /static/exit7
    is "$status" 7 'without a pid namespace wait4 and close are not needed either'
    filter 20 kill wait4=allow write=allow close=allow exit_group=allow execve=allow
    alone "${ROOT[@]}" --unshare-pid --json-status-fd 22 --ro-bind "$T/static" /static --seccomp 20 /static/exit7
    is "$status" 7
    has "$(<"$T/sink.22")" '"exit-code": 7'
    alone "${ROOT[@]}" --unshare-pid --seccomp 20 /none
    is "$status" 1 'a failed exec is reported'
}
