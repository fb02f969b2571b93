#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Limits that need no cgroup, reports, and what is said to bad input. As an ordinary user.

load ../lib/common

sbx() {
    capture "$SBX" --bare "${ROOT[@]}" --dev /dev --proc /proc --unshare-pid "$@"
}

# wrong WORDS TEXT: the option's words are refused, and TEXT is in what is said.
wrong() {
    local text=${*: -1}

    # shellcheck disable=SC2086 # words
    capture "$SBX" "${@:1:$#-1}" --ro-bind / / echo ran
    refused "$text"
}

# from_report FILTER: the answer of jq, or of python where there is no jq.
from_report() {
    python3 -c 'import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    value = value[key]
print(json.dumps(value))' "$T/report" "$1"
}

@test "bad sizes, counts and lists are quoted, with what is accepted" {
    wrong --memory 12X "--memory takes a size such as 512M, 1.5G or 25% of the machine's memory, or max, not '12X'"
    wrong --memory '' "not ''"
    wrong --memory 0% "not '0%'"
    wrong --memory 101% "not '101%'"
    wrong --memory-high -1 "--memory-high takes"
    wrong --memory-swap 1.5 "--memory-swap takes"
    wrong --pids-limit -1 "--pids-limit takes a number from 1 to 4194304, not '-1'"
    wrong --pids-limit 4194305 "not '4194305'"
    wrong --cpus 0 "--cpus takes a number of CPUs such as 0.5 or 2, at least 0.01, not '0'"
    wrong --cpus 1,5 "not '1,5'"
    wrong --cpu-weight 0 "--cpu-weight takes a number from 1 to 10000, not '0'"
    wrong --io-weight 10001 "--io-weight takes a number from 1 to 10000, not '10001'"
    wrong --cpuset-cpus 3-1 "--cpuset-cpus takes a list such as 0-3,7, not '3-1'"
    wrong --cpuset-mems , "--cpuset-mems takes a list such as 0-3,7, not ','"
}

@test "bad devices, durations, ulimits and names are quoted, with what is accepted" {
    wrong --device-read-bps /dev/sda "--device-read-bps takes DEVICE:RATE such as /dev/sda:1M"
    wrong --device-write-bps 8:0:0 "not '8:0:0'"
    wrong --device-read-iops 8:0:1M "--device-read-iops takes DEVICE:RATE such as /dev/sda:100"
    wrong --device-write-iops x:0:1 "not 'x:0:1'"
    wrong --device-read-bps /nonexistent:1M "find the device '/nonexistent': No such file or directory"
    wrong --device-read-bps /dev/null:1M "find the device '/dev/null': it is no block device"
    wrong --timeout 5x "--timeout takes a duration such as 90s, 1.5m, 2h or 1d (0: none), not '5x'"
    wrong --kill-after 1m30s "--kill-after takes a duration"
    wrong --ulimit nofile "--ulimit takes NAME=SOFT[:HARD]"
    wrong --ulimit nofile=2:1 "SOFT not above HARD"
    wrong --ulimit files=1 "--ulimit knows no 'files': as, core,"
    wrong --cgroup v1 "--cgroup takes auto, systemd, cgroupfs or none, not 'v1'"
    wrong --slice work "--slice takes the name of a slice such as work.slice, not 'work'"
    wrong --name a/b "--name takes letters, digits"
    wrong --name .. "not '..'"
    wrong --report '' "--report: the argument may not be empty"
}

@test "a limit below what is needed to start says so" {
    wrong --memory 1000K "--memory 1000K is less than a program needs to start: at least 1M"
    wrong --pids-limit 0 "--pids-limit 0 leaves no process to start: at least 1"
}

@test "--cgroup none cannot go with a limit that needs a cgroup, and changes nothing without" {
    wrong --cgroup none --memory 64M "--cgroup none cannot be combined with an option that needs a cgroup"
    wrong --cgroup none --delegate-cgroup "--cgroup none cannot be combined"
    wrong --cgroup cgroupfs --slice a.slice "--slice cannot be combined with --cgroup cgroupfs"
    sbx --cgroup none --timeout 60 --ulimit nofile=100 echo ran
    ok
    is "$output" ran
}

@test "without anything to hold a limit there is no payload" {
    export XDG_RUNTIME_DIR=$T/none DBUS_SESSION_BUS_ADDRESS=unix:path=$T/none/bus
    capture "$SBX" --cgroup systemd --memory 64M --ro-bind / / echo ran
    refused "no systemd of the user's answers: tried "
    has "$stderr" "unix:path=$T/none/bus"
    capture "$SBX" --slice a.slice --memory 64M --ro-bind / / echo ran
    refused "--slice needs the user's systemd"
}

@test "a helper that has answered and gone before it was asked everything is heard" {
    local i

    export DBUS_SESSION_BUS_ADDRESS=unix:path=$T/none XDG_RUNTIME_DIR=$T
    for i in $(seq 20); do
        capture "$SBX" --cgroup systemd --memory 64M --ro-bind / / echo ran
        refused "no systemd of the user's answers"
    done
}

