#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What goes wrong around a sandbox with limits leaves nothing behind: no unit, no cgroup, no process.

load vm

payload=(--bare --unshare-pid --proc /proc)

# running NAME: a sandbox that runs, in the background; its monitor is $!.
running() {
    background "$SBX" "${payload[@]}" "${ROOT[@]}" --name "$1" --memory 64M "${@:2}" sleep 98760
    wait_for 30 systemctl --user is-active "sbx-$1.scope"
    wait_for 30 pgrep -f 'sleep 98760' # not only the set-up
}

@test "sbx killed by KILL leaves nothing" {
    running killed
    kill -KILL $!
    wait $! || true
    no_trace
}

@test "sbx killed by KILL leaves nothing without a pid namespace, either" {
    background "$SBX" --bare --dev-bind / / --name killed --memory 64M \
        sh -c 'setsid sh -c "trap \"\" TERM; sleep 98761" & sleep 98760'
    wait_for 30 systemctl --user is-active sbx-killed.scope
    wait_for 30 pgrep -f 'sleep 98761'
    kill -KILL $!
    wait $! || true
    no_trace
}

@test "sbx killed by KILL at random moments leaves nothing" {
    local i

    for i in $(seq 12); do
        background "$SBX" "${payload[@]}" "${ROOT[@]}" --pids-limit 20 sleep 98762
        sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
        kill -KILL $!
        wait $! || true
    done
    no_trace
}

@test "sbx-scope killed at random moments: no limits, no payload" {
    local i pid

    for i in $(seq 8); do
        background "$SBX" "${payload[@]}" "${ROOT[@]}" --pids-limit 20 echo ran
        pid=$!
        sleep "0.$((RANDOM % 6))$((RANDOM % 10))"
        pkill -KILL -P "$pid" -x sbx-scope || true
        status=0
        wait "$pid" || status=$?
        # it was too late, or nothing ran
        [[ $status == 0 && $(<"$T/bg.out") == ran ]] || [[ $status == 125 && -z $(<"$T/bg.out") ]]
    done
    no_trace
}

@test "the cleaner killed: the rest ends well" {
    running swept --report "$T/report" # without one there is none
    pkill -KILL -x sbx-cleaner
    sleep 0.3
    kill -TERM $!
    status=0
    wait $! || status=$?
    is "$status" 143
    no_trace
}

@test "stopped by systemctl, the payload gets a TERM" {
    running stopped
    systemctl --user stop sbx-stopped.scope
    status=0
    wait $! || status=$?
    is "$status" 143
    no_trace
}

@test "stopped by systemctl while it is set up, it ends when it can" {
    mkfifo "$T/hold"
    # shellcheck disable=SC2016 # for the inner shell
    background sh -c 'exec 7<>"$1"; shift; exec "$@" --block-fd 7 sleep 98760' sh "$T/hold" \
        "$SBX" "${payload[@]}" "${ROOT[@]}" --name early --memory 64M
    wait_for 30 systemctl --user is-active sbx-early.scope
    systemctl --user stop --no-block sbx-early.scope
    wait_for 30 sh -c 'systemctl --user show -p ActiveState sbx-early.scope | grep -q deactivating'
    echo go >"$T/hold"
    status=0
    wait $! || status=$?
    is "$status" 125
    has "$(<"$T/bg.err")" 'ended by SIGTERM'
    no_trace
}

@test "the user's manager re-executed during a run: the run goes on" {
    running again
    systemctl --user daemon-reexec
    wait_for 30 systemctl --user is-active sbx-again.scope
    kill -TERM $!
    status=0
    wait $! || status=$?
    is "$status" 143
    no_trace
}

# kill_manager: the user's systemd dies, and the system's, which sees what it served end, starts another.
kill_manager() {
    local old

    old=$(pgrep -u "$(id -u)" -x systemd)
    kill -KILL "$old"
    # shellcheck disable=SC2016 # for the inner shell
    wait_for 60 sh -c '! kill -0 "$1" 2>/dev/null && systemctl --user is-active default.target' sh "$old"
}

