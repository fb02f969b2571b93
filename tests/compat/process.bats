#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Environment, working directory, exec, exit status, signals, pid 1, descriptors, monitoring.

load ../lib/common
load ../lib/compare

probe=$BATS_TEST_DIRNAME/../lib/probe.py

# each_program FUNCTION: once with the reference (in PROGRAM), once with sbx as bwrap, for what
# compare cannot do.
each_program() {
    local PROGRAM

    for PROGRAM in ${REF_VERSION:+"$BWRAP_REF"} "$BWRAP"; do
        echo "-- program $PROGRAM" >&2
        unfeed
        rm -rf "$W"
        mkdir "$W"
        cd "$W"
        "$@"
    done
}

# --- environment and working directory -----------------------------------------------------------

@test "environment: inherited, set, unset and cleared, in order" {
    export KEEP=kept DROP=dropped
    compare_sandbox --unsetenv DROP --setenv NEW 'a b' --setenv EMPTY '' \
        sh -c 'echo "$KEEP|${DROP-unset}|$NEW|${EMPTY-unset}"'
    ok
    is "$output" 'kept|unset|a b|'
    compare_sandbox --setenv A 1 --clearenv --setenv B 2 env
    is "$output" $'B=2\n'"PWD=/" || is "$(sort <<<"$output")" $'B=2\nPWD=/'
    compare_sandbox --setenv A 1 --unsetenv A --setenv A 2 --setenv A 3 printenv A
    is "$output" 3
    compare_sandbox --clearenv env
    is "$output" PWD=/
    compare_sandbox --unsetenv NEVER_SET true
    ok
}

@test "environment: names that cannot be" {
    ERR_SED='s/bwrap: .*/bwrap: X/'
    compare_sandbox --setenv 'A=B' x echo ran
    is "$status" 1
    compare_sandbox --setenv '' x echo ran
    is "$status" 1
    compare_sandbox --unsetenv 'A=B' echo ran
    is "$status" 1
    is "$output" ''
}

@test "PWD is always set, OLDPWD left alone" {
    OLDPWD=/somewhere compare_sandbox --chdir /usr/bin sh -c 'echo $PWD $OLDPWD'
    is "$output" '/usr/bin /somewhere'
    compare_sandbox --chdir usr printenv PWD
    is "$output" usr
    compare_sandbox --chdir usr/../usr/bin/.. env
    like "$output" "PWD=usr/../usr/bin/..($|"$'\n'')'
}

@test "the working directory: the old one, else HOME, else /" {
    compare_sandbox --bind "$W" "$W" sh -c 'pwd -P; echo $PWD'
    ok
    is "$output" "$W"$'\n'"$W"
    HOME=/usr/bin compare_sandbox sh -c 'pwd -P; echo $PWD'
    is "$output" $'/usr/bin\n/usr/bin'
    HOME=/none compare_sandbox sh -c 'pwd -P; echo $PWD'
    is "$output" $'/\n/'
    compare_sandbox --clearenv sh -c 'pwd -P'
    is "$output" /
    compare_sandbox --setenv HOME /usr/lib sh -c 'pwd -P'
    is "$output" /usr/lib
}

@test "--chdir that fails is fatal" {
    compare_sandbox --chdir /none echo ran
    is "$stderr" "bwrap: Can't chdir to /none: No such file or directory"
    is "$status" 1
    compare_sandbox --chdir /usr/bin/env echo ran
    is "$stderr" "bwrap: Can't chdir to /usr/bin/env: Not a directory"
}

# --- exec ----------------------------------------------------------------------------------------

@test "the command is looked up with the sandbox's PATH" {
    mkdir "$T/tools"
    printf '#!/bin/sh\necho tool\n' >"$T/tools/mytool"
    chmod +x "$T/tools/mytool"
    compare_sandbox --ro-bind "$T/tools" /tools --setenv PATH /tools:/usr/bin mytool
    ok
    is "$output" tool
    compare_sandbox --ro-bind "$T/tools" /tools mytool
    is "$stderr" 'bwrap: execvp mytool: No such file or directory'
    is "$status" 1
    compare_sandbox --clearenv sh -c 'echo default path'
    is "$output" 'default path'
    compare_sandbox --setenv PATH '' true
    is "$status" 1
}