@test "a helper that is missing or dies is an error, not a sandbox without limits" {
    export SBX_LIBEXECDIR=$T/libexec
    mkdir "$SBX_LIBEXECDIR"
    capture "$SBX" --memory 64M --ro-bind / / echo ran
    refused "the helper sbx-scope can't be executed"
    printf '#!/bin/sh\nkill -KILL $$\n' >"$SBX_LIBEXECDIR/sbx-scope"
    chmod +x "$SBX_LIBEXECDIR/sbx-scope"
    capture "$SBX" --memory 64M --ro-bind / / echo ran
    refused "the helper sbx-scope was killed by signal 9"
    printf '#!/bin/sh\nexit 0\n' >"$SBX_LIBEXECDIR/sbx-scope"
    capture "$SBX" --memory 64M --ro-bind / / echo ran
    refused "the helper sbx-scope gave no answer"
}

@test "--timeout ends a payload with status 124" {
    sbx --timeout 0.3 sleep 1000
    is "$status" 124
    sbx --timeout 0.3s sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
    is "$status" 124
    sbx --timeout 1000 sh -c 'exit 3'
    is "$status" 3
    sbx --timeout 0 sh -c 'exit 4'
    is "$status" 4
}

@test "--timeout kills what ignores TERM, and what is stopped hears it" {
    sbx --timeout 0.3 --kill-after 0.3 sh -c 'trap "" TERM; while :; do sleep 1; done'
    is "$status" 124
    sbx --timeout 0.3 --kill-after 60 sh -c 'kill -STOP $$; sleep 1000'
    is "$status" 124
}

@test "--timeout that passes while the set-up waits is status 124, too" {
    mkfifo "$T/hold"
    exec 20<>"$T/hold"
    KEEP_FD=20
    sbx --timeout 0.1 --kill-after 0.1 --block-fd 20 --report "$T/report" echo ran
    is "$status" 124
    is "$output" ''
    is "$(from_report exit.reason)" '"timeout"'
    exec 20>&-
}

@test "after --timeout nothing is left, in a pid namespace and without one" {
    # ours, by an odd argument that nobody else's has: other runs go on beside this one, maybe as the same user
    local odd=98765.$$

    sbx --timeout 1 sh -c '
        setsid sh -c "trap \"\" TERM; sleep $1 & sleep $1" sh "$1" & sleep "$1"' sh "$odd"
    is "$status" 124
    capture "$SBX" --bare --dev-bind / / --timeout 1 sh -c '
        setsid sh -c "trap \"\" TERM; sleep $1 & sleep $1" sh "$1" & sleep "$1"' sh "$odd"
    is "$status" 124
    capture pgrep -u "$(id -u)" -f "sleep $odd"
    is "$status" 1 'left behind'
}

@test "--kill-after limits how long a TERM from outside may be ignored" {
    background "$SBX" --bare "${ROOT[@]}" --unshare-pid --proc /proc --dev /dev --bind "$T" "$T" \
        --kill-after 0.3 sh -c "trap '' TERM; : >$T/ready; while :; do sleep 1; done"
    wait_for 20 test -e "$T/ready"
    kill -TERM $!
    status=0
    wait $! || status=$?
    is "$status" 137
}

