#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The payload's surroundings: environment, directory, descriptors, status, signals, reports.

load ../lib/common

probe=$BATS_TEST_DIRNAME/../lib/probe.py

# --- environment and directory -----------------------------------------------------------------------

environment() {
    export KEEP=kept DROP=dropped
    sb --unsetenv DROP --setenv NEW 'a b' --setenv NEW 'c d' --setenv EMPTY '' sh -c 'echo "$KEEP|${DROP-unset}|$NEW|${EMPTY-unset}|$PWD"'
    ok
    is "$output" 'kept|unset|c d||/'
    sb --setenv A 1 --clearenv --setenv B 2 env
    is "$(sort <<<"$output")" $'B=2\nPWD=/'
    sb --setenv A=B x echo ran
    case $PERSONALITY in
    native) refused "--setenv: 'A=B'" ;;
    bwrap) refused && is "$stderr" 'bwrap: setenv failed' ;;
    esac
    sb --unsetenv '' echo ran
    refused unsetenv
}

@test "--setenv --unsetenv --clearenv" {
    HOME=/none both environment
}

directory() {
    sb --chdir /usr/bin sh -c 'pwd -P; echo $PWD'
    is "$output" $'/usr/bin\n/usr/bin'
    sb --chdir /none echo ran
    refused /none
    sb --bind "$W" "$W" pwd
    is "$output" "$W"
    HOME=/usr/lib sb pwd
    is "$output" /usr/lib
    HOME=/none sb pwd
    is "$output" /
}

@test "--chdir, and where the payload starts without it" {
    both directory
}

@test "--argv0" {
    named() {
        sb --argv0 other sh -c 'echo $0'
        is "$output" other
        sb --argv0 a --argv0 b echo ran
        refused --argv0
    }
    both named
}

# --- status ------------------------------------------------------------------------------------------

statuses() {
    local code signal ns

    for ns in '' --unshare-pid '--unshare-pid --as-pid-1'; do
        for code in 0 1 42 125 126 127 255; do
            # shellcheck disable=SC2086 # several words
            sb $ns sh -c "exit $code"
            is "$status" "$code" "$ns"
            is "$stderr" ''
        done
    done
    for ns in '' --unshare-pid; do
        for signal in HUP INT KILL TERM SEGV; do
            # shellcheck disable=SC2086
            sb $ns sh -c "ulimit -c 0; kill -$signal \$\$"
            is "$status" "$((128 + $(kill -l "$signal")))" "$ns $signal"
            is "$stderr" ''
        done
    done
}

@test "the payload's exit status and signals come through" {
    both statuses
}

@test "natively, 127 is not found, 126 not executable, 125 sbx itself; as bwrap all are 1" {
    mkdir "$T/c"
    echo x >"$T/c/noexec"
    printf '#!/none\n' >"$T/c/badinterp"
    chmod +x "$T/c/badinterp"
    not_started() {
        local ns want_found=127 want_run=126

        [[ $PERSONALITY == native ]] || want_found=1 want_run=1
        for ns in '' --unshare-pid '--unshare-pid --as-pid-1'; do
            # shellcheck disable=SC2086 # several words
            sb $ns /none/such
            fails "$want_found" /none/such
            # shellcheck disable=SC2086
            sb $ns not-in-path
            fails "$want_found" not-in-path
            # shellcheck disable=SC2086
            sb $ns --ro-bind "$T/c" /c /c/noexec
            fails "$want_run" /c/noexec
            # shellcheck disable=SC2086
            sb $ns --ro-bind "$T/c" /c /c
            fails "$want_run" /c
            # shellcheck disable=SC2086
            sb $ns --ro-bind "$T/c" /c /c/badinterp
            fails "$want_found" /c/badinterp
        done
        sb --bogus
        fails "$(own_error)" --bogus
        sb --ro-bind /none /x true
        fails "$(own_error)" /none
        personality_words
        capture "${WORDS[@]}" --unshare-all
        is "$status" "$(own_error)"
        like "$stderr" '^usage: '
    }
    both not_started
}

