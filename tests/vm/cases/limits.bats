#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each limit, on a machine that can hold it: what the payload's leaf says, what systemd's tools say,
# and what happens to who goes beyond.

load vm

@test "--memory: a hog is killed, as a whole, and reported" {
    sbx --memory 48M --report "$T/report" sh -c '
        sleep 98761 & python3 -c "x = bytearray(200 << 20); print(\"ran\")"; echo survived'
    is "$status" 137
    is "$output" ''
    is "$(report exit.reason)" oom
    is "$(report exit.signal)" 9
    [[ $(report oom_kills) -ge 1 ]]
    [[ $(report memory_peak_bytes) -le $((48 << 20)) ]]
    [[ $(report memory_peak_bytes) -gt $((40 << 20)) ]]
    is "$(report limits.backend)" systemd
    no_trace
}

@test "--memory is enough for what fits, and takes the swap space away" {
    sbx --memory 96M python3 -c 'x = bytearray(32 << 20); print("fits")'
    ok
    is "$output" fits
    sbx --memory 48M sh -c "$(in_leaf memory.max memory.swap.max memory.oom.group)"
    ok
    is "$output" $'50331648\n0\n1'
}

@test "--memory-high and --memory-swap" {
    sbx --memory-high 32M --memory-swap 16M sh -c "$(in_leaf memory.high memory.swap.max memory.max)"
    ok
    is "$output" $'33554432\n16777216\nmax'
    sbx --memory 64M --memory-swap max sh -c "$(in_leaf memory.swap.max)"
    ok
    is "$output" max
    sbx --memory 25% sh -c "$(in_leaf memory.max)"
    ok
    is "$output" $(($(getconf _PHYS_PAGES) * 1024 & ~4095))
}

@test "--pids-limit contains a fork bomb, and the machine stays usable" {
    # shellcheck disable=SC2016 # for the inner shell
    background "$SBX" --bare "${ROOT[@]}" --dev /dev --unshare-pid --proc /proc --name bomb \
        --pids-limit 24 --report "$T/report" --kill-after 1 \
        bash -c 'bomb() { bomb | bomb & }; bomb; sleep 98762'
    wait_for 30 systemctl --user is-active sbx-bomb.scope
    sleep 3
    # the machine: other processes start, and only so many of the bomb's are there
    capture sh -c 'true; true; echo usable'
    is "$output" usable
    kill -TERM "${BACKGROUND[0]}"
    status=0
    wait "${BACKGROUND[0]}" || status=$?
    like "$status" '^(137|143)$'
    [[ $(report pids_peak) == null || $(report pids_peak) -le 24 ]]
    is "$(report exit.reason)" signal
    no_trace
}

@test "--pids-limit counts the payload, not what serves it" {
    sbx --pids-limit 1 sh -c 'exec cat /proc/self/cgroup'
    ok
    like "$output" '/payload$'
    sbx --pids-limit 1 sh -c '/bin/true; echo "$?"'
    [[ $status != 0 || $output != 0 ]]
    sbx --pids-limit 7 sh -c "$(in_leaf pids.max)"
    is "$output" 7
}

@test "--cpus: within 15 % over five seconds" {
    # For what the emulated machine stands still, because others run in its place, the kernel charges whom it likes; a
    # neighbour on the same processor notices.
    capture taskset -c 0 python3 -c '
import json, subprocess, sys, time
sandbox = subprocess.Popen(sys.argv[2:])
still = 0
last = time.monotonic()
while sandbox.poll() is None:
    time.sleep(0.02)
    now = time.monotonic()
    still += max(0, now - last - 0.03)
    last = now
report = json.load(open(sys.argv[1], encoding="ascii"))
used = report["cpu_user_s"] + report["cpu_sys_s"]
wall = report["wall_s"]
print(f"status {sandbox.returncode}: {used} of {wall} s, and it stood still for {still}")
sys.exit(sandbox.returncode != 124 or not 0.34 * (wall - still) <= used <= 0.46 * wall + still)' "$T/report" \
        "$SBX" --bare "${ROOT[@]}" --unshare-pid --cpus 0.4 --timeout 5 --report "$T/report" sh -c 'while :; do :; done'
    show_last
    is "$status" 0
}

@test "--cpus 2 lets a payload use more than one" {
    sbx --cpus 1.5 sh -c "$(in_leaf cpu.max)"
    ok
    is "$output" '150000 100000'
}

@test "--cpu-weight is seen in the leaf and at the unit" {
    # whose id must be its own for the bus
    capture "$SBX" --bare --dev-bind / / --keep-id --name weighed --cpu-weight 25 sh -c "$(in_leaf cpu.weight)
        systemctl --user show -p CPUWeight -p DelegateControllers sbx-weighed.scope | sort"
    ok
    # and no other controller: each costs all that is beside the scope
    is "$output" $'25\nCPUWeight=25\nDelegateControllers=cpu'
}

