#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How bwrap reads its command line: rules, messages, repeats, modifiers, argument files.

load ../lib/common
load ../lib/compare

options_file=$BATS_TEST_DIRNAME/bwrap-0.11.1.options

# Options by what they take, for messages. Those with two arguments name their message.
one_arg=(--remount-ro --tmpfs --mqueue --dir --proc --dev --chdir --exec-label --file-label
    --lock-file --sync-fd --block-fd --userns-block-fd --info-fd --json-status-fd --seccomp
    --add-seccomp-fd --userns --userns2 --pidns --unsetenv --uid --gid --hostname --cap-add
    --cap-drop --perms --size --args)
two_args=(--bind --bind-try --ro-bind --ro-bind-try --dev-bind --dev-bind-try --bind-fd
    --ro-bind-fd --file --bind-data --ro-bind-data --symlink --setenv --chmod)
fd_options=(--sync-fd --block-fd --userns-block-fd --info-fd --json-status-fd --seccomp
    --add-seccomp-fd --userns --userns2 --pidns --args)

@test "no argument: usage on stderr, status 1" {
    capture "$BWRAP"
    is "$status" 1
    is "$output" ''
    like "$stderr" "^usage: $BWRAP \[OPTIONS\.\.\.\] \[--\] COMMAND \[ARGS\.\.\.\]"
    capture "$BWRAP" --unshare-all
    is "$status" 1
    like "$stderr" '^usage: '
    capture "$BWRAP" --unshare-all --
    is "$status" 1
    like "$stderr" '^usage: '
}

@test "--help: usage on stdout with all 67 options, whatever surrounds it" {
    local option

    capture "$BWRAP" --tmpfs / --help --nonsense
    ok
    like "$output" "^usage: $BWRAP "
    is "$(wc -l <"$options_file")" 67 'options of 0.11.1'
    while read -r option; do
        like "$output" "(^|[[:space:]])$option([[:space:],]|\$)" "usage without $option"
    done <"$options_file"
}

@test "--help before a bad option is answered, after it is not" {
    compare --nonsense --help
    fails 1 'bwrap: Unknown option --nonsense'
}

@test "the name of the program in the usage is argv[0], the prefix of messages is not" {
    ln -s "$SBX" "$T/bin/my-bwrap"
    capture "$T/bin/my-bwrap"
    like "$stderr" "^usage: $T/bin/my-bwrap "
    capture "$T/bin/my-bwrap" --nonsense
    is "$stderr" 'bwrap: Unknown option --nonsense'
}

@test "--version: three integers after the word bubblewrap" {
    capture "$BWRAP" --version
    ok
    is "${output%%$'\n'*}" 'bubblewrap 0.11.1'
    has "$output" sbx
    is "$(printf '%s\n' "$output" | wc -l)" 2 'lines'
    capture "$BWRAP" --unshare-all --version --nonsense
    ok
    is "${output%%$'\n'*}" 'bubblewrap 0.11.1'
}

@test "unknown options" {
    local arg

    for arg in --nope -x - -- --bind=/a --bin ---bind -unshare-all --Bind '--bind ' $'--a\nb'; do
        [[ $arg == -- ]] && continue
        compare "$arg" true
        is "$stderr" "bwrap: Unknown option $arg"
        is "$status" 1
    done
}

@test "the first word that is no option is the command, -- ends the options" {
    compare_sandbox echo --bind --help -- -x
    ok
    is "$output" '--bind --help -- -x'
    compare_sandbox -- echo -- a
    ok
    is "$output" '-- a'
    compare_sandbox -- --version
    fails 1 'bwrap: execvp --version: No such file or directory'
}

@test "an empty word is a command, not an option" {
    compare_sandbox ''
    fails 1 'bwrap: execvp : No such file or directory'
}

@test "missing arguments" {
    local option

    for option in "${one_arg[@]}"; do
        compare "$option"
        like "$stderr" "^bwrap: $option takes (an|one) argument\$"
        is "$status" 1
    done
    for option in "${two_args[@]}"; do
        compare "$option"
        compare "$option" one
        like "$stderr" "^bwrap: ${option/--ro-bind-fd/--bind-fd} takes two arguments\$"
        is "$status" 1
    done
}

@test "missing arguments of the options after 0.8" {
    compare_since 0.9.0 --argv0
    is "$stderr" 'bwrap: --argv0 takes one argument'
    compare_since 0.11.0 --overlay-src
    fails 1
    compare_since 0.11.0 --overlay-src /usr --overlay /a
    is "$stderr" 'bwrap: --overlay takes three arguments'
    compare_since 0.11.0 --overlay-src /usr --overlay /a /b
    is "$stderr" 'bwrap: --overlay takes three arguments'
    compare_since 0.11.0 --overlay-src /usr --tmp-overlay
    is "$stderr" 'bwrap: --tmp-overlay takes an argument'
    compare_since 0.11.0 --overlay-src /usr --ro-overlay
    is "$stderr" 'bwrap: --ro-overlay takes an argument'
}

