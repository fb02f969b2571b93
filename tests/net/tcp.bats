#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016 # the scripts are for the lab's shell
# TCP over the device, --net-accel off: what talk.py's ends do to each other with the helper in between,
# in a lab of network namespaces that this file makes. No packet leaves it.

# bats file_tags=root

bats_require_minimum_version 1.5.0

HERE=${SBX_SRCDIR:-$BATS_TEST_DIRNAME/../..}/tests/net
SBX=${SBX:-$BATS_TEST_DIRNAME/../../sbx}

# Runs a script on the lab's host, with the functions of lab.bash; talk.py serves 7000 in the world.
lab() {
    "$HERE/lab.sh" bash -euc '
        export SBX='"'$SBX'"' HERE='"'$HERE'"'
        TALK=$HERE/talk.py
        BOX=("$SBX" --ro-bind /usr /usr --ro-bind "$HERE" "$HERE" --unshare-all --net user --net-accel=off)
        ADMIN=(--seccomp-profile none --cap-add CAP_NET_ADMIN --cap-add CAP_NET_RAW)
        . "$HERE/lab.bash"
        # talk_server COMMAND...: talk.py, started by the command, serves 7000; $SERVER is it
        talk_server() {
            : >/run/serving
            "$@" "$TALK" serve 7000 >/run/serving &
            SERVER=$!
            until_true grep -q listening /run/serving
        }
        # published OPTION...: talk.py serves in a sandbox, as 17000 here and as 7000 of the host
        published() {
            talk_server "${BOX[@]}" -p 127.0.0.1:17000-17002:7000 -p "[::1]:17000-17002:7000" \
                -p 198.51.100.1:7000-7002:7000 -p "[2001:db8:1::1]:7000-7002:7000" "$@"
        }
        end() {
            kill "$1"
            wait "$1" || :
        }
        talk_server ip netns exec world
        '"$1"
}

setup() {
    if [ "$(id -u)" = 0 ]; then
        id "${LAB_USER:-tester}" >/dev/null 2>&1 || skip "cannot run here: there is no user ${LAB_USER:-tester} to become"
    elif ! { : <>/dev/net/tun; } 2>/dev/null; then
        skip "cannot run here: /dev/net/tun may not be opened, and only root can make another"
    fi
}

@test "the two ends themselves, with nothing but the kernel in between" {
    lab '"$TALK" talk 203.0.113.10 7000 bulk quick client-resets server-resets refused
         "$TALK" talk 2001:db8:2::10 7000 quick client-resets server-resets refused'
}

@test "out: bulk, stopped readers, half-closes, ends of every kind, refusal, urgent data, probes" {
    lab 'for mtu in 1500 65520; do for a in 203.0.113.10 2001:db8:2::10; do
            box --mtu $mtu "$TALK" talk $a 7000 bulk quick refused server-resets accepted_late
         done; done'
}

@test "out: a reset in the sandbox is one outside, not an end in order" {
    lab 'for a in 203.0.113.10 2001:db8:2::10; do box "$TALK" talk $a 7000 client-resets; done'
}

@test "in: bulk, stopped readers, half-closes, ends of every kind, nobody there, urgent data, probes" {
    lab 'for mtu in 1500 16000 32768 65520; do
            published --mtu $mtu
            for a in 127.0.0.1 ::1; do
                "$TALK" talk $a 17000 bulk quick client-resets
                "$TALK" shut $a 17000
            done
            end $SERVER
         done'
}

@test "in: a reset in the sandbox is one outside, not an end in order" {
    lab 'published
         for a in 127.0.0.1 ::1; do "$TALK" talk $a 17000 server-resets; done
         end $SERVER'
}

@test "in: the address of who comes is seen inside" {
    lab 'published
         [ "$("$TALK" peer 127.0.0.1 17000)" = ::ffff:10.0.2.2 ]
         [ "$("$TALK" peer ::1 17000)" = fd73:6278:6e65:74::2 ]
         [ "$(ip netns exec world "$TALK" peer 198.51.100.1 7000)" = ::ffff:198.51.100.2 ]
         [ "$(ip netns exec world "$TALK" peer 2001:db8:1::1 7000)" = 2001:db8:1::2 ]
         ip netns exec world "$TALK" talk 198.51.100.1 7000 both
         end $SERVER'
}

@test "in: a listener that takes its time to accept gets everybody in the end" {
    lab 'published
         for a in 127.0.0.1 ::1; do "$TALK" talk $a 17000 accepted_late; done
         end $SERVER'
}

@test "hundreds at once, thousands after another from a few ports, and the helper is as it was" {
    # shellcheck disable=SC2031
    lab 'mkfifo /run/go
         echo "read -r _ </run/go
               $TALK talk 203.0.113.10 7000 up down both
               $TALK burst 203.0.113.10 7000 500
               echo warm >/run/step
               read -r _ </run/go
               $TALK many 203.0.113.10 7000 2000
               $TALK many 2001:db8:2::10 7000 200
               $TALK burst 203.0.113.10 7000 500
               $TALK talk 203.0.113.10 7000 aborts_at_once
               echo done >/run/step
               read -r _ </run/go" >/run/script
         : >/run/step
         box_begin ". /run/script" --bind /run/step /run/step
         until_true confined_helper_of $BOX_PID
         rest=$(ls /proc/$HELPER/fd | wc -l)
         as_many() { [ "$(ls /proc/$HELPER/fd | wc -l)" -le "$rest" ]; }
         memory() { sed -n "s/^VmRSS:\s*\([0-9]*\) kB/\1/p" /proc/$HELPER/status; }
         echo >/run/go
         until_true grep -q warm /run/step
         until_true as_many
         warm=$(memory)
         echo >/run/go
         until_true grep -q done /run/step
         until_true as_many
         [ "$(memory)" -lt $((warm + 16384)) ]
         echo >/run/go
         wait $BOX_PID'
}