@test "--cpuset-cpus and --cpuset-mems" {
    sbx --cpuset-cpus 1 --cpuset-mems 0 sh -c "$(in_leaf cpuset.cpus cpuset.cpus.effective cpuset.mems cpuset.mems.effective); nproc"
    ok
    is "$output" $'1\n1\n0\n0\n1'
}

@test "--cpuset-cpus of a CPU that is not there is an error" {
    sbx --cpuset-cpus 0,77 echo ran
    fails 125 '--cpuset-cpus'
    is "$output" ''
    no_trace
}

@test "--io-weight" {
    sbx --io-weight 42 sh -c "$(in_leaf io.weight)"
    ok
    is "$(head -n1 <<<"$output")" 'default 42'
}

# The disk that the tests' directory is on.
disk() {
    local dev

    dev=$(stat -c %d "$T")
    echo "$((dev >> 8 & 0xfff)):$((dev & 0xff))"
}

@test "--device-... are in io.max" {
    sbx --device-read-bps "$T:1M" --device-write-bps "$T:2M" --device-read-iops "$(disk):30" \
        --device-write-iops "$(disk):40" sh -c "$(in_leaf io.max)"
    ok
    is "$output" "$(disk) rbps=1048576 wbps=2097152 riops=30 wiops=40"
}

# The unit's own limit would hold, too, were the leaf's not there: it is taken away first.
# shellcheck disable=SC2016 # for the inner shell
without_units='systemctl --user set-property --runtime sbx-slow.scope "$1=$2 infinity" || exit 9
    grep "[rw]bps=[0-9]" "/sys/fs/cgroup$(sed -n "s/^0:://p" /proc/self/cgroup)/../io.max" && exit 8
    shift 2
    exec dd "$@"'

# slow PROPERTY OPTION WORDS...: dd in a sandbox with the option
slow() {
    capture "$SBX" --bare --dev-bind / / --keep-id --name slow "$2" "$T:1M" --report "$T/report" \
        sh -c "$without_units" sh "$1" "$T" "${@:3}"
    is "$status" 0
}

@test "--device-read-bps slows a reader down, by the leaf's own limit" {
    head -c 4M /dev/urandom >"$T/data"
    sync
    slow IOReadBandwidthMax --device-read-bps if="$T/data" of=/dev/null bs=64k iflag=direct
    # four megabytes at one a second, less a second's burst
    run jq -e '.wall_s > 2 and .io_read_bytes >= 4194304' "$T/report"
    [[ $status -eq 0 ]]
}

@test "--device-write-bps slows a writer down, by the leaf's own limit" {
    slow IOWriteBandwidthMax --device-write-bps if=/dev/zero of="$T/data" bs=64k count=64 oflag=direct
    run jq -e '.wall_s > 2 and .io_write_bytes >= 4194304' "$T/report"
    [[ $status -eq 0 ]]
}

@test "the unit shows the limits, with room for the helpers, and the command" {
    capture "$SBX" --bare --dev-bind / / --keep-id --name shown --memory 64M --memory-high 32M \
        --pids-limit 20 --cpus 0.5 --cpuset-cpus 0 --io-weight 7 sh -c \
        'systemctl --user show sbx-shown.scope -p MemoryMax -p MemoryHigh -p MemorySwapMax -p TasksMax \
            -p CPUQuotaPerSecUSec -p AllowedCPUs -p IOWeight -p Slice -p Delegate -p DelegateControllers -p CollectMode -p Description'
    ok
    is "$(grep -v ^Description <<<"$output" | sort)" "AllowedCPUs=0
CPUQuotaPerSecUSec=1s
CollectMode=inactive-or-failed
Delegate=yes
DelegateControllers=cpu cpuset io memory pids
IOWeight=7
MemoryHigh=100663296
MemoryMax=134217728
MemorySwapMax=0
Slice=app.slice
TasksMax=36"
    has "$output" 'Description=sbx: sh -c systemctl'
}

@test "--slice and --name say where and what" {
    sbx --slice work.slice --name there --pids-limit 9 sed -n s/^0:://p /proc/self/cgroup
    ok
    like "$output" '/user@[0-9]+\.service/work\.slice/sbx-there\.scope/payload$'
    background "$SBX" --bare "${ROOT[@]}" --unshare-pid --proc /proc --name there --pids-limit 9 sleep 98763
    wait_for 30 systemctl --user is-active sbx-there.scope
    sbx --name there --pids-limit 9 echo ran
    fails 125 'sbx-there.scope'
    is "$output" ''
    kill -TERM $!
    wait $! || true
    no_trace
}

@test "--unshare-cgroup makes the payload's leaf its root" {
    sbx --pids-limit 9 --unshare-cgroup sh -c 'sed -n s/^0:://p /proc/self/cgroup
        tr "\n" " " </proc/self/cgroup >/dev/null; sed -n s/^0:://p /proc/1/cgroup'
    ok
    is "$output" $'/\n/../helpers'
}

