#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016 # the scripts are for the lab's shell
# --net user: what takes many connections, many ports or a minute, in a lab of network namespaces that this file
# makes: no packet leaves it.

# bats file_tags=root

bats_require_minimum_version 1.5.0

HERE=${SBX_SRCDIR:-$BATS_TEST_DIRNAME/../..}/tests/net
SBX=${SBX:-$BATS_TEST_DIRNAME/../../sbx}

lab() {
    lab_run "$1"
}

setup() {
    # shellcheck source=tests/net/lab.bash
    . "$HERE/lab.bash"
    need_lab
}

# need_files COUNT: each process may have so many files open
need_files() {
    ulimit -Sn "$1" 2>/dev/null ||
        skip "cannot run here: no more than $(ulimit -Hn) open files, of $1 that this takes"
    ulimit -Sn "$(ulimit -Hn)"
}

@test "more connections over the device than there may be are refused, and later there is room" {
    need_files 5000
    lab 'ip netns exec world "$HERE/crowd.py" serve 7100 >/run/serving &
         until_true grep -q listening /run/serving
         for a in 203.0.113.10 2001:db8:2::10; do box --net-accel=off "$HERE/crowd.py" fill $a 7100 4096; done'
}

@test "more connections over the fast path than there may be are refused, and later there is room" {
    need_files 2000
    # three quarters of the descriptors are the fast path's, six for each connection
    lab 'ip netns exec world "$HERE/crowd.py" serve 7100 >/run/serving &
         until_true grep -q listening /run/serving
         files=$(ulimit -n)
         room=4096
         [ $files = unlimited ] || [ $files -ge $((room * 8)) ] || room=$((files / 4 * 3 / 6))
         box "$HERE/crowd.py" fill 203.0.113.10 7100 $room
         (ulimit -n 1200; box "$HERE/crowd.py" fill 2001:db8:2::10 7100 150)'
}

@test "an address is forgotten a minute after its name was looked up, if its time to live was less" {
    command -v dig >/dev/null || skip "dig is not installed"
    lab 'for accel in off splice; do
            box --net-accel=$accel --net-allow mirror.example.org:80 bash -euc "
                dig +time=60 +short mirror.example.org | grep -qx 203.0.113.10
                \"$PEER\" tcp 203.0.113.10 80
                sleep 63
                if \"$PEER\" tcp 203.0.113.10 80; then echo still there; exit 1; fi
                dig +time=60 +short mirror.example.org | grep -qx 203.0.113.10
                \"$PEER\" tcp 203.0.113.10 80" &
         done
         wait -n
         wait -n'
}

@test "ten thousand source ports and a ping flood to nowhere leave the sandbox working" {
    lab 'box bash -c "
            \"$PEER\" udp-ports 203.0.113.10 7 10000
            for i in \$(seq 100); do ping -c1 -W0.01 203.0.113.77 >/dev/null & done; wait
            \"$PEER\" udp 203.0.113.10 7 100
            \"$PEER\" tcp 203.0.113.10 80
            ping -c1 -W$TIMEOUT 203.0.113.10 >/dev/null"'
}