@test "a message of sbx is one line with a hint where one is known" {
    sb --ro-bind /none /x true
    is "$(grep -c '^sbx: ' <<<"$stderr")" "$(wc -l <<<"$stderr")" 'every line says who speaks'
    like "$stderr" "^sbx: [a-z ]+'/none': No such file or directory"
    like "$stderr" $'\nsbx: hint: .*-try'
    # the loader is not there
    capture "$SBX" --bare --ro-bind /usr /usr /usr/bin/true
    fails 127 /usr/bin/true
    like "$stderr" 'hint: .*lib64|hint: .*loader'
    # what a nested sandbox needs of the outer one
    capture "$SBX" --ro-bind / / --seccomp-profile nested --keep-id --tmpfs /proc "$SBX" --ro-bind /usr /usr echo ran
    fails 125 "sbx: write the uid map: No such file or directory"
    like "$stderr" 'hint: there is no /proc here'
    capture "$SBX" --ro-bind / / --seccomp-profile nested --keep-id "$SBX" --ro-bind /usr /usr echo ran
    fails 125 "sbx: write the uid map: Read-only file system"
    like "$stderr" 'hint: /proc is read-only here'
    # a name cannot write to the terminal
    sb --ro-bind $'/no\e[31m\nsuch' /x true
    is "$(wc -l <<<"$(grep -v hint <<<"$stderr")")" 1
    hasnt "$stderr" $'\e'
}

# --- pid 1, sessions, lifetime ---------------------------------------------------------------------------

pid_one() {
    sb --unshare-pid sh -c 'echo $$; exit 3'
    is "$output" 2
    is "$status" 3
    sb --unshare-pid --as-pid-1 sh -c 'echo $$; exit 3'
    is "$output" 1
    is "$status" 3
    sb --as-pid-1 echo ran
    refused --unshare-pid
    # orphans are reaped
    sb --unshare-pid --proc /proc --dev /dev sh -c '
        orphan=$(sh -c "sleep 0.05 >&- & echo \$!")
        while [ -e "/proc/$orphan" ]; do sleep 0.02; done; echo reaped'
    is "$output" reaped
    # pid 1 cannot be killed from inside
    sb --unshare-pid sh -c 'kill -TERM 1; kill -KILL 1; echo alive'
    is "$output" alive
}

@test "--as-pid-1, and the reaper" {
    both pid_one
}

@test "--new-session" {
    session() {
        sb --unshare-pid --proc /proc sh -c 'read -r _ _ _ _ _ session _ </proc/self/stat; echo $((session > 0))'
        # as sbx, the caller's is shared for the terminal's sake
        if [[ $PERSONALITY == native ]] && ! : 2>/dev/null <>/dev/tty; then is "$output" 1; else is "$output" 0; fi
        sb --new-session --unshare-pid --proc /proc sh -c 'read -r _ _ _ _ _ session _ </proc/self/stat; echo $((session > 0))'
        is "$output" 1
    }
    both session
}

# start_sleeper ARGS...: a sandbox that sleeps; sets MONITOR and PAYLOAD (as the host counts).
start_sleeper() {
    rm -f up
    sb_bg "$@" --bind . /w sh -c 'echo $$ >/w/up; exec sleep 1000'
    MONITOR=$!
    wait_for 120 test -s up
    wait_for 120 payload_of "$MONITOR"
}

payload_of() {
    local child

    child=$(pgrep -P "$1" | head -n1)
    [[ -n $child ]] || return 1
    PAYLOAD=$(pgrep -P "$child" -x sleep || true)
    PAYLOAD=${PAYLOAD:-$child}
    [[ $(cat "/proc/$PAYLOAD/comm") == sleep ]]
}

@test "natively, the sandbox dies with a monitor that is killed" {
    local ns

    for ns in '' --unshare-pid --unshare-all '--unshare-pid --as-pid-1' --new-session; do
        # shellcheck disable=SC2086 # several words
        start_sleeper $ns
        kill -KILL "$MONITOR"
        wait_for 120 gone "$PAYLOAD"
        wait "$MONITOR" || true
    done
}

