#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016 # the scripts are for the lab's shell
# --net user: whom it asks for names, and who may be reached, in a lab of network namespaces that this file makes:
# no packet leaves it.

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

@test "the name server: the host changes its servers during a run, and the sandbox follows" {
    lab 'echo "nameserver 198.51.100.77" >/run/resolv.conf
         box_begin "until getent ahostsv4 mirror.example.org; do sleep 0.1; done"
         : >/run/resolv.conf
         sleep 0.3
         echo "nameserver 198.51.100.2" >/run/resolv.conf
         wait $BOX_PID
         grep -q 203.0.113.10 /run/out'
}

# bats test_tags=share
@test "the name server: UDP, TCP, large answers, all servers in turn" {
    command -v dig >/dev/null || skip "dig is not installed"
    lab 'box dig +time=60 +short mirror.example.org | grep -x 203.0.113.10
         box dig +time=60 +short +tcp mirror.example.org AAAA | grep -x 2001:db8:2::10
         [ "$(box dig +time=60 +short big.example.org | wc -l)" = 119 ]
         printf "nameserver 198.51.100.77\nnameserver 2001:db8:1::2\n" >/run/two
         mount --bind /run/two /etc/resolv.conf
         box dig +short +time=60 mirror.example.org | grep -x 203.0.113.10'
}

@test "the name server: aliases, names without IPv4, EDNS" {
    command -v dig >/dev/null || skip "dig is not installed"
    lab 'cat >/run/alias <<END
set -e
dig +time=60 +short www.example.org | grep -qx 203.0.113.10
dig +time=60 +noedns www.example.org | grep -q "CNAME.*edge.example.net"
dig +time=60 +edns=0 +bufsize=4096 +dnssec www.example.org | grep -q "status: NOERROR"
# an alias is let in with what it leads to, under the name that was asked for
$PEER tcp 203.0.113.10 80
if TIMEOUT=2 $PEER tcp 203.0.113.20 80 2>/dev/null; then exit 1; fi
getent ahosts six.example.org | grep -q 2001:db8:2::10
if getent ahostsv4 six.example.org | grep -v :; then exit 1; fi
$PEER tcp 2001:db8:2::10 80
dig +time=60 inward.example.org | grep -q "status: REFUSED"
END
         box --net-allow www.example.org:80 --net-allow six.example.org:80 --net-allow inward.example.org \
            --ro-bind /run /run bash /run/alias'
}

# bats test_tags=share
@test "what is denied without any rule" {
    lab 'python3 -m http.server --bind 127.0.0.1 8081 >/dev/null 2>&1 & web=$!
         until_true curl -s -o /dev/null http://127.0.0.1:8081/
         for accel in off splice; do
            for a in "169.254.169.254 80" "198.51.100.1 22" "10.0.2.2 8081"; do
                # shellcheck disable=SC2086
                if box --net-accel=$accel "$PEER" tcp $a 2>/run/err; then echo "reached $a"; exit 1; fi
            done
            [ -z "$(box --net-accel=$accel curl -s -m 5 http://10.0.2.2:8081/)" ]
            if box --net-accel=$accel "$PEER" udp 169.254.169.254 7 10; then exit 1; fi
            box --net-accel=$accel --net-allow @host:8081 curl -sf -m $TIMEOUT http://10.0.2.2:8081/ >/dev/null
            if box --net-accel=$accel --net-allow @host:8081 "$PEER" tcp 203.0.113.10 80; then exit 1; fi
         done
         kill $web'
}

@test "the host itself: by each of its addresses, however many, and by those that it gets later" {
    lab 'for ((i = 0; i < 400; i++)); do echo "addr add 198.18.$((i / 200)).$((i % 200))/32 dev lo"; done >/run/batch
         ip -batch /run/batch
         python3 -m http.server --bind :: 8081 >/dev/null 2>&1 & web=$!
         until_true curl -s -o /dev/null http://198.18.1.199:8081/
         for accel in off splice; do
            for a in 198.51.100.1 198.18.0.0 198.18.1.199 "[2001:db8:1::1]"; do
                if box --net-accel=$accel curl -s -m $TIMEOUT "http://$a:8081/"; then echo "reached $a"; exit 1; fi
                box --net-accel=$accel --net-allow @host:8081 curl -sSf -m $TIMEOUT -o /dev/null "http://$a:8081/"
            done
            box_begin "until [ -e /run/added ]; do sleep 0.05; done
                while curl -s -m $TIMEOUT -o /dev/null http://198.19.0.1:8081/; do sleep 0.05; done" --net-accel=$accel
            ip addr add 198.19.0.1/32 dev lo
            : >/run/added
            wait $BOX_PID
            ip addr del 198.19.0.1/32 dev lo
            rm /run/added
         done
         kill $web'
}

# bats test_tags=share
@test "an allow-list of names: the name, its ports, nothing else, and a log" {
    lab 'for accel in off splice; do
         box --net-accel=$accel --net-allow mirror.example.org:80 --net-log 5 bash -c "
            curl -sSf -m $TIMEOUT http://mirror.example.org/ | grep -q hello
            ! curl -s -m 5 http://other.example.org/
            ! curl -s -m 5 http://203.0.113.20/
            ! curl -s -m 5 http://mirror.example.org:443/
            ! curl -s -m 5 http://rebind.example.org/" 5>/run/log
         grep -q "\"denied\":\"dns\",\"name\":\"other.example.org\",\"by\":\"rule\"" /run/log
         grep -q "\"denied\":\"tcp\",\"addr\":\"203.0.113.20\",\"port\":80,\"by\":\"default\"" /run/log
         grep -q "\"addr\":\"203.0.113.10\",\"port\":443" /run/log
         done
         box --net-allow "*.example.net" curl -sSf -m $TIMEOUT http://a.b.example.net/ | grep -q hello
         if box --net-allow "*.example.net" "$PEER" tcp 203.0.113.10 80; then exit 1; fi
         python3 - /run/log <<END
import json, sys
for line in open(sys.argv[1]): json.loads(line)
END'
}

# bats test_tags=share
@test "DNS rebinding is refused" {
    command -v dig >/dev/null || skip "dig is not installed"
    lab 'for name in rebind mixed mapped self; do
            for type in A AAAA; do
                [ -z "$(box --net-allow "*.example.org" dig +time=60 +short $name.example.org $type)" ]
            done
         done
         box --net-allow "*.example.org" --net-log 5 dig +time=60 rebind.example.org 5>/run/log | grep -q REFUSED
         grep -q "\"by\":\"rebinding\"" /run/log'
}

@test "deny before allow, the first match counts" {
    lab 'for accel in off splice; do
         box --net-accel=$accel --net-deny 203.0.113.20 --net-allow 203.0.113.0/24:80 "$PEER" tcp 203.0.113.10 80
         if box --net-accel=$accel --net-deny 203.0.113.20 --net-allow 203.0.113.0/24:80 "$PEER" tcp 203.0.113.20 80; then exit 1; fi
         if box --net-accel=$accel --net-deny @lan "$PEER" tcp 10.9.9.9 80; then exit 1; fi
         box --net-accel=$accel --net-deny @lan "$PEER" tcp 203.0.113.10 80
         done
         if box --net-deny "*/udp" "$PEER" udp 203.0.113.10 7 10; then exit 1; fi
         if box --net-deny "*/icmp" ping -c1 -W1 203.0.113.10; then exit 1; fi'
}