# wall_after SECONDS: how long, in milliseconds, a payload that ignores TERM has with this --kill-after. As pid 1 it does so
# from the start, however long the machine takes for that.
wall_after() {
    sbx --as-pid-1 --timeout 0.2 --kill-after "$1" --report "$T/report" sleep 1000
    is "$status" 124
    ms=$(python3 -c 'import json, sys
print(int(json.load(open(sys.argv[1]))["wall_s"] * 1000))' "$T/report")
}

@test "--kill-after is as long as it says" {
    local ms

    # the default is ten seconds
    wall_after 0.3
    [[ $ms -lt 9000 ]]
    wall_after 3
    [[ $ms -ge 3000 ]]
}

@test "--ulimit sets soft and hard limits" {
    sbx --ulimit nofile=123:456 --ulimit core=0 --ulimit stack=4M:unlimited bash -c '
        ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -s'
    if [[ $(ulimit -Hs) == unlimited ]]; then
        ok
        is "$output" $'123\n456\n0\n4096'
    else
        refused "--ulimit stack: set the limit: Operation not permitted"
    fi
}

@test "--ulimit fsize and nproc hold" {
    sbx --ulimit fsize=1K --tmpfs /tmp sh -c 'head -c 4096 /dev/zero >/tmp/f; stat -c %s /tmp/f'
    is "$output" 1024
    # counted per user namespace, so that what else the user runs does not matter
    sbx --ulimit nproc=8 bash -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 60 & done; true'
    has "$stderr" 'Resource temporarily unavailable'
}

@test "--ulimit that may not be set stops the run" {
    [[ $(ulimit -Hn) != unlimited ]] || skip_cannot "the hard limit of nofile is unlimited here"
    sbx --ulimit "nofile=$(($(ulimit -Hn) + 1))" echo ran
    refused "--ulimit nofile: set the limit: Operation not permitted"
}

@test "--report says how it ended" {
    need_program python3
    sbx --report "$T/report" sh -c 'exit 3'
    is "$status" 3
    is "$(from_report exit)" '{"code": 3, "signal": null, "reason": "exit"}'
    is "$(from_report phase)" '"run"'
    is "$(from_report argv)" '["sh", "-c", "exit 3"]'
    is "$(from_report limits.backend)" '"none"'
    is "$(from_report name)" null

    # shellcheck disable=SC2016 # for the inner shell
    sbx --report "$T/report" sh -c 'kill -USR1 $$'
    is "$status" 138
    is "$(from_report exit)" '{"code": 138, "signal": 10, "reason": "signal"}'

    sbx --timeout 0.2 --report "$T/report" sleep 1000
    is "$status" 124
    is "$(from_report exit.reason)" '"timeout"'

    sbx --ro-bind /nonexistent /x --report "$T/report" true
    is "$status" 125
    is "$(from_report exit)" '{"code": 125, "signal": null, "reason": "setup"}'
    is "$(from_report phase)" '"setup"'
}

@test "--report: figures that are known are figures, the others null" {
    need_program python3
    sbx --report "$T/report" python3 -c 'x = bytearray(64 << 20); sum(range(10**6))'
    ok
    is "$(python3 -c 'import json, sys
r = json.load(open(sys.argv[1]))
print(r["wall_s"] > 0, r["cpu_user_s"] + r["cpu_sys_s"] > 0, r["max_rss_bytes"] > 64 << 20,
    [r[k] for k in ("memory_peak_bytes", "pids_peak", "oom_kills", "io_read_bytes")])' "$T/report")" \
        'True True True [None, None, None, None]'
}

@test "--report is one object of JSON whatever the command's words are" {
    need_program python3
    sbx --report "$T/report" true $'a"\\\n\x01' $'\xff\xc3(' $'\xc3\xa4' '/*'
    ok
    is "$(from_report argv)" '["true", "a\"\\\n\u0001", "\u00ff\u00c3(", "\u00e4", "/*"]'
}

@test "--report - is for people, on standard error" {
    sbx --report - true
    is "$status" 0
    is "$output" ''
    like "$stderr" $'^sbx: ended by +exit, status 0\n'
    has "$stderr" 'limits held by'
}

@test "--report: what cannot be written is told, and the status stands" {
    capture "$SBX" --ro-bind / / --report /dev/full sh -c 'exit 3'
    is "$status" 3
    is "$stderr" "sbx: --report: write '/dev/full': No space left on device"
}

@test "--report to a file that cannot be opened stops the run" {
    capture "$SBX" --ro-bind / / --report "$T/no/where" echo ran
    refused "--report: open '$T/no/where': No such file or directory"
}

@test "the status fd says the same, before the exit code" {
    need_program python3
    sink 7
    sbx --json-status-fd 7 sh -c 'exit 5'
    is "$status" 5
    is "$(python3 -c 'import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
print(len(lines), "child-pid" in lines[0], lines[1]["exit"]["code"], lines[2])' "$T/sink.7")" \
        "3 True 5 {'exit-code': 5}"
}

@test "a bwrap that got none of sbx's options says nothing more on the status fd" {
    sink 7
    capture "$BWRAP" "${ROOT[@]}" --json-status-fd 7 true
    ok
    is "$(wc -l <"$T/sink.7")" 2
}

@test "--dry-run shows the unit, its properties and the files" {
    capture "$SBX" --debug-opt fake-host --dry-run --ro-bind /usr /usr --memory 50% --memory-high 1G \
        --cpus 1.5 --pids-limit 64 --cpu-weight 10 --cpuset-cpus 2,0,1 --cpuset-mems 0 --io-weight 5 \
        --device-read-bps 8:0:1M --device-write-bps 8:0:2M --device-read-iops 8:0:3 \
        --device-write-iops 8:0:4 --slice work.slice --name job --timeout 1.5m --kill-after 0.5 \
        --ulimit nofile=10:unlimited true
    ok
    is "$(sed -n '/^scope/,/^timeout/p' <<<"$output")" "scope sbx-job.scope
property MemoryHigh=1140850688
property MemoryMax=4362076160
property MemorySwapMax=0
property Slice=work.slice
property TasksMax=80
property CPUQuotaPerSecUSec=2000000
property CPUWeight=10
property AllowedCPUs=0-2
property AllowedMemoryNodes=0
property IOWeight=5
property Delegate=yes
property DelegateControllers=
property DelegateControllers=memory pids cpuset cpu io
or without a systemd: cgroup sbx-job
leaves payload helpers
write payload/memory.swap.max 0
write payload/memory.high 1073741824
write payload/memory.max 4294967296
write payload/memory.oom.group 1
write payload/pids.max 64
write payload/cpuset.cpus 0-2
write payload/cpuset.mems 0
write payload/cpu.max 150000 100000
write payload/cpu.weight 10
write payload/io.weight default 5
write payload/io.max 8:0 rbps=1048576
write payload/io.max 8:0 wbps=2097152
write payload/io.max 8:0 riops=3
write payload/io.max 8:0 wiops=4
ulimit nofile 10 unlimited
timeout 90 s, kill after 0.5 s"
}