@test "the search along PATH: what is denied, no PATH, the working directory, a script without a first line" {
    mkdir "$T/denied" "$T/tools" "$T/work"
    echo x >"$T/denied/tool"
    echo 'echo "$0 $1"' >"$T/tools/tool"
    chmod +x "$T/tools/tool"
    cp "$T/tools/tool" "$T/work/here"
    set -- --ro-bind "$T/denied" /denied --ro-bind "$T/tools" /tools --ro-bind "$T/work" /work
    compare_sandbox "$@" --setenv PATH /denied:/none:/tools:/usr/bin tool word
    is "$output" '/tools/tool word'
    compare_sandbox "$@" --setenv PATH /denied:/none tool
    is "$stderr" 'bwrap: execvp tool: Permission denied'
    compare_sandbox "$@" --setenv PATH /denied/tool:/usr/bin none
    is "$stderr" 'bwrap: execvp none: No such file or directory'
    compare_sandbox "$@" --chdir /work --setenv PATH :/usr/bin here word
    is "$output" 'here word'
    compare_sandbox "$@" --unsetenv PATH sh -c 'echo found'
    is "$output" found
    compare_sandbox "$@" ''
    is "$stderr" 'bwrap: execvp : No such file or directory'
    compare_sandbox "$@" "$(printf '%0300d' 0)"
    is "$stderr" "bwrap: execvp $(printf '%0300d' 0): File name too long"
    compare_sandbox_since 0.9.0 "$@" --argv0 other /tools/tool word
    is "$output" '/tools/tool word'
}

@test "commands that cannot be executed" {
    mkdir "$T/c"
    echo 'echo no interpreter' >"$T/c/plain"
    chmod +x "$T/c/plain"
    echo x >"$T/c/noexec"
    printf '#!/none\n' >"$T/c/badinterp"
    chmod +x "$T/c/badinterp"
    compare_sandbox --ro-bind "$T/c" /c /c/noexec
    is "$stderr" 'bwrap: execvp /c/noexec: Permission denied'
    compare_sandbox --ro-bind "$T/c" /c /c
    is "$stderr" 'bwrap: execvp /c: Permission denied'
    compare_sandbox --ro-bind "$T/c" /c /c/badinterp
    is "$stderr" 'bwrap: execvp /c/badinterp: No such file or directory'
    is "$status" 1
    compare_sandbox --ro-bind "$T/c" /c /c/noexec/x
    is "$stderr" 'bwrap: execvp /c/noexec/x: Not a directory'
    compare_sandbox --ro-bind "$T/c" /c /c/plain
    is "$output" 'no interpreter'
    compare_sandbox --unshare-pid --ro-bind "$T/c" /c /c/none
    is "$stderr" 'bwrap: execvp /c/none: No such file or directory'
    is "$status" 1
}

@test "--argv0 names the payload, the lookup uses the command" {
    compare_sandbox_since 0.9.0 --argv0 other sh -c 'echo $0; cat /proc/self/comm 2>&- || :'
    is "${output%%$'\n'*}" other
    compare_sandbox_since 0.9.0 --argv0 sh none
    is "$stderr" 'bwrap: execvp none: No such file or directory'
    compare_sandbox_since 0.9.0 --argv0 '' sh -c 'echo "<$0>"'
    is "$output" '<>'
}

@test "exit status: the payload's own" {
    local code ns

    for ns in '' --unshare-pid --unshare-all '--unshare-pid --as-pid-1'; do
        for code in 0 1 2 42 126 127 128 255; do
            # shellcheck disable=SC2086 # several words
            compare_sandbox $ns sh -c "exit $code"
            is "$status" "$code" "$ns"
            is "$stderr" ''
        done
    done
}

@test "exit status: 128 and the signal" {
    local signal ns

    for ns in '' --unshare-pid; do
        for signal in HUP INT QUIT KILL TERM USR1 SEGV ABRT PIPE; do
            # shellcheck disable=SC2086 # several words
            compare_sandbox $ns sh -c "ulimit -c 0; kill -$signal \$\$"
            is "$status" "$((128 + $(kill -l "$signal")))" "$ns $signal"
        done
    done
}

@test "stdin, stdout and stderr are the caller's" {
    echo to the payload >"$T/in"
    feed 20 ''
    one_in() {
        capture_in "$T/in" "$PROGRAM" "${ROOT[@]}" --unshare-pid sh -c 'cat; echo err >&2'
        is "$output" 'to the payload'
        is "$stderr" err
        is "$status" 0
    }
    each_program one_in
}

# --- descriptors -----------------------------------------------------------------------------------