@test "as bwrap, it lives on without --die-with-parent, and dies with it" {
    PERSONALITY=bwrap
    start_sleeper --unshare-pid
    kill -KILL "$MONITOR"
    wait "$MONITOR" || true
    sleep 0.2
    kill -0 "$PAYLOAD"
    kill -KILL "$PAYLOAD"
    local ns

    for ns in --unshare-pid --new-session '--unshare-pid --as-pid-1'; do
        # shellcheck disable=SC2086 # several words
        start_sleeper --die-with-parent $ns
        kill -KILL "$MONITOR"
        wait_for 120 gone "$PAYLOAD"
        wait "$MONITOR" || true
    done
}

@test "--die-with-parent: the whole sandbox goes with sbx's own parent" {
    dies() {
        personality_words
        rm -f up monitor
        background sh -c '"$@" & echo $! >monitor; wait' sh "${WORDS[@]}" "${ROOT[@]}" --die-with-parent \
            --unshare-pid --bind . /w sh -c ': >/w/up; exec sleep 1000'
        local parent=$!

        wait_for 120 test -e up
        wait_for 120 payload_of "$(<monitor)"
        kill -KILL "$parent"
        wait_for 120 gone "$(<monitor)"
        wait_for 120 gone "$PAYLOAD"
        wait "$parent" || true
    }
    both dies
}

@test "natively, the sandbox ends with its first process; as bwrap the rest lives on" {
    ends() {
        sb --unshare-pid --dev /dev --bind . /w sh -c '
            sh -c "until [ -e /w/go ]; do sleep 0.02; done; : >/w/late" >/dev/null 2>&1 &
            exit 4'
        is "$status" 4
        : >go
        if [[ $PERSONALITY == bwrap ]]; then
            wait_for 120 test -e late
        else
            sleep 0.6
            [[ ! -e late ]]
        fi
    }
    both ends
}

# --- signals ------------------------------------------------------------------------------------------------

# The payload writes each signal it gets, and ends by itself when it is told to.
listener='for s in TERM INT HUP QUIT USR1 USR2; do trap "echo $s >>/w/got" $s; done
    : >/w/up; while [ ! -e /w/go ]; do sleep 0.02; done; exit 9'

listen() {
    rm -f up got go
    sb_bg "$@" --bind . /w sh -c "$listener"
    MONITOR=$!
    wait_for 120 test -e up
}

end_listener() {
    : >go
    status=0
    wait "$MONITOR" || status=$?
}

got() {
    grep -qx "$1" got
}

@test "natively, TERM INT HUP QUIT USR1 USR2 reach the payload" {
    local ns signal

    for ns in '' --unshare-pid '--unshare-pid --as-pid-1'; do
        # shellcheck disable=SC2086 # several words
        listen $ns
        for signal in USR1 USR2 HUP QUIT TERM; do
            kill "-$signal" "$MONITOR"
            wait_for 120 got "$signal"
        done
        end_listener
        is "$status" 9 "$ns"
        # bash lets a background job ignore INT, so that one goes by way of python
    done
    need_program python3
    rm -f up got go
    personality_words
    background python3 "$probe" signals '' '' "${WORDS[@]}" "${ROOT[@]}" --bind . /w sh -c "$listener"
    MONITOR=$!
    wait_for 120 test -e up
    kill -INT "$MONITOR"
    wait_for 120 got INT
    end_listener
    is "$status" 9
}

@test "natively, a signal that the payload does not catch ends it, and its number is the status" {
    start_sleeper --unshare-pid
    kill -TERM "$MONITOR"
    status=0
    wait "$MONITOR" || status=$?
    is "$status" 143
    wait_for 120 gone "$PAYLOAD"
}

@test "natively, a second TERM kills" {
    rm -f up got
    sb_bg --unshare-pid --bind . /w sh -c 'trap "echo TERM >>/w/got" TERM; : >/w/up; while :; do sleep 0.02; done'
    MONITOR=$!
    wait_for 120 test -e up
    kill -TERM "$MONITOR"
    wait_for 120 got TERM
    kill -0 "$MONITOR"
    kill -TERM "$MONITOR"
    status=0
    wait "$MONITOR" || status=$?
    is "$status" 137
}