@test "--delegate-cgroup lets the payload manage a subtree, within its limits" {
    # shellcheck disable=SC2016 # for the inner shell
    capture "$SBX" --bare --dev-bind / / --unshare-pid --proc /proc --memory 64M --delegate-cgroup \
        --report "$T/report" bash -ec '
        cd /sys/fs/cgroup
        mkdir work hog && echo $$ >work/cgroup.procs
        echo "+memory +pids +cpu +io +cpuset" >cgroup.subtree_control
        echo 5 >work/pids.max && cat work/pids.max
        sed -n s/^0:://p /proc/self/cgroup
        # its own limit may be anything: the one above it holds
        (echo max >memory.max) 2>/dev/null || true
        echo $BASHPID >hog/cgroup.procs
        exec python3 -c "x = bytearray(200 << 20)"'
    is "$status" 137
    is "$output" $'5\n/work'
    is "$(report exit.reason)" oom
    no_trace
}

@test "a payload that sees the host's tree can't lift its limits" {
    # shellcheck disable=SC2016 # for the inner shell
    capture "$SBX" --bare --bind / / --unshare-pid --proc /proc --dev /dev --memory 64M --pids-limit 20 sh -c '
        cd "/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)"
        for file in memory.max pids.max ../memory.max; do echo max >$file; done
        echo $$ >../helpers/cgroup.procs
        unshare --user --map-root-user --mount --cgroup sh -c "
            mount -t cgroup2 none /mnt && cd /mnt && echo max >memory.max"
        cat memory.max pids.max; sed -n s/^0:://p /proc/self/cgroup | grep -o payload'
    is "$output" $'67108864\n20\npayload'
}

@test "the network's helper is with the helpers, not with the payload" {
    [[ -w /dev/net/tun ]] || skip_cannot "/dev/net/tun may not be opened"
    background "$SBX" --ro-bind /usr /usr --unshare-all --net user --name carried --memory 64M --pids-limit 1 sleep 98765
    wait_for 60 systemctl --user is-active sbx-carried.scope
    wait_for 60 pgrep -f '^sleep 98765'
    like "$(cat "/proc/$(pgrep -x sbx-net | head -n1)/cgroup")" '/sbx-carried\.scope/helpers$'
    like "$(cat "/proc/$(pgrep -f '^sleep 98765')/cgroup")" '/sbx-carried\.scope/payload$'
    kill -TERM $!
    wait $! || true
    no_trace
}

@test "only the sandbox's processes move" {
    before=$(cat /proc/self/cgroup)
    sbx --memory 64M true
    ok
    is "$(cat /proc/self/cgroup)" "$before"
    background "$SBX" --bare "${ROOT[@]}" --unshare-pid --proc /proc --name moved --memory 64M sleep 98764
    wait_for 30 systemctl --user is-active sbx-moved.scope
    is "$(cat /proc/$!/cgroup)" "$before" 'the monitor'
    kill -TERM $!
    wait $! || true
    no_trace
}

# without the limit it ends by itself, after a minute
@test "--timeout ends all, ignored or forked away" {
    sbx --pids-limit 50 --timeout 3 --kill-after 1 --report "$T/report" sh -c '
        trap "" TERM; setsid sh -c "trap \"\" TERM; sleep 98765 & sleep 98766" & sleep 98767 & sleep 60'
    is "$status" 124
    is "$(report exit.reason)" timeout
    no_trace
    capture "$SBX" --bare --dev-bind / / --pids-limit 50 --timeout 3 --kill-after 1 sh -c '
        trap "" TERM; setsid sh -c "trap \"\" TERM; sleep 98765 & sleep 98766" & sleep 98767 & sleep 60'
    is "$status" 124
    no_trace
}

@test "--ulimit holds the payload, and what it starts" {
    # shellcheck disable=SC2016 # for the inner shell
    sbx --pids-limit 20 --tmpfs /tmp --ulimit fsize=4096 --ulimit nofile=16:32 bash -c '
        trap "" XFSZ; head -c 8192 /dev/zero >/tmp/big 2>/dev/null; echo "$?" "$(stat -c %s /tmp/big)"
        (exec 20</dev/null) 2>/dev/null || echo no descriptor 20
        ulimit -Sn 32 && exec 20</dev/null && ! ulimit -Hn 33 2>/dev/null && echo no more than 32'
    ok
    is "$output" $'1 4096\nno descriptor 20\nno more than 32'
    no_trace
}

@test "a daemon that outlives its payload does not outlive its cgroup" {
    capture "$SBX" --bare --dev-bind / / --pids-limit 50 sh -c 'setsid sleep 98769 >/dev/null 2>&1 & exit 3'
    is "$status" 3
    capture pgrep -f 'sleep 98769'
    is "$status" 1
    no_trace
}
