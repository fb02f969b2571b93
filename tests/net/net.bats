#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016 # the scripts are for the lab's shell
# --net user, in a lab of network namespaces that this file makes: no packet leaves it.

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

# bats test_tags=share
@test "out: TCP and UDP over IPv4 and IPv6, large ones each way by hash" {
    lab 'for accel in off splice; do for a in 203.0.113.10 2001:db8:2::10; do
            box --net-accel=$accel "$PEER" tcp $a 9 hash $LARGE
            box --net-accel=$accel "$PEER" tcp $a 19 source $LARGE
         done; done
         for a in 203.0.113.10 2001:db8:2::10; do box "$PEER" udp $a 7 1400 100; done
         box "$PEER" udp 203.0.113.10 7 60000 10'
}

# bats test_tags=share
@test "the fast path carries TCP past the device, and a payload that flushes the rule keeps its policy" {
    command -v nft >/dev/null || skip "nft is not installed"
    lab 'cat >/run/fast <<END
set -e
$PEER tcp 203.0.113.10 9 hash $((LARGE / 10))
$PEER tcp 2001:db8:2::10 9 hash $((LARGE / 10))
[ "\$($PEER sent)" "\$1" $((LARGE / 10)) ]
END
         cat >/run/flush <<END
nft delete table ip sbx
set -e
$PEER tcp 203.0.113.10 9 hash 1000000
[ "\$($PEER sent)" -gt 1000000 ]
! $PEER tcp 203.0.113.20 80
END
         cat >/run/direct <<END
! $PEER tcp 127.0.0.1 "\$($PEER listener-port)"
END
         box --ro-bind /run /run bash /run/fast -lt
         box --ro-bind /run /run --net-accel=off bash /run/fast -gt
         box --ro-bind /run /run --net-allow @host bash /run/direct
         box --ro-bind /run /run --seccomp-profile none --cap-add CAP_NET_ADMIN --net-allow 203.0.113.10 bash /run/flush'
}

# bats test_tags=share
@test "in: TCP and UDP over IPv4 and IPv6, from the loopback and from outside" {
    lab 'server 8000 -p 127.0.0.1:18000-18003:8000 -p "[::1]:18000-18003:8000" \
            -p 198.51.100.1:8000-8003:8000 -p "[2001:db8:1::1]:8000-8003:8000" \
            -p 18000:8000/udp -p "[::1]:18000:8000/udp" -p 198.51.100.1:8000:8000/udp
         for a in 127.0.0.1 ::1; do
            "$PEER" tcp $a 18001 hash $LARGE
            "$PEER" tcp $a 18002 source $LARGE
            "$PEER" tcp $a 18000 echo 1000000
            "$PEER" udp $a 18000 1400 20
         done
         for a in 198.51.100.1 2001:db8:1::1; do ip netns exec world "$PEER" tcp $a 8002 source 1000000; done
         ip netns exec world "$PEER" udp 198.51.100.1 8000 1400 20
         kill $SERVER'
}

@test "in: 100 connections at once, and the first megabyte at every MTU without a stall" {
    lab 'for mtu in 1500 16000 32768 65520; do
            server 8000 --mtu $mtu -p 18000-18003:8000
            STALLS=0 "$PEER" tcp 127.0.0.1 18003 hello
            for i in 1 2 3; do
                STALLS=0 "$PEER" tcp 127.0.0.1 18002 source 1048576
                STALLS=0 "$PEER" tcp 127.0.0.1 18001 hash 1048576
            done
            "$PEER" burst 127.0.0.1 18003 100
            kill $SERVER; wait $SERVER || :
         done'
}

# bats test_tags=share
@test "in: a port that is taken is an error before anything runs" {
    lab 'server 8000 -p 18000:8000
         if box -p 18000:8000 touch /tmp/ran 2>/run/err; then exit 1; fi
         grep -q "publish .18000:8000.: bind port 18000: Address already in use" /run/err
         kill $SERVER'
}

# bats test_tags=share
@test "in: port 0 is reported on the status descriptor" {
    lab 'server 8000 -p 0:8003 --json-status-fd 3 3>/run/status
         port=$(sed -n "s/.*\"port\": \([0-9]*\), \"guest-port\": 8003.*/\1/p" /run/status)
         "$PEER" tcp 127.0.0.1 "$port" hello
         kill $SERVER'
}