@test "as bwrap, signals are not passed on, unless --forward-signals says so" {
    PERSONALITY=bwrap
    listen --unshare-pid
    kill -TERM "$MONITOR"
    status=0
    wait "$MONITOR" || status=$?
    is "$status" 143
    sleep 0.1
    [[ ! -e got ]]
    : >go
    listen --unshare-pid --forward-signals
    kill -TERM "$MONITOR"
    wait_for 120 got TERM
    end_listener
    is "$status" 9
}

# gives_back PID: of a program that is all there, a part is no longer in the memory of PID.
gives_back() {
    awk '/^[0-9a-f]+-/ { ours = $2 ~ /r-.p/ && /\/sbx$/ } ours && /^Size:/ { size += $2 }
        ours && /^Rss:/ { rss += $2 } END { exit !(size && rss < size * 5 / 6) }' "/proc/$1/smaps"
}

@test "who only waits for the end gives back the memory of the set-up" {
    ! sanitized || skip_cannot "a sanitizer's memory is its own"
    [[ -r /proc/self/smaps ]] || skip_cannot "there is no /proc/PID/smaps"
    PERSONALITY=bwrap # whose pid 1 may be looked at
    listen --unshare-pid
    wait_for 120 gives_back "$MONITOR"
    wait_for 120 gives_back "$(pgrep -P "$MONITOR")"
    kill -TERM "$MONITOR"
    wait "$MONITOR" || true
    : >go
}

@test "an ignored or blocked SIGCHLD of the caller does no harm" {
    need_program python3
    children() {
        personality_words
        capture python3 "$probe" signals CHLD,PIPE CHLD,USR1 "${WORDS[@]}" "${ROOT[@]}" --unshare-pid --proc /proc \
            grep -E "^Sig(Blk|Ign)" /proc/self/status
        ok
        hide_libc_signals
        # PIPE stays ignored (bit 12), USR1 blocked (bit 9)
        is "$output" $'SigBlk:\t0000000000000200\nSigIgn:\t0000000000001000'
        capture python3 "$probe" signals CHLD '' "${WORDS[@]}" "${ROOT[@]}" sh -c 'exit 6'
        is "$status" 6
    }
    both children
}

# --- descriptors ------------------------------------------------------------------------------------------------

@test "natively, all descriptors but 0, 1, 2 and those of --keep-fd are closed" {
    local fd ns

    for fd in 20 21 22 23; do feed "$fd" "fd $fd"; done
    for ns in '' --unshare-pid '--unshare-pid --as-pid-1' '--seccomp-profile none'; do
        # shellcheck disable=SC2086 # several words
        sb $ns --proc /proc --file 23 /f --keep-fd 21 sh -c 'ls /proc/self/fd | tr "\n" " "; cat /proc/self/fd/21'
        ok
        is "$output" '0 1 2 21 3 fd 21' "$ns"
    done
    # pid 1, whose memory knows the caller's environment, shows nothing of itself
    sb --unshare-all --proc /proc sh -c 'for f in fd environ maps root cwd exe ns/net; do
        { ls /proc/1/$f/ || cat /proc/1/$f || readlink /proc/1/$f; } >/tmp-$$ 2>&- && echo "shows $f"; done; echo done'
    is "$output" "done"
    sb --keep-fd 29 echo ran
    refused 29
    sb --keep-fd x echo ran
    refused x
}

@test "as bwrap, descriptors that no option takes are inherited" {
    PERSONALITY=bwrap
    feed 20 twenty
    feed 21 taken
    sb --unshare-pid --proc /proc --file 21 /f sh -c 'ls /proc/self/fd | tr "\n" " "; cat /proc/self/fd/20'
    is "$output" '0 1 2 20 3 twenty'
}

