#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Namespaces, ids and capabilities: what each option does, in both personalities.

load ../lib/common

# Prints which namespaces are new; the arguments are the host's.
new_namespaces='for n in cgroup ipc mnt net pid time user uts; do
    [ "$(readlink /proc/self/ns/$n)" = "$1" ] || printf "%s " $n; shift; done'
caps='sed -n "s/^Cap\([A-Za-z]*\):.*\(....\)$/\1 \2/p; s/^NoNewPrivs:./nnp /p" /proc/self/status | tr "\n" " "'

setup() {
    common_setup
    local name

    HOST_NS=()
    for name in cgroup ipc mnt net pid time user uts; do
        HOST_NS+=("$(readlink "/proc/self/ns/$name")")
    done
}

# news WANTED OPTIONS...: exactly the namespaces in WANTED are new.
news() {
    local wanted=$1

    shift
    sb --proc /proc "$@" sh -c "$new_namespaces" sh "${HOST_NS[@]}"
    ok
    is "$output" "$wanted" "$*"
}

each_namespace() {
    news 'mnt user '
    news 'mnt user ' --unshare-user
    news 'mnt user ' --unshare-user-try
    news 'ipc mnt user ' --unshare-ipc
    news 'mnt pid user ' --unshare-pid
    news 'mnt net user ' --unshare-net
    news 'mnt user uts ' --unshare-uts
    news 'cgroup mnt user ' --unshare-cgroup
    news 'cgroup mnt user ' --unshare-cgroup-try
    news 'cgroup ipc mnt net pid user uts ' --unshare-all
    news 'cgroup ipc mnt pid user uts ' --unshare-all --share-net
    news 'cgroup ipc mnt net pid user uts ' --share-net --unshare-all
    news 'mnt time user ' --unshare-time
    news 'cgroup ipc mnt net pid time user uts ' --unshare-all --unshare-time
    news 'mnt pid time user ' --unshare-time --unshare-pid --as-pid-1
}

@test "--unshare-user --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup --unshare-time --unshare-all --share-net" {
    both each_namespace
}

# lone_loopback COMMAND...: what it starts has a network namespace of its own with nothing but lo,
# which is up, and which its root may change.
lone_loopback() {
    local lines

    capture "$@" --ro-bind /usr /usr --unshare-all --cap-add CAP_NET_ADMIN sh -c '
        readlink /proc/self/ns/net; sed 1,2d /proc/net/dev | tr -d " " | cut -d: -f1
        cat /proc/net/if_inet6; ip link set lo mtu 1400 && echo changed; echo $$'
    ok
    mapfile -t lines <<<"$output"
    is "${lines[1]} ${lines[*]:3}" 'lo changed 2'
    [[ ${lines[2]} == *' lo' && ${lines[0]} == net:* && ${lines[0]} != "${HOST_NS[3]}" ]]
}

@test "a network namespace is the same, whoever makes it" {
    need_program strace ip
    lone_loopback "$SBX"
    # somebody is told of it first
    sink 9
    lone_loopback "$SBX" --info-fd 9
    unfeed
    # it can't be made beside the set-up
    lone_loopback strace -f -qq -o "$T/log" -e trace=setns -e inject=setns:error=EPERM "$SBX"
    grep -q INJECTED "$T/log"
    # and neither by the set-up
    capture strace -f -qq -o "$T/log" -e trace=unshare -e inject=unshare:error=ENOSPC "$SBX" \
        --ro-bind /usr /usr --unshare-all echo ran
    fails 125
    [[ $stderr == *max_* && $output != *ran* ]]
}

ids() {
    local option

    for option in '' '--dev /dev' '--unshare-all --dev /dev'; do
        # shellcheck disable=SC2086 # several words
        sb --proc /proc $option --uid 12 --gid 13 sh -c 'echo $(id -u) $(id -g); cat /proc/self/setgroups; stat -c %u:%g /'
        ok
        is "$output" $'12 13\ndeny\n12:13'
        # shellcheck disable=SC2086
        sb --proc /proc $option sh -c 'echo $(id -u) $(id -g)'
        case $PERSONALITY in
        native) is "$output" '0 0' ;;
        bwrap) is "$output" "$(id -u) $(id -g)" ;;
        esac
    done
    sb --uid 0 --gid 0 id -u
    is "$output" 0
    sb --uid 4294967294 --gid 2147483648 sh -c 'id -u; id -g'
    is "$output" $'4294967294\n2147483648'
    sb --uid 4294967295 echo ran
    refused 4294967295
}