@test "bad descriptors" {
    local option bad

    for option in "${fd_options[@]}"; do
        for bad in abc -1 '' 1x 0x1; do
            compare "$option" "$bad" true
            is "$stderr" "bwrap: Invalid fd: $bad"
            is "$status" 1
        done
    done
    for option in --file --bind-data --ro-bind-data --bind-fd --ro-bind-fd; do
        compare "$option" 5x /dest true
        is "$stderr" 'bwrap: Invalid fd: 5x'
    done
}

@test "bad ids" {
    local bad

    for bad in x -1 '' 1x 0x10; do
        compare --uid "$bad" true
        is "$stderr" "bwrap: Invalid uid: $bad"
        compare --gid "$bad" true
        is "$stderr" "bwrap: Invalid gid: $bad"
    done
}

@test "unknown capabilities" {
    local cap

    for cap in cap_nonsense sys_admin '' 99x; do
        compare --cap-add "$cap" true
        is "$stderr" "bwrap: unknown cap: $cap"
        compare --cap-drop "$cap" true
        is "$stderr" "bwrap: unknown cap: $cap"
    done
    compare_sandbox --cap-drop all --cap-drop ALL --cap-drop CAP_SYS_ADMIN --cap-drop cap_chown \
        --cap-drop Cap_Kill true
    ok
}

@test "repeats that warn: the last one takes effect" {
    feed 20 ''
    feed 21 ''
    compare_sandbox --chdir / --chdir /usr pwd
    is "$stderr" 'bwrap: Only the last --chdir option will take effect'
    is "$output" /usr
    compare_sandbox --uid 5 --uid 6 --gid 7 --gid 8 --unshare-user sh -c 'id -u; id -g'
    is "$output" $'6\n8'
    compare_sandbox --unshare-uts --hostname a --hostname b hostname
    is "$output" b
    compare_sandbox --sync-fd 20 --sync-fd 21 true
    compare_sandbox --block-fd 20 --block-fd 21 true
    is "$stderr" 'bwrap: Only the last --block-fd option will take effect'
    is "$status" 0
}

@test "repeats that warn: descriptors" {
    sink 22
    sink 23
    ERR_SED='s/"[0-9a-z-]*": [0-9]*/N/g'
    capture "$BWRAP" "${ROOT[@]}" --info-fd 22 --info-fd 23 true
    is "$stderr" 'bwrap: Only the last --info-fd option will take effect'
    is "$(<"$T/sink.22")" ''
    like "$(<"$T/sink.23")" child-pid
    capture "$BWRAP" "${ROOT[@]}" --json-status-fd 22 --json-status-fd 23 true
    is "$stderr" 'bwrap: Only the last --json-status-fd option will take effect'
    is "$(<"$T/sink.22")" ''
    like "$(<"$T/sink.23")" child-pid
}

@test "repeats that warn: namespaces, seccomp and labels, before anything is refused" {
    local option

    for option in --userns --userns2 --pidns --userns-block-fd --seccomp; do
        compare "$option" 20 "$option" 21 --nonsense
        is "$stderr" "bwrap: Only the last $option option will take effect
bwrap: Unknown option --nonsense"
    done
}

@test "labels without SELinux are refused" {
    [[ ! -d /sys/fs/selinux ]] || skip_cannot "SELinux is there"
    compare --exec-label a true
    is "$stderr" 'bwrap: labeling not supported on this system'
    is "$status" 1
    compare --file-label a true
    is "$stderr" 'bwrap: labeling not supported on this system'
    is "$status" 1
}

@test "--argv0 twice is an error" {
    compare_since 0.9.0 "${ROOT[@]}" --argv0 a --argv0 b true
    is "$stderr" 'bwrap: --argv0 used multiple times'
    is "$status" 1
}

@test "--args: options of a file come in its place, the last NUL is optional" {
    printf -- '--setenv\0A\0file\0--chdir\0/usr' >"$T/a1"
    printf -- '--setenv\0A\0file\0--chdir\0/usr\0' >"$T/a2"
    local file

    for file in "$T/a1" "$T/a2"; do
        feed_file 20 "$file"
        compare_sandbox --setenv A before --args 20 sh -c 'echo "$A $PWD"; ls /proc/self/fd 2>&1'
        is "${output%%$'\n'*}" 'file /usr'
        compare_sandbox --args 20 --setenv A after sh -c 'echo "$A $PWD"'
        is "$output" 'after /usr'
    done
}