@test "stdin, stdout and stderr are the caller's, and status does not wait for them" {
    echo to the payload >"$T/in"
    inherited() {
        personality_words
        capture_in "$T/in" "${WORDS[@]}" "${ROOT[@]}" --unshare-all sh -c 'cat; echo err >&2'
        is "$output" 'to the payload'
        is "$stderr" err
    }
    both inherited
}

# --- reports -------------------------------------------------------------------------------------------------------

reports() {
    local pid

    sink 20
    sink 21
    sb --unshare-all --info-fd 20 --json-status-fd 21 --proc /proc sh -c 'ls /proc/self/fd | tr "\n" " "; exit 5'
    is "$status" 5
    is "$output" '0 1 2 3 '
    is "$(python3 "$probe" keys "$T/sink.20")" 'child-pid cgroup-namespace ipc-namespace mnt-namespace net-namespace pid-namespace uts-namespace'
    is "$(python3 "$probe" get "$T/sink.21" exit-code)" 5
    like "$(head -n1 "$T/sink.21")" '^\{ "child-pid": [0-9]+, '
    # as the payload sees its namespaces
    sb --unshare-ipc --info-fd 20 --proc /proc sh -c 'for n in ipc mnt; do readlink /proc/self/ns/$n | tr -dc 0-9; echo; done'
    is "$output" "$(python3 "$probe" get "$T/sink.20" ipc-namespace)"$'\n'"$(python3 "$probe" get "$T/sink.20" mnt-namespace)"
    is "$(python3 "$probe" get "$T/sink.20" net-namespace)" missing
    # nothing about an exit when there was no payload
    sb --json-status-fd 21 /none/such
    is "$(python3 "$probe" get "$T/sink.21" exit-code)" missing
    sb --json-status-fd 21 --ro-bind /none/such /x true
    is "$(python3 "$probe" get "$T/sink.21" exit-code)" missing
    # the first process, as the host counts
    sb_bg --unshare-pid --info-fd 20 --bind . /w sh -c ': >/w/up; exec sleep 1000'
    wait_for 120 test -e up
    pid=$(python3 "$probe" get "$T/sink.20" child-pid)
    is "$(awk '/^NSpid/ { print $NF }' "/proc/$pid/status")" 1
    kill -KILL "$pid"
    status=0
    wait "$!" || status=$?
    isnt "$status" 0
    sb --info-fd 29 echo ran
    case $PERSONALITY in
    native) refused "'29': Bad file descriptor" ;;
    bwrap) refused 'Write to info_fd: Bad file descriptor' ;;
    esac
}

@test "--info-fd and --json-status-fd" {
    need_program python3
    both reports
}

@test "--info-fd and --json-status-fd: one object, one write" {
    need_program python3
    packets() {
        personality_words
        capture python3 "$probe" packets "${WORDS[@]}" "${ROOT[@]}" --unshare-all --info-fd % true
        is "$(wc -l <<<"$output")" 1
        capture python3 "$probe" packets "${WORDS[@]}" "${ROOT[@]}" --unshare-all --json-status-fd % true
        # natively how it ended comes with what it used, in an object of its own
        is "$(wc -l <<<"$output")" "$([[ $PERSONALITY == native ]] && echo 3 || echo 2)"
        is "${output##*$'\n'}" "'{ \"exit-code\": 0 }\\n'"
    }
    both packets
}

held() {
    mkfifo block
    (
        exec 20<>"$W/block"
        KEEP_FD=20
        SINK[21]=$W/status
        personality_words
        start "${WORDS[@]}" "${ROOT[@]}" --block-fd 20 --json-status-fd 21 --proc /proc --bind . /w \
            sh -c '[ -e /proc/self/fd/20 ] && echo leaked; : >/w/ran'
    ) </dev/null >"$T/out" 2>"$T/err" &
    BACKGROUND+=("$!")
    wait_for 120 test -s status
    sleep 0.1
    [[ ! -e ran ]]
    echo >block
    wait "$!"
    [[ -e ran ]]
    is "$(<"$T/out")" ''
    feed 20 ''
    sb --block-fd 20 echo the end releases, too
    ok
    unfeed
    sb --block-fd 29 echo ran
    refused
}