@test "--uid and --gid" {
    both ids
}

@test "--keep-id: the caller's ids, natively" {
    sb --keep-id sh -c 'id -u; id -g'
    ok
    is "$output" "$(id -u)"$'\n'"$(id -g)"
    : >"$T/mine"
    sb --keep-id --dev /dev --ro-bind "$T/mine" /mine stat -c %u:%g /mine
    is "$output" "$(id -u):$(id -g)"
    sb --keep-id --uid 5 echo ran
    refused --keep-id
}

capabilities() {
    local options

    for options in '' '--unshare-all' '--dev /dev' '--uid 0' '--uid 0 --dev /dev'; do
        # shellcheck disable=SC2086 # several words
        sb --proc /proc $options sh -c "$caps"
        ok
        is "$output" 'Inh 0000 Prm 0000 Eff 0000 Bnd 0000 Amb 0000 nnp 1 ' "$options"
    done
    sb --proc /proc --cap-add ALL --cap-drop cap_sys_admin sh -c 'grep -c "^Cap.*000001ffffdfffff$" /proc/self/status; grep -c "^Cap.*0000000000000000$" /proc/self/status'
    [[ $output == $'5\n0' ]] || {
        # a kernel with more or fewer capabilities
        sb --proc /proc --cap-add ALL sh -c 'grep ^Cap /proc/self/status | cut -f2 | sort -u | wc -l'
        is "$output" 1
    }
    sb --proc /proc --cap-add CAP_KILL --cap-add cap_chown --cap-drop ALL --cap-add cap_fowner sh -c "$caps"
    is "$output" 'Inh 0008 Prm 0008 Eff 0008 Bnd 0008 Amb 0008 nnp 1 '
    sb --proc /proc --uid 33 --cap-add cap_fowner sh -c "$caps"
    is "$output" 'Inh 0008 Prm 0008 Eff 0008 Bnd 0008 Amb 0008 nnp 1 '
    sb --cap-add cap_none echo ran
    refused cap_none
}

@test "--cap-add and --cap-drop: all five sets, and no_new_privs" {
    both capabilities
}

@test "capabilities are worth something inside, and nothing outside" {
    chown_works() {
        sb --uid 0 --gid 0 --cap-add cap_chown --cap-add cap_dac_override --cap-add cap_sys_chroot --perms 0 --dir /locked --bind . /w sh -c '
            : >/locked/f && echo in; chroot / true && echo chroot; chown 1 /w 2>&- || echo unmapped'
        is "$output" $'in\nchroot\nunmapped'
        sb --uid 0 --gid 0 --perms 0 --dir /locked sh -c '(: >/locked/f) 2>&- || echo no'
        is "$output" no
        # what belongs to others on the host stays theirs
        [[ ! -w /etc/passwd ]] || return 0
        sb --uid 0 --gid 0 --cap-add ALL --bind /etc /e sh -c '(: >>/e/passwd) 2>&- || echo no'
        is "$output" no
    }
    both chown_works
}

disabled() {
    sb --unshare-user --disable-userns --proc /proc sh -c 'unshare -U true 2>&- || echo none; id -u'
    is "$status" 0
    is "${output%%$'\n'*}" none
    sb --unshare-user --disable-userns --assert-userns-disabled --dev /dev --cap-add ALL sh -c 'unshare -U true 2>&- || echo none'
    is "$output" none
    sb --assert-userns-disabled echo ran
    refused
    sb sh -c 'unshare -U true && echo can'
    is "$output" can
}

@test "--disable-userns and --assert-userns-disabled" {
    both disabled
}

@test "--hostname" {
    named() {
        sb --unshare-uts --hostname inside.example uname -n
        ok
        is "$output" inside.example
        sb --hostname inside echo ran
        refused --unshare-uts
        sb --unshare-uts --hostname "$(printf 'x%.0s' {1..65})" echo ran
        refused xxxxx
    }
    local before

    before=$(uname -n)
    both named
    is "$(uname -n)" "$before"
}

