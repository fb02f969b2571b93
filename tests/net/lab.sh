#!/bin/bash
# A small Internet in network namespaces of its own, for the tests of sbx-net. Run as
#	tests/net/lab.sh COMMAND [ARG...]
# it makes, and runs COMMAND in, a "host": an ordinary user's user namespace with
#
#	host (here)  198.51.100.1/24  2001:db8:1::1/64   default routes through the world
#	world        198.51.100.2     2001:db8:1::2      and 203.0.113.10, 203.0.113.20, 10.9.9.9,
#	             2001:db8:2::10; /etc/resolv.conf names 198.51.100.2 and 2001:db8:1::2
#
# In world peer.py serves; $PEER is its path, $LAB_PID a process whose network is the host's.
# world is entered with "ip netns exec world". LAB_V4=0: the host has no IPv4, and the name server
# is known by its other address only. Root makes a /dev/net/tun that everybody may open
# first (LAB_TUN=0: one that nobody may; without root, none) and becomes LAB_USER (tester) then. Nothing outlives it.
set -euo pipefail

stage_root()
{
    local user=${LAB_USER:-tester} tmp

    tmp=$(mktemp -d)
    mount -t tmpfs -o mode=755 lab "$tmp"
    mknod "$tmp/tun" c 10 200
    if [ "${LAB_TUN:-1}" = 1 ]; then
        chmod 666 "$tmp/tun"
    else
        chmod 600 "$tmp/tun"
    fi
    [ -e /dev/net/tun ] || { mkdir -p /dev/net; : >>/dev/net/tun; }
    mount --bind "$tmp/tun" /dev/net/tun
    umount -l "$tmp"
    rmdir "$tmp"
    exec setpriv --reuid "$user" --regid "$user" --clear-groups \
        --inh-caps=-all --bounding-set=-all env HOME=/tmp LAB_ROOT=1 LAB_STAGE=user "$0" "$@"
}

stage_host()
{
    mount --make-rprivate /
    # root has seen to that already
    [ "${LAB_TUN:-1}" = 1 ] || [ -n "${LAB_ROOT-}" ] || mount -t tmpfs -o mode=755 none /dev/net
    mount -t tmpfs -o mode=755 run /run
    mkdir -p /run/netns
    printf 'nameserver 198.51.100.2\nnameserver 2001:db8:1::2\n' >/run/resolv.conf
    [ "${LAB_V4:-1}" = 1 ] || sed -i 1d /run/resolv.conf
    mount --bind /run/resolv.conf /etc/resolv.conf
    ip link set lo up
    ip netns add world
    ip link add h0 type veth peer name w0 netns world
    [ "${LAB_V4:-1}" = 0 ] || ip addr add 198.51.100.1/24 dev h0
    ip addr add 2001:db8:1::1/64 dev h0 nodad
    ip link set h0 up
    ip -n world link set lo up
    for a in 198.51.100.2/24 203.0.113.10/32 203.0.113.20/32 10.9.9.9/32 169.254.169.254/32; do
        ip -n world addr add "$a" dev w0
    done
    ip -n world addr add 2001:db8:1::2/64 dev w0 nodad
    ip -n world addr add 2001:db8:2::10/128 dev w0 nodad
    ip -n world link set w0 up
    [ "${LAB_V4:-1}" = 0 ] || ip route add default via 198.51.100.2
    ip -6 route add default via 2001:db8:1::2
    ip netns exec world sysctl -qw net.ipv4.ping_group_range="0 0"
    sysctl -qw net.ipv4.ping_group_range="${LAB_PING:-0 0}" || true
    ip netns exec world "$(dirname "$0")/peer.py" world /run/world-ready &
    until [ -e /run/world-ready ]; do
        kill -0 $! # or the world has ended
        sleep 0.05
    done
    export LAB_PID=$$ PEER
    PEER=$(cd "$(dirname "$0")" && pwd)/peer.py
    "$@"
}

case ${LAB_STAGE:-} in
"")
    if [ "$(id -u)" = 0 ]; then
        exec unshare --mount --propagation private env LAB_STAGE=root "$0" "$@"
    fi
    LAB_STAGE=user exec "$0" "$@"
    ;;
root)
    stage_root "$@"
    ;;
user)
    exec unshare --user --map-root-user --mount --net --pid --fork --kill-child --mount-proc \
        env LAB_STAGE=host "$0" "$@"
    ;;
host)
    unset LAB_STAGE
    stage_host "$@"
    ;;
esac