@test "--block-fd" {
    both held
}

mapped_by_caller() {
    local pid

    mkfifo block
    rm -f "$T/sink.21"
    (
        exec 20<>"$W/block"
        KEEP_FD=20
        sink 21
        personality_words
        start "${WORDS[@]}" "${ROOT[@]}" --unshare-user --userns-block-fd 20 --info-fd 21 --proc /proc \
            sh -c 'id -u; tr -s " " </proc/self/uid_map'
    ) </dev/null >"$T/out" 2>"$T/err" &
    BACKGROUND+=("$!")
    wait_for 120 grep -q '}' "$T/sink.21"
    pid=$(python3 "$probe" get "$T/sink.21" child-pid)
    echo "7 $(id -u) 1" >"/proc/$pid/uid_map"
    echo deny >"/proc/$pid/setgroups"
    echo "8 $(id -g) 1" >"/proc/$pid/gid_map"
    echo >block
    wait "$!"
    slurp
    is "$output" 7$'\n'" 7 $(id -u) 1"
    sb --unshare-user --userns-block-fd 20 echo ran
    refused --info-fd
}

@test "--userns-block-fd" {
    need_program python3
    both mapped_by_caller
}

locked() {
    : >lock1
    : >lock2
    sb_bg --bind . /w --lock-file /w/lock1 --lock-file /w/lock2 sh -c ': >/w/up; while [ ! -e /w/go ]; do sleep 0.02; done'
    wait_for 120 test -e up
    is "$(python3 "$probe" lock lock1)" 'held 0 0 True'
    is "$(python3 "$probe" lock lock2)" 'held 0 0 True'
    : >go
    wait "$!"
    wait_for 120 sh -c "[ \"\$(python3 '$probe' lock lock1)\" = free ]"
    sb --lock-file /none echo ran
    refused /none
    sb --unshare-pid --as-pid-1 --lock-file /none echo ran
    refused --lock-file
}

@test "--lock-file" {
    need_program python3
    both locked
}

synced() {
    mkfifo sync
    SINK[20]=$W/sync
    (
        exec 3>&- 4>&-
        cat "$W/sync"
        echo closed >"$W/closed"
    ) </dev/null >/dev/null 2>&1 &
    BACKGROUND+=("$!")
    sb_bg --unshare-pid --sync-fd 20 --proc /proc --bind . /w sh -c '
        [ -e /proc/self/fd/20 ] && : >/w/leaked; : >/w/up; while [ ! -e /w/go ]; do sleep 0.02; done'
    wait_for 120 test -e up
    [[ ! -e closed && ! -e leaked ]]
    : >go
    wait_for 120 test -e closed
}

@test "--sync-fd: open as long as the sandbox lives" {
    both synced
}

# --- filters -------------------------------------------------------------------------------------------------------

filtered() {
    python3 "$probe" bpf "$T/no-uname" allow uname=e1
    python3 "$probe" bpf "$T/no-ppid" allow getppid=e2
    feed_file 20 "$T/no-uname"
    feed_file 21 "$T/no-ppid"
    # pid 1 takes it when the payload has started
    sb --seccomp 20 --unshare-pid --proc /proc sh -c 'uname -n || echo denied
        until grep -q ^Seccomp:.2 /proc/1/status; do sleep 0.02; done; grep -h ^Seccomp: /proc/1/status /proc/self/status'
    is "$output" $'denied\nSeccomp:\t2\nSeccomp:\t2'
    sb --add-seccomp-fd 20 --add-seccomp-fd 21 sh -c 'uname -n 2>&1 || echo denied'
    has "$output" denied
    feed 20 1234567
    sb --seccomp 20 echo ran
    refused
    feed 20 ''
    sb --seccomp 20 echo ran
    refused
    sb --seccomp 20 --add-seccomp-fd 21 echo ran
    refused --seccomp
    sb --seccomp 29 echo ran
    refused
}

@test "--seccomp and --add-seccomp-fd" {
    need_program python3
    both filtered
}