@test "descriptors that no option takes reach the payload, others are closed" {
    local fd

    for fd in 20 21 22 23 24 25; do feed $fd "fd $fd"; done
    feed 24 ''
    feed_file 25 "$T"
    compare_sandbox --proc /proc --file 21 /f --ro-bind-data 22 /r --bind-data 23 /b --block-fd 24 \
        --bind-fd 25 /d sh -c 'ls /proc/self/fd; cat /proc/self/fd/20'
    ok
    is "$(sort <<<"$output" | xargs)" '0 1 2 20 3 fd 20'
    compare_sandbox --unshare-all --proc /proc --file 21 /f ls /proc/self/fd
    is "$(sort -n <<<"$output" | xargs)" '0 1 2 3 20 22 23 24 25'
}

@test "pid 1 holds no descriptor of the caller's" {
    feed 20 x
    # nor lets it see any until it has closed them
    alone "${ROOT[@]}" --unshare-pid --proc /proc sh -c 'until [ -n "$(ls -l /proc/1/fd 2>&-)" ]; do sleep 0.02; done
        ls -l /proc/1/fd'
    ok
    hasnt "$output" feed.20
}

# --- pid 1, sessions, parents ------------------------------------------------------------------------

@test "pid 1 is a reaper, or the payload with --as-pid-1" {
    compare_sandbox --unshare-pid sh -c 'echo $$; exit 0'
    is "$output" 2
    compare_sandbox --unshare-pid --as-pid-1 sh -c 'echo $$; exit 0'
    is "$output" 1
    compare_sandbox sh -c '[ $$ -gt 2 ] && echo host'
    is "$output" host
}

@test "pid 1 reaps orphans" {
    compare_sandbox --unshare-pid --proc /proc --dev /dev sh -c '
        orphan=$(sh -c "sleep 0.05 >&- & echo \$!")
        while [ -e "/proc/$orphan" ]; do sleep 0.02; done; echo reaped'
    is "$output" reaped
}

@test "bwrap returns with the first process; pid 1 stays until the last is gone" {
    returns_first() {
        local reader

        mkfifo sync
        sink 20
        SINK[20]=$W/sync
        # the reader sees the end of the pipe when pid 1 has closed it
        (
            exec 3>&- 4>&-
            cat "$W/sync"
            echo closed >"$W/closed"
        ) </dev/null >/dev/null 2>&1 &
        reader=$!
        capture "$PROGRAM" "${ROOT[@]}" --unshare-pid --sync-fd 20 --dev /dev --bind . /w sh -c '
            sh -c "while [ ! -e /w/go ]; do sleep 0.02; done" >/dev/null 2>&1 &
            exit 9'
        is "$status" 9
        [[ ! -e $W/closed ]]
        : >"$W/go"
        wait_for 120 test -e "$W/closed"
        wait "$reader"
    }
    each_program returns_first
}

@test "--sync-fd: pid 1 keeps it, the payload does not get it" {
    feed 20 x
    compare_sandbox --unshare-pid --sync-fd 20 --proc /proc sh -c '
        [ -e /proc/self/fd/20 ] || echo not mine
        until [ -e /proc/1/fd/20 ]; do sleep 0.02; done; echo kept'
    is "$output" $'not mine\nkept'
    compare_sandbox --sync-fd 20 --proc /proc sh -c '[ -e /proc/self/fd/20 ] || echo not mine'
    is "$output" 'not mine'
    compare_sandbox --unshare-pid --as-pid-1 --sync-fd 20 --proc /proc sh -c '[ -e /proc/self/fd/20 ] && echo mine'
    is "$output" mine
}

@test "--new-session: a session of its own" {
    compare_sandbox --unshare-pid --proc /proc sh -c 'read -r _ _ _ _ group session _ </proc/self/stat; echo $((session > 0))'
    is "$output" 0
    compare_sandbox --new-session --unshare-pid --proc /proc sh -c 'read -r _ _ _ _ group session _ </proc/self/stat; echo $((session > 0))'
    is "$output" 1
    is "$status" 0
}

@test "signals: dispositions and the mask are inherited" {
    need_program python3
    inherited() {
        capture python3 "$probe" signals INT,USR1 USR2 "$PROGRAM" "${ROOT[@]}" --unshare-pid \
            --proc /proc grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
        ok
        hide_libc_signals
        like "$output" 'SigBlk:.0000000000000800'
        like "$output" 'SigIgn:.0000000000000202'
    }
    each_program inherited
}

@test "signals: an ignored or blocked SIGCHLD is reset for sbx and for the payload" {
    need_program python3
    capture python3 "$probe" signals CHLD CHLD "$BWRAP" "${ROOT[@]}" --unshare-pid \
        --proc /proc sh -c 'grep -E "^Sig(Blk|Ign)" /proc/self/status; exit 7'
    is "$status" 7
    hide_libc_signals
    is "$output" $'SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000'
}