network() {
    sb --unshare-net --proc /proc python3 -c '
import socket
print([name for _, name in socket.if_nameindex()])
for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
    try:
        s = socket.create_server((address, 0), family=family)
        c = socket.create_connection(s.getsockname()[:2])
        print(c.getpeername()[0])
    except OSError as e:
        print(e.strerror)
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as e:
    print(e.strerror)'
    ok
    like "$output" $'^\[\'lo\'\]\n127.0.0.1\n(::1|.*)\nNetwork is unreachable$'
}

@test "--unshare-net: a loopback that works, and nothing else" {
    need_program python3
    both network
}

@test "--unshare-ipc: System V objects and message queues are the sandbox's own" {
    need_program ipcmk ipcs ipcrm
    local id

    id=$(ipcmk -Q | tr -dc 0-9)
    private() {
        sb --proc /proc sh -c 'ipcs -q | grep -c "^0x"'
        isnt "$output" 0
        sb --unshare-ipc --proc /proc sh -c 'ipcs -q | grep -c "^0x"'
        is "$output" 0
    }
    both private
    ipcrm -q "$id"
}

@test "--unshare-pid: the host's processes are out of sight and out of reach" {
    background sleep 1000
    local victim=$!

    unseen() {
        sb --unshare-pid --proc /proc sh -c 'ls -d /proc/[0-9]* | wc -l; kill -0 "$1" 2>&- && [ "$1" -gt 9 ] && echo reached; ls /proc/1/fd' sh "$victim"
        hasnt "$output" reached
        (("${output%%$'\n'*}" < 6))
    }
    both unseen
    kill -0 "$victim"
}

@test "--unshare-cgroup: the cgroup is the root of what is seen" {
    rooted() {
        sb --unshare-cgroup --proc /proc sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u'
        is "$output" /
    }
    both rooted
}

clocks() {
    # seconds of both clocks, inside with an offset and without one
    local script='import time; print(int(time.clock_gettime(time.CLOCK_MONOTONIC)), int(time.clock_gettime(time.CLOCK_BOOTTIME)))'
    local mono boot inside

    read -r mono boot < <(python3 -c "$script")
    sb --unshare-time --monotonic-offset 1000000 --boottime-offset 2000000.5 python3 -c "$script"
    ok
    read -r -a inside <<<"$output"
    ((inside[0] - mono >= 1000000 && inside[0] - mono < 1000600))
    ((inside[1] - boot >= 2000000 && inside[1] - boot < 2000600))
    sb --unshare-time --unshare-pid --proc /proc --boottime-offset 3000000 sh -c 'cut -d. -f1 /proc/uptime; cut -c1-9 /proc/self/timens_offsets | tr "\n" " "'
    ok
    ((${output%%$'\n'*} > 3000000))
    sb --unshare-time python3 -c "$script"
    read -r -a inside <<<"$output"
    ((inside[0] - mono < 600 && inside[1] - boot < 600))
    # whose mounts are copied by a child, which may share no memory before Linux 6.3
    sb --unshare-time --unshare-pid --cap-add CAP_SYS_ADMIN echo ran
    ok
    sb --unshare-time --boottime-offset soon echo ran
    refused soon
    sb --boottime-offset 5 echo ran
    refused --unshare-time
    # before the clock's beginning
    sb --unshare-time --monotonic-offset -99999999999 echo ran
    refused
}

@test "--unshare-time --monotonic-offset --boottime-offset" {
    need_program python3
    [[ -e /proc/self/ns/time ]] || skip_cannot "this kernel has no time namespaces"
    both clocks
}

# --- joining --------------------------------------------------------------------------------------

holds() {
    [[ $(cat "/proc/$1/comm") == "$2" ]]
}

