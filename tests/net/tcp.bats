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
    lab_run '
        TALK=$HERE/talk.py
        BOX+=(--net-accel=off)
        ADMIN=(--seccomp-profile none --cap-add CAP_NET_ADMIN --cap-add CAP_NET_RAW)
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
        # how many the helper has open, and when those are no more than $rest
        descriptors() {
            local open=(/proc/"$HELPER"/fd/*)
            echo "${#open[@]}"
        }
        as_at_first() {
            [ "$(descriptors)" -le "$rest" ]
        }
        talk_server ip netns exec world
        '"$1"
}

setup() {
    # shellcheck source=tests/net/lab.bash
    . "$HERE/lab.bash"
    need_lab
}

@test "the two ends themselves, with nothing but the kernel in between" {
    lab '"$TALK" talk 203.0.113.10 7000 bulk quick client-resets server-resets refused
         "$TALK" talk 2001:db8:2::10 7000 quick client-resets server-resets refused'
}

@test "out: bulk, stopped readers, half-closes, ends of every kind, refusal, urgent data, probes" {
    lab 'for mtu in 1500 65520; do
            box --mtu $mtu "$TALK" talk 2001:db8:2::10 7000 bulk quick refused server-resets & other=$!
            box --mtu $mtu "$TALK" talk 203.0.113.10 7000 bulk quick refused server-resets
            wait $other
         done'
}

@test "out: a listener that takes its time to accept gets everybody in the end" {
    lab 'for a in 203.0.113.10 2001:db8:2::10; do box "$TALK" talk $a 7000 accepted_late; done'
}

# bats test_tags=share
@test "out: a reset in the sandbox is one outside, not an end in order" {
    lab 'for a in 203.0.113.10 2001:db8:2::10; do box "$TALK" talk $a 7000 client-resets; done'
}

@test "in: bulk, stopped readers, half-closes, ends of every kind, nobody there, urgent data, probes" {
    lab 'for mtu in 1500 16000 32768 65520; do
            published --mtu $mtu
            "$TALK" talk ::1 17000 bulk quick client-resets & other=$!
            "$TALK" talk 127.0.0.1 17000 bulk quick client-resets
            wait $other
            for a in 127.0.0.1 ::1; do "$TALK" shut $a 17000; done
            end $SERVER
         done'
}

# bats test_tags=share
@test "in: a reset in the sandbox is one outside, not an end in order" {
    lab 'published
         for a in 127.0.0.1 ::1; do "$TALK" talk $a 17000 server-resets; done
         end $SERVER'
}

# bats test_tags=share
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
         rest=$(descriptors)
         memory() { sed -n "s/^VmRSS:\s*\([0-9]*\) kB/\1/p" /proc/$HELPER/status; }
         echo >/run/go
         until_true grep -q warm /run/step
         until_true as_at_first
         warm=$(memory)
         echo >/run/go
         until_true grep -q done /run/step
         until_true as_at_first
         # a sanitizer keeps what is freed for a while
         [ -n "${SBX_SANITIZERS-}" ] || [ "$(memory)" -lt $((warm + 16384)) ]
         echo >/run/go
         wait $BOX_PID'
}

@test "frames that are lost either way, or come twice" {
    command -v nft >/dev/null || skip "nft is not installed"
    # What is lost on the way out goes to the loopback, which has no use for it: the sender would
    # know of a plain drop.
    lab 'cat >/run/rules <<END
table netdev t {
    chain in { type filter hook ingress device tap0 priority 0; numgen random mod 40 == 0 counter drop; }
    chain out {
        type filter hook egress device tap0 priority 0
        numgen random mod 40 == 0 counter fwd to lo
        numgen random mod 20 == 0 counter dup to tap0
    }
}
END
         for mtu in 1500 65520; do for a in 203.0.113.10 2001:db8:2::10; do
            box --mtu $mtu "${ADMIN[@]}" --ro-bind /run /run bash -euc "
                nft -f /run/rules
                $TALK lossy $a 7000 8 2621440
                ! nft list table netdev t | grep -q \"packets 0 \"" >/run/lossy-$mtu-${a%%[.:]*} &
            boxes+=($!)
         done; done
         for pid in "${boxes[@]}"; do wait $pid; done'
}

@test "a reset that is lost: the same port can be used again" {
    command -v nft >/dev/null || skip "nft is not installed"
    lab 'box "${ADMIN[@]}" bash -euc "
            nft -f - <<END
table netdev t {
chain out { type filter hook egress device tap0 priority 0
tcp flags & (rst | ack) == rst | ack counter fwd to lo
}
}
END
            for a in 203.0.113.10 2001:db8:2::10; do $TALK again \$a 7000 5; done
            ! nft list table netdev t | grep -q \"packets 0 \""'
}

@test "segments that no kernel sends do no harm" {
    command -v nft >/dev/null || skip "nft is not installed"
    lab 'ip netns exec world "$PEER" catcher 9099 >/run/catcher &
         until_true grep -q listening /run/catcher
         for a in 203.0.113.10 2001:db8:2::10; do
            box "${ADMIN[@]}" --net-deny 203.0.113.20 --net-deny 2001:db8:1::2 \
                "$HERE/wild.py" $a $([ $a = 203.0.113.10 ] && echo 203.0.113.20 || echo 2001:db8:1::2) &
            boxes+=($!)
         done
         for pid in "${boxes[@]}"; do wait $pid; done
         ip netns exec world "$PEER" uncaught 9099'
}

# bats test_tags=share
@test "who may not be reached, who refuses, and who says nothing" {
    lab 'mistake() { # NAME OPTION... ADDR PORT
            local name=$1 got
            shift
            got=$(box "${@:1:$#-2}" "$TALK" errno "${@: -2}")
            [ "$got" = "$name" ] || { echo "$* gives $got"; exit 1; }
         }
         mistake EHOSTUNREACH --net-deny 203.0.113.20 203.0.113.20 80
         mistake EHOSTUNREACH --net-deny 2001:db8:2::10 2001:db8:2::10 80
         mistake EHOSTUNREACH --net-allow mirror.example.org:80 203.0.113.10 443
         mistake ECONNREFUSED 203.0.113.10 81
         mistake ECONNREFUSED 2001:db8:2::10 81
         mistake ECONNREFUSED 10.0.2.3 54
         mistake ok 203.0.113.10 80
         ip netns exec world ip route add blackhole 203.0.113.99
         sysctl -qw net.ipv4.tcp_syn_retries=1
         # who asks gives up before the host does, and the helper when the host does
         mkfifo /run/go
         box_begin "read -r _ </run/go; TIMEOUT=1 $TALK errno 203.0.113.99 80; read -r _ </run/go"
         until_true confined_helper_of $BOX_PID
         rest=$(descriptors)
         echo >/run/go
         until_true grep -q ETIMEDOUT /run/out
         until_true as_at_first
         echo >/run/go
         wait $BOX_PID'
}

@test "the name server, over TCP" {
    lab 'for a in 10.0.2.3 fd73:6278:6e65:74::3; do
            box "$TALK" dns $a mirror.example.org 1
            box "$TALK" dns $a big.example.org 119
         done
         box --net-allow mirror.example.org:7000 "$TALK" dns 10.0.2.3 mirror.example.org 1
         box --net-allow mirror.example.org:7000 "$TALK" dns 10.0.2.3 other.example.org 0'
}

# bats test_tags=share
@test "names: those that are allowed and no others, and none that means the host" {
    lab 'box --net-allow mirror.example.org:7000 --net-log 5 bash -euc "
            $TALK talk mirror.example.org 7000 both server_half_closes
            $TALK talk 203.0.113.10 7000 client_half_closes
            [ \$($TALK errno 203.0.113.20 7000) = EHOSTUNREACH ]
            [ \$($TALK errno other.example.org 7000) != ok ]
            [ \$($TALK errno rebind.example.org 7000) != ok ]" 5>/run/log
         grep -q "\"denied\":\"tcp\",\"addr\":\"203.0.113.20\",\"port\":7000" /run/log'
}

@test "more connections than the helper can have: what is there goes on, and later there is more" {
    lab 'mkfifo /run/go
         box_begin "read -r _ </run/go; TIMEOUT=60 $TALK hold 203.0.113.10 7000 300"
         until_true confined_helper_of $BOX_PID
         prlimit --pid $HELPER --nofile=200:200
         echo >/run/go
         wait $BOX_PID'
}

@test "as slirp4netns: out, and in by its API" {
    lab 'slirp4netns_as /run/slirp4netns
         api() { python3 -c "
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(\"/run/api\"); s.sendall(sys.argv[1].encode()); s.shutdown(1)
print(s.makefile().read())" "$1"; }
         for mtu in 1500 65520; do
            new_netns
            /run/slirp4netns -c -6 -m $mtu -r 3 -a /run/api $TARGET tap0 3>/run/ready & helper=$!
            until_true [ -s /run/ready ]
            HELPER=$helper
            rest=$(descriptors)
            inside=(nsenter -t $TARGET -n)
            "${inside[@]}" "$TALK" talk 2001:db8:2::10 7000 bulk quick refused & other=$!
            "${inside[@]}" "$TALK" talk 203.0.113.10 7000 bulk quick refused
            wait $other
            "${inside[@]}" sysctl -qw net.ipv4.ip_local_port_range="40000 40063"
            "${inside[@]}" "$TALK" many 203.0.113.10 7000 500
            talk_server "${inside[@]}"
            for n in 0 1 2; do
                api "{\"execute\": \"add_hostfwd\", \"arguments\": {\"proto\": \"tcp\", \"host_addr\": \"127.0.0.1\", \"host_port\": $((17000 + n)), \"guest_port\": $((7000 + n))}}" |
                    grep -q return
            done
            "$TALK" talk 127.0.0.1 17000 bulk quick
            "$TALK" shut 127.0.0.1 17000
            rest=$((rest + 3))
            until_true as_at_first
            end $SERVER
            end $helper
            end $TARGET
            rm -f /run/ready /run/api
         done'
}