@test "--args: several files, each descriptor closed" {
    feed_args 20 --setenv A one
    feed_args 21 --setenv B two
    compare_sandbox --args 20 --args 21 --proc /proc \
        sh -c 'echo "$A $B"; for fd in 20 21; do [ -e /proc/self/fd/$fd ] && echo open $fd; done; :'
    ok
    is "$output" 'one two'
}

@test "--args: what follows the first non-option or -- in a file is dropped" {
    local words

    for words in 'echo from file --nonsense' '-- echo --nonsense' '"" --nonsense'; do
        eval "feed_args 20 --setenv A set $words"
        compare_sandbox --args 20 --setenv B outer sh -c 'echo "$A $B"'
        ok
        is "$output" 'set outer'
        capture "$BWRAP" "${ROOT[@]}" --args 20
        is "$status" 1
        like "$stderr" '^usage: '
    done
}

@test "--args: empty files, unreadable descriptors, nesting" {
    feed 20 ''
    compare_sandbox --args 20 echo ran
    ok
    is "$output" ran
    compare --args 29 true
    is "$stderr" "bwrap: Can't read --args data: Bad file descriptor"
    is "$status" 1
    feed_args 20 --args 21
    compare --args 20 true
    is "$stderr" 'bwrap: --args not supported in arguments file'
    is "$status" 1
}

@test "--args: an option at the end of a file does not reach for the command line" {
    feed_args 20 --bind /usr
    compare --args 20 /usr true
    is "$stderr" 'bwrap: --bind takes two arguments'
    is "$status" 1
}

@test "--args: errors in a file, and a modifier that a file leaves over" {
    feed_args 20 --tmpfs /t --wrong
    compare --args 20 true
    is "$stderr" 'bwrap: Unknown option --wrong'
    feed_args 20 --perms 0700
    compare --args 20 --dir /d true
    is "$stderr" 'bwrap: --perms must be followed by an option that creates a file'
    is "$status" 1
}

@test "more than 9000 arguments are no error" {
    awk 'BEGIN { for (i = 0; i < 6666; i++) printf "--setenv%cA%d%c%d%c", 0, i, 0, i, 0 }' >"$T/a1"
    feed_file 20 "$T/a1"
    alone "${ROOT[@]}" --args 20 sh -c 'echo "$A0 $A6665"'
    ok
    is "$output" '0 6665'
    # the command's own words count for bwrap too
    alone "${ROOT[@]}" sh -c 'echo $#' sh $(seq 10000)
    ok
    is "$output" 10000
}

@test "--perms and --size: bad values" {
    local bad

    for bad in '' 8 10000 0x7 7x; do
        compare --perms "$bad" --dir /d true
        is "$stderr" 'bwrap: --perms takes an octal argument <= 07777'
        compare --chmod "$bad" /d true
        is "$stderr" 'bwrap: --chmod takes an octal argument <= 07777'
    done
    for bad in '' 0 -1 ' 1' 1x +1; do
        compare --size "$bad" --tmpfs /t true
        is "$stderr" 'bwrap: --size takes a non-zero number of bytes'
    done
    compare --size 18446744073709551615 --tmpfs /t true
    like "$stderr" '^bwrap: --size \(for tmpfs\) is limited to [0-9]+$'
    is "$status" 1
}

@test "--perms and --size: given twice, or not consumed" {
    compare --perms 0700 --perms 0700 --dir /d true
    is "$stderr" 'bwrap: --perms given twice for the same action'
    compare --size 4096 --size 4096 --tmpfs /d true
    is "$stderr" 'bwrap: --size given twice for the same action'
    compare --perms 0700 --size 4096 --dir /d true
    is "$stderr" 'bwrap: --size must be followed by --tmpfs'
    compare --size 4096 --perms 0700 --bind /usr /usr true
    is "$stderr" 'bwrap: --perms must be followed by an option that creates a file'
    local option

    for option in --unshare-all --new-session --clearenv; do
        compare --perms 0700 "$option" true
        is "$stderr" 'bwrap: --perms must be followed by an option that creates a file'
        compare --size 4096 "$option" true
        is "$stderr" 'bwrap: --size must be followed by --tmpfs'
    done
    compare --perms 0700 --symlink a /b true
    is "$stderr" 'bwrap: --perms must be followed by an option that creates a file'
    compare --perms 0700 --chmod 0700 / true
    is "$stderr" 'bwrap: --perms must be followed by an option that creates a file'
}

@test "--perms and --size: left over before the command" {
    compare_sandbox --perms 0700 echo fine
    ok
    is "$output" fine
    compare_sandbox --size 4096 -- echo fine
    # 0.8 and 0.11.1 treat -- as the end before they look at what is left over
    is "$output" fine
    compare_sandbox --perms 0700 -- echo fine
    ok
}

