# SPDX-License-Identifier: LGPL-2.1-or-later
# The harness itself: what comes back from a guest, and what a bad guest looks like.

bats_require_minimum_version 1.5.0

setup_file() {
    export HERE=$BATS_TEST_DIRNAME
    # shellcheck source=tests/vm/vm-lib.bash
    . "$HERE/vm-lib.bash"
    IMG=$(vm_cache)/6.1
    export IMG
    command -v qemu-system-x86_64 > /dev/null || return 0
    "$HERE/build-image.sh" "$IMG" && "$HERE/make-snapshot.sh" "$IMG"
}

setup() {
    command -v qemu-system-x86_64 > /dev/null || skip "qemu-system-x86_64 is not installed"
    [ -s "$IMG/rootfs.ext4" ] || skip "no image could be built here"
}

vm() {
    "$HERE/run-vm.sh" -t 120 "$@"
}

@test "output, status, files in and files out" {
    mkdir "$BATS_TEST_TMPDIR/in"
    echo sent > "$BATS_TEST_TMPDIR/in/file"
    run vm -s "$BATS_TEST_TMPDIR/in:given" -o "$BATS_TEST_TMPDIR/out" "$IMG" -- \
        'cat given/file; id -u; tr s b < given/file > out/result; exit 7'
    echo "$output"
    [ "$status" -eq 7 ]
    [ "${lines[0]}" = sent ]
    [ "${lines[1]}" = 1000 ]
    [ "$(cat "$BATS_TEST_TMPDIR/out/result")" = bent ]
}

@test "a resumed guest and a booted one give the same answers" {
    words='uname -r; grep -o "user-1000.slice" /proc/self/cgroup; cat /sys/fs/cgroup/cgroup.controllers'
    [ -s "$IMG/snap/key" ] || skip "no snapshot was made"
    run vm "$IMG" -- "$words"
    resumed=$output
    [ "$status" -eq 0 ]
    run vm -C "$IMG" -- "$words"
    [ "$status" -eq 0 ]
    [ "$output" = "$resumed" ]
}

@test "the guest's clock is the host's after a resume" {
    before=$(date +%s)
    run vm "$IMG" -- 'date +%s'
    after=$(date +%s)
    [ "$status" -eq 0 ]
    [ "$output" -ge $((before - 1)) ]
    [ "$output" -le $((after + 1)) ]
}

@test "mode manager runs below the user's manager, with every controller" {
    run vm -m manager "$IMG" -- 'cat /proc/self/cgroup
        cat /sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/cgroup.controllers'
    echo "$output"
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == 0::/user.slice/user-1000.slice/user@1000.service/* ]]
    [[ ${lines[1]} == "cpuset cpu io memory pids"* ]]
}

@test "mode root runs as root, another user as that user" {
    run vm -m root "$IMG" -- 'id -u'
    [ "$status" -eq 0 ]
    [ "$output" = 0 ]
    run vm -u other "$IMG" -- 'id -u'
    [ "$status" -eq 0 ]
    [ "$output" = 1001 ]
}

@test "a tree named root is laid over the guest's, owned by root" {
    mkdir -p "$BATS_TEST_TMPDIR/in/usr/local/bin"
    printf '#!/bin/sh\necho laid\n' > "$BATS_TEST_TMPDIR/in/usr/local/bin/laid"
    chmod 755 "$BATS_TEST_TMPDIR/in/usr/local/bin/laid"
    run vm -s "$BATS_TEST_TMPDIR/in:root" "$IMG" -- 'laid; stat -c %u /usr/local/bin/laid'
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = laid ]
    [ "${lines[1]}" = 0 ]
}

@test "a guest that takes too long is status 124" {
    run "$HERE/run-vm.sh" -t 15 "$IMG" -- 'sleep 1000'
    [ "$status" -eq 124 ]
    [[ $output == *"time limit of 15 s"* ]]
}

@test "a guest that reports nothing is status 125" {
    run "$HERE/run-vm.sh" -t 60 -m root "$IMG" -- 'echo o > /proc/sysrq-trigger; sleep 60'
    [ "$status" -eq 125 ]
    [[ $output == *"no status from the guest"* ]]
}

@test "a guest that stands still is status 126, and says where" {
    # shellcheck disable=SC2016 # for the guest's shell
    SBX_VM_PATIENCE=15 run "$HERE/run-vm.sh" -t 120 -m root "$IMG" -- 'sysctl -qw kernel.sched_rt_runtime_us=-1
        for i in 0 1; do chrt -f 90 taskset -c $i sh -c "while :; do :; done" & done; wait'
    echo "$output"
    [ "$status" -eq 126 ]
    [[ $output == *"the guest stood still"*"Call Trace"* ]]
}

@test "no image is status 125, bad words are status 2" {
    run "$HERE/run-vm.sh" "$BATS_TEST_TMPDIR/none" -- true
    [ "$status" -eq 125 ]
    run "$HERE/run-vm.sh" -m nonsense "$IMG" -- true
    [ "$status" -eq 2 ]
    run "$HERE/run-vm.sh" "$IMG"
    [ "$status" -eq 2 ]
}