@test "signals: bwrap forwards none, and ends by them alone" {
    not_forwarded() {
        local monitor

        background "$PROGRAM" "${ROOT[@]}" --bind . /w sh -c '
            trap "echo got >/w/got" TERM; : >/w/up; while [ ! -e /w/go ]; do sleep 0.02; done; : >/w/done'
        monitor=$!
        wait_for 120 test -e up
        kill -TERM "$monitor"
        status=0
        wait "$monitor" || status=$?
        is "$status" 143
        : >go
        wait_for 120 test -e "done"
        [[ ! -e got ]]
    }
    each_program not_forwarded
}

@test "--die-with-parent: the payload goes with the monitor, and with the monitor's parent" {
    dies() {
        local monitor payload ns

        for ns in --unshare-pid --new-session; do
            rm -f pid
            background "$PROGRAM" "${ROOT[@]}" --die-with-parent "$ns" --info-fd 2 --bind . /w \
                sh -c ': >/w/pid; exec sleep 1000'
            monitor=$!
            wait_for 120 test -e pid
            payload=$(pgrep -P "$monitor" | head -n1)
            kill -KILL "$monitor"
            wait_for 120 gone "$payload"
            wait "$monitor" || true
        done
        rm -f pid
        background sh -c '"$@" & echo $! >monitor; wait' sh "$PROGRAM" "${ROOT[@]}" --die-with-parent \
            --unshare-pid --bind . /w sh -c ': >/w/pid; exec sleep 1000'
        monitor=$!
        wait_for 120 test -e pid
        payload=$(pgrep -P "$(<monitor)" | head -n1)
        kill -KILL "$monitor"
        wait_for 120 gone "$(<monitor)"
        wait_for 120 gone "$payload"
    }
    each_program dies
}

# --- what is told about the sandbox ------------------------------------------------------------------

@test "--info-fd: keys, order and values" {
    need_program python3
    sink 20
    local pid ns

    info() {
        unfeed
        sink 20
        capture "$PROGRAM" "${ROOT[@]}" --info-fd 20 --proc /proc "$@" sh -c '
            for n in cgroup ipc mnt net pid uts; do echo "$n-namespace $(readlink /proc/self/ns/$n | tr -dc 0-9)"; done'
        ok
        keys=$(python3 "$probe" keys "$T/sink.20")
        for ns in cgroup ipc mnt net pid uts; do
            [[ $keys != *$ns-namespace* ]] ||
                has "$output" "$ns-namespace $(python3 "$probe" get "$T/sink.20" "$ns-namespace")"
        done
    }
    info_all() {
        info
        is "$keys" 'child-pid mnt-namespace'
        info --unshare-all
        is "$keys" 'child-pid cgroup-namespace ipc-namespace mnt-namespace net-namespace pid-namespace uts-namespace'
        info --unshare-net --unshare-uts
        is "$keys" 'child-pid mnt-namespace net-namespace uts-namespace'
        is "$(sed -E 's/[0-9]+/N/' "$T/sink.20")" '{
    "child-pid": N,
    "mnt-namespace": N,
    "net-namespace": N,
    "uts-namespace": N
}'
    }
    each_program info_all
}

@test "--info-fd: child-pid is the sandbox's first process" {
    need_program python3
    child_pid() {
        local pid

        sink 20
        background "$PROGRAM" "${ROOT[@]}" --unshare-pid --info-fd 20 --bind . /w sh -c ': >/w/up; exec sleep 1000'
        wait_for 120 test -e up
        pid=$(python3 "$probe" get "$T/sink.20" child-pid)
        is "$(pgrep -P "$!")" "$pid"
        is "$(awk '/^NSpid/ { print $NF }' "/proc/$pid/status")" 1
        kill -KILL "$pid"
        status=0
        wait "$!" || status=$?
        isnt "$status" 0
    }
    each_program child_pid
}

@test "--info-fd and --json-status-fd: each object is one write" {
    need_program python3
    capture python3 "$probe" packets "$BWRAP" "${ROOT[@]}" --unshare-all --info-fd % true
    ok
    is "$(wc -l <<<"$output")" 1
    like "$output" 'child-pid.*uts-namespace.*}'
    capture python3 "$probe" packets "$BWRAP" "${ROOT[@]}" --unshare-all --json-status-fd % sh -c 'exit 5'
    is "$status" 5
    is "$(wc -l <<<"$output")" 2
    is "${output##*$'\n'}" "'{ \"exit-code\": 5 }\\n'"
}