@test "in: the sandbox reaches its own published ports, if it may" {
    lab 'cat >/run/self <<END
$PEER server 8000 >/tmp/server &
. $HERE/lab.bash
until_true grep -q listening /tmp/server
$PEER tcp 198.51.100.1 18001 hash 1000000
$PEER tcp 10.0.2.2 18002 source 1000000
$PEER udp 10.0.2.2 18000 1000 10
END
         for accel in off splice; do
            ports=(-p 127.0.0.1:18000-18003:8000 -p 198.51.100.1:18000-18003:8000 -p 18000:8000/udp)
            box --net-accel=$accel "${ports[@]}" --net-allow @host:18000-18003 --ro-bind /run /run bash -eu /run/self
            if box --net-accel=$accel "${ports[@]}" --ro-bind /run /run bash -eu /run/self 2>/run/err; then exit 1; fi
            grep -Eq "ConnectionRefused|ConnectionReset|unreachable|No route" /run/err
         done'
}

@test "a host with IPv6 only: names, both ways out, and in" {
    export LAB_V4=0
    lab 'for accel in off splice; do
            box --net-accel=$accel --net-allow six.example.org --net-allow mirror.example.org bash -euc "
                $PEER tcp six.example.org 9 hash 1000000
                $PEER udp 2001:db8:2::10 7 1000 10
                curl -sSf -m $TIMEOUT http://mirror.example.org/ | grep -q hello
                dig +time=60 +short +tcp six.example.org AAAA | grep -qx 2001:db8:2::10
                python3 -c \"
import socket # what cannot be reached is known when connecting, so that the next address is tried
assert socket.socket().connect_ex((\\\"203.0.113.10\\\", 80))\""
         done
         server 8000 -p "[2001:db8:1::1]:8000-8003:8000" -p "[::1]:18000-18003:8000"
         "$PEER" tcp ::1 18001 hash 1000000
         ip netns exec world "$PEER" tcp 2001:db8:1::1 8002 source 1000000'
}

@test "half-close, refusal, silence and a slow reader" {
    lab 'for accel in off splice; do
            box --net-accel=$accel "$PEER" tcp 203.0.113.10 7 echo 3000000
            box --net-accel=$accel "$PEER" tcp 203.0.113.10 8009 count 2000000
            if box --net-accel=$accel "$PEER" tcp 203.0.113.10 81 2>/run/err; then exit 1; fi
            grep -Eq "ConnectionRefused|ConnectionReset" /run/err
         done
         if box "$PEER" udp 203.0.113.10 81 10 2>/run/err; then exit 1; fi
         grep -q ConnectionRefused /run/err
         ip netns exec world ip route add blackhole 203.0.113.99
         if box --net-accel=off --setenv TIMEOUT 1 "$PEER" tcp 203.0.113.99 80; then exit 1; fi'
}

@test "a client that has nothing to say gets its answer, however late the connection is" {
    command -v nft >/dev/null || skip "nft is not installed"
    lab 'ip netns exec world nft -f - <<END
table inet t {
    chain in { type filter hook input priority 0; tcp dport 7070 tcp flags & (syn | ack) == syn numgen inc mod 2 == 0 counter drop; }
}
END
         ip netns exec world python3 -c "
import socket, threading
server = socket.create_server((\"::\", 7070), family=socket.AF_INET6, dualstack_ipv6=True)
open(\"/run/listening\", \"w\").close()
def serve(s):
    s.sendall(b\"welcome\")
    assert s.recv(1) == b\"\"
    s.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],)).start()" &
         until_true test -e /run/listening
         for a in 203.0.113.10 2001:db8:2::10; do for accel in off splice; do
            box --net-accel=$accel python3 -c "
import socket, sys
s = socket.create_connection((sys.argv[1], 7070), timeout=$TIMEOUT)
s.shutdown(socket.SHUT_WR)
assert s.makefile(\"rb\").read() == b\"welcome\"" $a
         done; done
         ! ip netns exec world nft list table inet t | grep -q "packets 0 "'
}

@test "a client that has said all and is gone before its answer: the host hears of it" {
    lab 'cat >/run/server.py <<END
import select, socket
server = socket.create_server(("::", 7071), family=socket.AF_INET6, dualstack_ipv6=True)
open("/run/listening", "w").close()
while True:
    s = server.accept()[0]
    assert s.recv(1) == b""
    s.sendall(b"x")
    wait = select.poll()
    wait.register(s, 0)
    assert wait.poll()[0][1] & select.POLLERR
    s.close()
    open("/run/seen", "w").close()
END
         cat >/run/client.py <<END
import os, socket, struct, sys, time
s = socket.create_connection((sys.argv[1], 7071), timeout=$TIMEOUT)
s.shutdown(socket.SHUT_WR)
assert s.recv(1) == b"x"
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()
while not os.path.exists("/run/seen"):
    time.sleep(0.05)
END
         ip netns exec world python3 /run/server.py &
         until_true test -e /run/listening
         for a in 203.0.113.10 2001:db8:2::10; do for accel in off splice; do
            rm -f /run/seen
            box --net-accel=$accel --ro-bind /run /run python3 /run/client.py $a
         done; done'
}

@test "the fast path out of descriptors: what is there goes on, the rest is refused, and later there is more" {
    # where the kernel lacks what the fast path takes, all go over the device, which has room for them
    lab 'ip netns exec world "$HERE/crowd.py" serve 7100 >/run/serving &
         until_true grep -q listening /run/serving
         box bash -c "[ -n \"\$($PEER listener-port)\" ] || { echo there is no fast path; exit 1; }"
         ulimit -n 400 # three quarters are the fast path'"'"'s, six for each connection
         box "$HERE/crowd.py" fill 203.0.113.10 7100 50'
}

@test "many connections leave the other pipes of the user as large as they were" {
    lab 'mkfifo /run/open
         box --ro-bind /run /run --bind /run/open /run/open python3 -c "
import socket, time
held = [socket.create_connection((\"203.0.113.10\", 7)) for _ in range(100)]
for s in held:
    s.sendall(b\"x\")
    assert s.recv(1) == b\"x\"
open(\"/run/open\", \"w\").write(\"open\")
time.sleep(1000)" & pid=$!
         grep -q open /run/open
         python3 -c "
import fcntl, os
assert fcntl.fcntl(os.pipe()[0], 1032) == 65536 # F_GETPIPE_SZ"
         kill $pid'
}

# bats test_tags=share
@test "ping works where the host allows it" {
    command -v ping >/dev/null || skip "ping is not installed"
    lab 'box ping -c1 -W$TIMEOUT 203.0.113.10
         box ping -c1 -W$TIMEOUT 2001:db8:2::10
         box ping -c1 -W$TIMEOUT 10.0.2.2'
}

@test "raw frames to the host's loopback and the like get nowhere" {
    lab '"$PEER" catcher 9099 >/run/catcher & catcher=$!
         until_true grep -q listening /run/catcher
         for accel in off splice; do
         box --net-accel=$accel --seccomp-profile none --cap-add CAP_NET_RAW "$PEER" martians 9099
         done
         "$PEER" uncaught 9099
         # and it does count
         if "$PEER" uncaught 9099; then exit 1; fi
         kill $catcher'
}

@test "frames that libslirp is not to see are dropped, urgent data loses its urgency, and the helper lives" {
    lab 'box --net-accel=off --seccomp-profile none --cap-add CAP_NET_RAW --net-log 5 "$PEER" oddities 5>/run/log
         for why in ethertype "BOOTP or TFTP" fragment "spoofed source" "short TCP" "malformed ARP" "malformed IPv4, or options"; do
            grep -qF "\"denied\":\"frame\",\"by\":\"$why\"" /run/log || { echo "no $why"; cat /run/log; exit 1; }
         done'
}

# bats test_tags=share
@test "the helper holds nothing: namespaces, root, capabilities, system calls" {
    lab 'box_begin "sleep 1000"
         until_true confined_helper_of $BOX_PID
         grep -q "NoNewPrivs:	1" /proc/$HELPER/status
         grep -q "CapEff:	0000000000000000" /proc/$HELPER/status
         grep -q "CapBnd:	0000000000000000" /proc/$HELPER/status
         kill $BOX_PID; wait $BOX_PID || :
         until_true no_process "sbx-net"'
}

# bats test_tags=share
@test "no helper, no payload: killed, it takes the sandbox along; keep keeps it" {
    lab 'box_begin "sleep 1000" 2>/run/err
         until_true confined_helper_of $BOX_PID
         kill -9 $HELPER
         wait $BOX_PID && exit 1 || [ $? = 125 ]
         grep -q "network helper died (signal 9)" /run/err
         box_begin "until [ -s /run/killed ]; do sleep 0.1; done; echo alive" --net-on-failure=keep
         until_true confined_helper_of $BOX_PID
         kill -9 $HELPER
         until_true no_process "sbx-net"
         sleep 0.3
         echo yes >/run/killed
         wait $BOX_PID
         grep -q alive /run/out'
}

# bats test_tags=share
@test "a killed monitor leaves nothing behind" {
    lab 'box_begin "sleep 1000"
         kill -9 $BOX_PID; wait $BOX_PID 2>/dev/null || :
         until_true no_process "sbx|sbx-net|sleep"'
}

# bats test_tags=share
@test "without /dev/net/tun a veth pair stands in" {
    LAB_TUN=0 lab 'box "$PEER" tcp 203.0.113.10 9 hash $((LARGE / 10))
         box "$PEER" tcp 2001:db8:2::10 19 source $((LARGE / 10))
         box --mtu 1500 "$PEER" tcp 203.0.113.10 19 source $((LARGE / 10))
         box "$PEER" udp 203.0.113.10 7 1000 10
         box bash -c "curl -sSf http://mirror.example.org/" | grep -q hello'
}

@test "mistakes are told before anything runs" {
    lab 'no() { # TEXT OPTION...
            text=$1; shift
            if "$SBX" --ro-bind /usr /usr "$@" true 2>/run/err; then exit 1; fi
            grep -qF -- "$text" /run/err || { cat /run/err; exit 1; }
         }
         no "need --net user" -p 1:1
         no "accepted are none, host and user" --net nobody
         no "cannot publish " --net user -p 80
         no "overlaps --publish 8080-8090:1" --net user -p 8080-8090:1 -p 8085:2
         no "overlaps the host" --net user --net-cidr 198.51.100.0/25
         no "at character 9" --net user --net-allow a.b.c.d:x
         no "from 1280 to 65520" --net user --mtu 1279'
}

@test "as slirp4netns: its options, its descriptors, its API" {
    lab 'slirp4netns_as /run/slirp4netns
         /run/slirp4netns --version | grep -q "^slirp4netns version 1.2"
         /run/slirp4netns --help | grep -q -- --disable-host-loopback
         for how in "" "--enable-sandbox --enable-seccomp" "--enable-ipv6 --disable-host-loopback"; do
            new_netns
            mkfifo /run/exit; sleep 1000 >/run/exit & holder=$!
            # shellcheck disable=SC2086
            /run/slirp4netns -c -m 65520 -r 3 -e 4 -a /run/api $how $TARGET tap0 3>/run/ready 4</run/exit & helper=$!
            until_true [ -s /run/ready ]
            [ "$(cat /run/ready)" = 1 ]
            nsenter -t $TARGET -n "$PEER" tcp 203.0.113.10 9 hash 1000000
            nsenter -t $TARGET -n "$PEER" udp 203.0.113.10 7 1000
            case $how in *ipv6*) nsenter -t $TARGET -n "$PEER" tcp 2001:db8:2::10 9 hash 1000000 ;; esac
            api() { python3 -c "
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(\"/run/api\"); s.sendall(sys.argv[1].encode()); s.shutdown(1)
print(s.makefile().read())" "$1"; }
            if [ -z "$how" ]; then
                nsenter -t $TARGET -n "$PEER" server 8000 >/run/server & server=$!
                until_true grep -q listening /run/server
                api "{\"execute\": \"add_hostfwd\", \"arguments\": {\"proto\": \"tcp\", \"host_addr\": \"127.0.0.1\", \"host_port\": 18000, \"guest_port\": 8003}}" | grep -q "{\"return\":{\"id\":1}}"
                api "{\"execute\": \"list_hostfwd\"}" | grep -q "\"host_port\":18000"
                "$PEER" tcp 127.0.0.1 18000 hello
                api "{\"execute\": \"remove_hostfwd\", \"arguments\": {\"id\": 1}}" | grep -q "{\"return\":{}}"
                api "{\"execute\": \"x\"}" | grep -q error
                if "$PEER" tcp 127.0.0.1 18000 hello 2>/dev/null; then exit 1; fi
                kill $server
            fi
            kill $holder; wait $helper
            kill $TARGET; rm -f /run/exit /run/ready
         done'
}

@test "as slirp4netns: the host changes its servers, and who tells of it holds nothing and leaves with it" {
    command -v dig >/dev/null || skip "dig is not installed"
    lab 'slirp4netns_as /run/slirp4netns
         echo "nameserver 198.51.100.77" >/run/resolv.conf
         new_netns
         /run/slirp4netns -c -r 3 --enable-sandbox --enable-seccomp $TARGET tap0 3>/run/ready & helper=$!
         until_true [ -s /run/ready ]
         look_up() { nsenter -t $TARGET -n dig +tries=1 +time=2 +short @10.0.2.3 mirror.example.org | grep -qx 203.0.113.10; }
         if look_up; then exit 1; fi
         echo "nameserver 198.51.100.2" >/run/resolv.conf
         until_true look_up
         # who waits for the end of the ready pipe does not wait for this one
         [ "$(ls /proc/"$(pgrep -x -P $helper sbx-net-resolv)"/fd)" = 0 ]
         kill $helper
         until_true no_process sbx-net-resolv
         kill $TARGET'
}

@test "as slirp4netns: what its callers look for in answers and errors" {
    lab 'S=/run/slirp4netns; slirp4netns_as $S
         $S --version | grep -q "^SLIRP_CONFIG_VERSION_MAX: [0-9]"
         new_netns
         wrong() { if $S -c --cidr "$1" $TARGET tap0 2>/run/err; then exit 1; fi; grep -qF "$2" /run/err; }
         for cidr in 24 foo 10.0.2.0 fd00::/64; do wrong $cidr "invalid CIDR"; done
         wrong 10.0.2.100/24 "CIDR needs to be a network address like 10.0.2.0/24, not like 10.0.2.100/24"
         wrong 10.0.2.100/26 "prefix length needs to be 1-25"
         if $S -c -a /run/$(head -c 120 /dev/zero | tr "\0" a) $TARGET tap0; then exit 1; fi
         $S -c -r 3 -a /run/api --disable-dns --cidr 10.0.135.128/25 $TARGET tap0 3>/run/ready & helper=$!
         until_true [ -s /run/ready ]
         nsenter -t $TARGET -n ip addr show tap0 | grep -q "10.0.135.228/25"
         api() { python3 -c "
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(\"/run/api\"); s.sendall(sys.argv[1].encode()); s.shutdown(1)
print(s.makefile().read())" "$1" >/run/answer; grep -qF -- "$2" /run/answer || { cat /run/answer; exit 1; }; }
         api badjson "bad request: cannot parse JSON"
         api "{\"a\": 1}" "bad request: no execute found"
         api "{\"execute\": \"bad\"}" "bad request: unknown execute"
         add() { api "{\"execute\": \"add_hostfwd\", \"arguments\": {\"proto\": \"$1\", \"host_port\": 18000, \"guest_port\": 80$2}}" "$3"; }
         add bad "" "bad request: add_hostfwd: bad arguments.proto"
         add tcp ", \"host_addr\": \"::1\"" "bad request: add_hostfwd: bad arguments.host_addr"
         add tcp ", \"host_addr\": \"127.0.0.1\", \"guest_addr\": \"\"" "{\"return\":{\"id\":1}}"
         add udp ", \"guest_addr\": \"0.0.0.0\"" "{\"return\":{\"id\":2}}"
         entry="[{\"id\":1,\"proto\":\"tcp\",\"host_addr\":\"127.0.0.1\",\"host_port\":18000,\"guest_addr\":\"10.0.135.228\",\"guest_port\":80},"
         api "{\"execute\": \"list_hostfwd\"}" "{\"entries\":$entry"
         api "{\"execute\": \"list_hostfwd\"}" "\"return\":{\"entries\":$entry"
         # without a resolver its address is one of the host network'"'"'s, where this one answers
         ip netns exec world ip addr add 10.0.135.131/32 dev w0
         nsenter -t $TARGET -n "$PEER" tcp 10.0.135.131 7 echo 1000
         kill $helper $TARGET'
}