@test "--userns: in the namespace of a descriptor" {
    background unshare -Ur sleep 1000
    local holder=$!

    wait_for 120 holds "$holder" sleep
    joined() {
        feed_file 20 "/proc/$holder/ns/user"
        sb --userns 20 --proc /proc sh -c 'readlink /proc/self/ns/user; id -u; ls /proc/self/fd'
        ok
        has "$output" "$(readlink "/proc/$holder/ns/user")"$'\n0'
        sb --userns 20 --unshare-user echo ran
        refused --userns
        feed 20 'no namespace'
        sb --userns 20 echo ran
        refused
    }
    both joined
}

@test "--userns2: the second one after the set-up" {
    background unshare -Ur sh -c 'unshare -U sleep 1000 & echo $! >"$1"; wait' sh "$T/inner.pid"
    local outer=$! inner

    wait_for 120 test -s "$T/inner.pid"
    inner=$(<"$T/inner.pid")
    wait_for 120 holds "$inner" sleep
    joined() {
        feed_file 20 "/proc/$outer/ns/user"
        feed_file 21 "/proc/$inner/ns/user"
        sb --userns 20 --userns2 21 --proc /proc readlink /proc/self/ns/user
        ok
        is "$output" "$(readlink "/proc/$inner/ns/user")"
    }
    both joined
    kill "$inner"
}

@test "--pidns: in a pid namespace that is there, or one below it" {
    background unshare -Urp --fork --mount-proc sleep 1000
    local parent=$! child

    wait_for 120 pgrep -P "$parent" -x sleep
    child=$(pgrep -P "$parent" -x sleep)
    joined() {
        feed_file 20 "/proc/$child/ns/user"
        feed_file 21 "/proc/$child/ns/pid"
        sb --userns 20 --pidns 21 --proc /proc sh -c 'readlink /proc/self/ns/pid; cat /proc/1/comm; exit 7'
        is "$status" 7
        is "$output" "$(readlink "/proc/$child/ns/pid")"$'\n'sleep
        sb --userns 20 --pidns 21 --unshare-pid --proc /proc sh -c 'echo $$; [ "$(readlink /proc/self/ns/pid)" = "$1" ] || echo below; kill -TERM $$' \
            sh "$(readlink "/proc/$child/ns/pid")"
        is "$output" $'2\nbelow'
        is "$status" 143
    }
    both joined
}

@test "--pidns --unshare-pid: a pid 1 that is killed ends sbx, too" {
    # bwrap 0.11.1 waits for ever here
    background unshare -Urp --fork --mount-proc sleep 1000
    local parent=$! child first

    wait_for 120 pgrep -P "$parent" -x sleep
    child=$(pgrep -P "$parent" -x sleep)
    killed() {
        feed_file 20 "/proc/$child/ns/user"
        feed_file 21 "/proc/$child/ns/pid"
        sink 22
        sb_bg --userns 20 --pidns 21 --unshare-pid --json-status-fd 22 --bind . /w sh -c ': >/w/up; exec sleep 1000'
        wait_for 120 test -e up
        first=$(python3 "$BATS_TEST_DIRNAME/../lib/probe.py" get "$T/sink.22" child-pid)
        kill -KILL "$first"
        status=0
        wait "$!" || status=$?
        isnt "$status" 0
    }
    need_program python3
    both killed
}

@test "--netns: in the network namespace of a descriptor" {
    need_program python3
    background unshare -Urn sleep 1000
    local holder=$!

    wait_for 120 holds "$holder" sleep
    joined() {
        feed_file 20 "/proc/$holder/ns/user"
        feed_file 21 "/proc/$holder/ns/net"
        sb --userns 20 --netns 21 --proc /proc readlink /proc/self/ns/net
        ok
        is "$output" "$(readlink "/proc/$holder/ns/net")"
        sb --netns 21 --unshare-net echo ran
        refused --netns
        feed 21 'no namespace'
        sb --userns 20 --netns 21 echo ran
        refused
    }
    both joined
}

@test "namespaces that are used up: an error with the reason, and a hint" {
    used_up() {
        personality_words
        capture unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@" --unshare-user echo ran' sh "${WORDS[@]}" "${ROOT[@]}"
        refused
        like "$stderr" '(max_user_namespaces|max_\*_namespaces|No space left)'
        [[ $PERSONALITY == bwrap ]] || like "$stderr" 'sbx: hint: .*max_'
    }
    both used_up
}