@test "--json-status-fd: a line at the start, the exit code at the end" {
    need_program python3
    local text

    json() {
        unfeed
        sink 20
        capture "$PROGRAM" "${ROOT[@]}" --json-status-fd 20 "$@"
        text=$(sed 's/: [0-9]*[0-9][0-9][0-9]/: N/g' "$T/sink.20")
    }
    json_all() {
        json sh -c 'exit 5'
        is "$status" 5
        is "$text" $'{ "child-pid": N, "mnt-namespace": N }\n{ "exit-code": 5 }'
        json --unshare-all true
        like "$text" 'net-namespace'
        has "$text" $'\n{ "exit-code": 0 }'
        json --unshare-pid sh -c 'kill -KILL $$'
        has "$(<"$T/sink.20")" $'\n{ "exit-code": 137 }'
        # nothing about an exit when no payload ran
        json /none
        is "$status" 1
        is "$text" '{ "child-pid": N, "mnt-namespace": N }'
        json --chdir /none true
        is "$status" 1
        hasnt "$text" exit-code
    }
    each_program json_all
}

# --- holding a sandbox back ----------------------------------------------------------------------------

@test "--block-fd: the payload waits for a byte, or the end" {
    blocks() {
        mkfifo block
        (
            exec 20<>"$W/block"
            KEEP_FD=20
            SINK[21]=$W/status
            start "$PROGRAM" "${ROOT[@]}" --block-fd 20 --json-status-fd 21 --bind . /w sh -c ': >/w/ran'
        ) </dev/null >/dev/null 2>"$T/err" &
        BACKGROUND+=("$!")
        wait_for 120 test -s status
        sleep 0.1
        [[ ! -e ran ]]
        echo >block
        wait "$!"
        [[ -e ran ]]
    }
    each_program blocks
    feed 20 ''
    compare_sandbox --block-fd 20 echo released by the end
    ok
}

@test "--userns-block-fd: the caller writes the maps" {
    need_program python3
    maps_by_caller() {
        local pid

        rm -f "$T/sink.21"
        mkfifo block
        (
            exec 20<>"$W/block"
            KEEP_FD=20
            sink 21
            start "$PROGRAM" "${ROOT[@]}" --unshare-user --userns-block-fd 20 --info-fd 21 --uid 0 --gid 0 \
                --proc /proc sh -c 'cat /proc/self/uid_map'
        ) </dev/null >"$T/out" 2>"$T/err" &
        BACKGROUND+=("$!")
        wait_for 120 grep -q '}' "$T/sink.21"
        pid=$(python3 "$probe" get "$T/sink.21" child-pid)
        echo "0 $(id -u) 1" >"/proc/$pid/uid_map"
        echo deny >"/proc/$pid/setgroups"
        echo "0 $(id -g) 1" >"/proc/$pid/gid_map"
        echo >block
        wait "$!"
        slurp
        is "$(tr -s ' ' <<<"$output")" " 0 $(id -u) 1"
    }
    each_program maps_by_caller
}

@test "--lock-file: held as long as the sandbox lives" {
    need_program python3
    locks() {
        : >lock1
        : >lock2
        background "$PROGRAM" "${ROOT[@]}" --bind . /w --lock-file /w/lock1 --lock-file /w/lock2 \
            sh -c ': >/w/up; while [ ! -e /w/go ]; do sleep 0.02; done'
        wait_for 120 test -e up
        is "$(python3 "$probe" lock lock1)" 'held 0 0 True'
        is "$(python3 "$probe" lock lock2)" 'held 0 0 True'
        : >go
        wait "$!"
        wait_for 120 sh -c "[ \"\$(python3 '$probe' lock lock1)\" = free ]"
    }
    each_program locks
    # bwrap has started the payload by then
    alone "${ROOT[@]}" --lock-file /none echo ran
    is "$stderr" 'bwrap: Unable to open lock file /none: No such file or directory'
    is "$status" 1
    is "$output" ''
}

@test "--lock-file: a conflict is fatal" {
    need_program python3
    : >"$T/lock"
    background python3 -c '
import fcntl, sys, time
f = open(sys.argv[1], "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[1] + ".up", "w")
time.sleep(1000)' "$T/lock"
    wait_for 120 test -e "$T/lock.up"
    alone "${ROOT[@]}" --ro-bind "$T/lock" /lock --lock-file /lock echo ran
    like "$stderr" '^bwrap: Unable to lock file /lock: '
    is "$status" 1
    is "$output" ''
}