@test "--overlay-src has to be followed by an overlay" {
    local message='bwrap: --overlay-src must be followed by another --overlay-src or one of --overlay, --tmp-overlay, or --ro-overlay'

    compare_since 0.11.0 "${ROOT[@]}" --overlay-src /usr true
    is "$stderr" "$message"
    is "$status" 1
    compare_since 0.11.0 "${ROOT[@]}" --overlay-src /usr --bind /usr /usr true
    is "$stderr" "$message"
    compare_since 0.11.0 "${ROOT[@]}" --overlay-src /usr --overlay-src /usr --unshare-all true
    is "$stderr" "$message"
}

@test "overlays need sources" {
    compare_since 0.11.0 --tmp-overlay /a true
    is "$stderr" 'bwrap: --tmp-overlay requires at least one --overlay-src'
    compare_since 0.11.0 --overlay /a /b /c true
    is "$stderr" 'bwrap: --overlay requires at least one --overlay-src'
    compare_since 0.11.0 --ro-overlay /a true
    is "$stderr" 'bwrap: --ro-overlay requires at least two --overlay-src'
    compare_since 0.11.0 --overlay-src /usr --ro-overlay /a true
    is "$stderr" 'bwrap: --ro-overlay requires at least two --overlay-src'
    is "$status" 1
}

@test "options that need or exclude others" {
    feed 20 ''
    compare --userns-block-fd 20 true
    is "$stderr" 'bwrap: --userns-block-fd requires --unshare-user'
    compare --unshare-user --userns-block-fd 20 true
    is "$stderr" 'bwrap: --userns-block-fd requires --info-fd'
    compare --userns 20 --unshare-user true
    is "$stderr" 'bwrap: --userns not compatible --unshare-user'
    compare --userns 20 --unshare-user-try true
    is "$stderr" 'bwrap: --userns not compatible --unshare-user-try'
    compare --userns 20 --unshare-all true
    is "$stderr" 'bwrap: --userns not compatible --unshare-user-try'
    compare --disable-userns true
    is "$stderr" 'bwrap: --disable-userns requires --unshare-user'
    compare --unshare-user --disable-userns --info-fd 20 --userns-block-fd 20 true
    is "$stderr" 'bwrap: --disable-userns is not compatible with  --userns-block-fd'
    compare --hostname a true
    is "$stderr" 'bwrap: Specifying --hostname requires --unshare-uts'
    compare --as-pid-1 true
    is "$stderr" 'bwrap: Specifying --as-pid-1 requires --unshare-pid'
    compare --as-pid-1 --unshare-pid --lock-file /a true
    is "$stderr" 'bwrap: Specifying --as-pid-1 and --lock-file is not permitted'
    is "$status" 1
}

@test "--seccomp and --add-seccomp-fd exclude each other" {
    feed 20 ''
    feed 21 ''
    # bwrap names the later one first
    compare --seccomp 20 --add-seccomp-fd 21 true
    is "$stderr" 'bwrap: --add-seccomp-fd cannot be combined with --seccomp'
    is "$status" 1
    compare --add-seccomp-fd 20 --seccomp 21 true
    is "$stderr" 'bwrap: --seccomp cannot be combined with --add-seccomp-fd'
    is "$status" 1
}

@test "--level-prefix marks the diagnostics that come after it" {
    compare_since 0.10.0 --level-prefix --nonsense
    is "$stderr" '<3>bwrap: Unknown option --nonsense'
    compare_since 0.10.0 "${ROOT[@]}" --level-prefix --chdir / --chdir /usr pwd
    is "$stderr" '<4>bwrap: Only the last --chdir option will take effect'
    is "$output" /usr
    compare_since 0.10.0 "${ROOT[@]}" --chdir / --chdir /usr --level-prefix nonexistent
    is "$stderr" 'bwrap: Only the last --chdir option will take effect
<3>bwrap: execvp nonexistent: No such file or directory'
    is "$status" 1
}

@test "namespaces and ids can come before or after the mounts" {
    compare_sandbox --unshare-user --uid 33 --gid 34 --unshare-uts --hostname early \
        sh -c 'id -u; id -g; hostname'
    is "$output" $'33\n34\nearly'
    compare --unshare-uts --hostname early --uid 33 --gid 34 "${ROOT[@]}" --unshare-user \
        sh -c 'id -u; id -g; hostname'
    is "$output" $'33\n34\nearly'
}

@test "every option of the list is known, and none more is claimed" {
    local option

    while read -r option; do
        capture "$BWRAP" "$option"
        unlike "$stderr" 'Unknown option' "$option"
    done <"$options_file"
}