@test "the user's manager killed and started again during a run: the run ends, nothing is left" {
    [[ $SBX_VM_MODE == login ]] || skip_cannot "this test is below the manager itself"
    running orphan
    kill_manager
    status=0
    wait $! || status=$?
    is "$status" 137
    no_trace
    sbx --memory 64M echo again
    ok
    is "$output" again
}

@test "the user's manager killed at random moments of a start: all of it or nothing" {
    [[ $SBX_VM_MODE == login ]] || skip_cannot "this test is below the manager itself"
    local i pid

    for i in $(seq 5); do
        background "$SBX" "${payload[@]}" "${ROOT[@]}" --pids-limit 20 sh -c 'echo ran; sleep 98760'
        pid=$!
        sleep "0.$((RANDOM % 5))$((RANDOM % 10))"
        kill_manager
        # what the manager did not hold yet may have got its scope from the next one
        kill -TERM "$pid" 2>/dev/null || true
        status=0
        wait "$pid" || status=$?
        [[ $status == 137 || $status == 143 ]] || [[ $status == 125 && -z $(<"$T/bg.out") ]] ||
            { echo "status $status: $(cat "$T/bg.out" "$T/bg.err")" && return 1; }
        no_trace
    done
}

@test "sandboxes one after another leave none behind" {
    local i

    for ((i = 0; i < ${SBX_VM_SCOPES:-200}; i++)); do
        "$SBX" --bare "${ROOT[@]}" --unshare-pid --pids-limit 9 true || return 1
    done
    no_trace
}

@test "without D-Bus the manager's private socket is asked" {
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/none
    capture "$SBX" "${payload[@]}" "${ROOT[@]}" --pids-limit 9 --report "$T/report" true
    ok
    is "$(report limits.backend)" systemd
    no_trace
}

@test "a bus that is silent is an error in the end, and nothing runs" {
    need_program python3
    python3 - "$T/bus" <<'PY' 3>&- &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(3000)
PY
    BACKGROUND+=("$!")
    wait_for 120 test -S "$T/bus"
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/bus
    capture "$SBX" "${payload[@]}" "${ROOT[@]}" --pids-limit 9 echo ran
    fails 125 'did not start'
    is "$output" ''
    no_trace
}

@test "no user manager at all: below its slice the tree itself, else an error" {
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/none XDG_RUNTIME_DIR=$T
    capture "$SBX" "${payload[@]}" "${ROOT[@]}" --memory 64M --report "$T/report" \
        python3 -c 'x = bytearray(200 << 20)'
    if [[ $SBX_VM_MODE == manager ]]; then
        is "$status" 137
        is "$(report limits.backend)" cgroupfs
        is "$(report exit.reason)" oom
    else
        fails 125 'nothing can hold the limits'
    fi
    XDG_RUNTIME_DIR=/run/user/$(id -u) DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$(id -u)/bus no_trace
}

@test "the cgroupfs back end: same leaves, same files, nothing left, also after a KILL" {
    [[ $SBX_VM_MODE == manager ]] || skip_cannot "a login session may write no part of the tree"
    capture "$SBX" --bare --dev-bind / / --cgroup cgroupfs --name own --memory 64M --pids-limit 9 sh -c '
        sed -n s/^0:://p /proc/self/cgroup; cd "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)"
        cat memory.max pids.max; ls -d ../helpers'
    ok
    like "$(head -n1 <<<"$output")" '/sbx-own/payload$'
    is "$(sed 1d <<<"$output")" $'67108864\n9\n../helpers'
    no_trace
    background "$SBX" --bare --dev-bind / / --cgroup cgroupfs --name own --memory 64M \
        sh -c 'setsid sh -c "trap \"\" TERM; sleep 98761" & sleep 98760'
    wait_for 30 pgrep -f 'sleep 98761'
    kill -KILL $!
    wait $! || true
    no_trace
}
