#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Namespaces, ids and maps, capabilities.

load ../lib/common
load ../lib/compare

# Prints which namespaces are new; the arguments are the host's.
new_namespaces='for n in cgroup ipc mnt net pid time user uts; do
    [ "$(readlink /proc/self/ns/$n)" = "$1" ] || printf "%s " $n; shift; done'
maps='cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups | tr -s " "'
caps='grep -E "^(Cap|NoNewPrivs)" /proc/self/status'

setup() {
    common_setup
    PERSONALITY=bwrap
    HOST_NS=()
    local name

    for name in cgroup ipc mnt net pid time user uts; do
        HOST_NS+=("$(readlink "/proc/self/ns/$name")")
    done
}

# news WANTED OPTIONS...: exactly the namespaces in WANTED are new.
news() {
    local wanted=$1

    shift
    compare_sandbox --proc /proc "$@" sh -c "$new_namespaces" sh "${HOST_NS[@]}"
    ok
    is "$output" "$wanted" "$*"
}

@test "which namespaces each option makes" {
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
}

@test "--share-net: the last word counts" {
    news 'cgroup ipc mnt pid user uts ' --unshare-all --share-net
    news 'cgroup ipc mnt net pid user uts ' --share-net --unshare-all
    news 'mnt net user ' --unshare-net --share-net --unshare-net
    news 'mnt user ' --unshare-net --share-net
}

@test "a new network namespace has its loopback up, and nothing else" {
    need_program python3
    compare_sandbox --unshare-net --proc /proc python3 -c '
import socket
print([name for _, name in socket.if_nameindex()])
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
print(c.getpeername()[0])
try:
    socket.create_connection(("192.0.2.1", 80), 5)
except OSError as e:
    print(e.strerror)'
    ok
    is "$output" $'[\'lo\']\n127.0.0.1\nNetwork is unreachable'
}

@test "maps: the caller keeps its ids, or gets those asked for" {
    compare_sandbox --proc /proc sh -c "id -u; id -g; $maps"
    ok
    is "$output" "$(id -u)"$'\n'"$(id -g)"$'\n'" $(id -u) $(id -u) 1"$'\n'" $(id -g) $(id -g) 1"$'\n'deny
    compare_sandbox --proc /proc --uid 0 --gid 0 sh -c "id -u; id -g; $maps"
    is "$output" $'0\n0\n'" 0 $(id -u) 1"$'\n'" 0 $(id -g) 1"$'\n'deny
    compare_sandbox --proc /proc --uid 5 sh -c "$maps"
    is "$output" " 5 $(id -u) 1"$'\n'" $(id -g) $(id -g) 1"$'\n'deny
    compare_sandbox --proc /proc --gid 5 sh -c "$maps"
    compare_sandbox --proc /proc --uid 2147483647 sh -c "id -u; $maps"
    ok
}

@test "maps: ids from 2147483648 on work" {
    alone "${ROOT[@]}" --proc /proc --uid 4294967294 --gid 2147483648 sh -c 'id -u; id -g'
    ok
    is "$output" $'4294967294\n2147483648'
}

@test "maps: --dev goes through a second user namespace and ends at the same ids" {
    local ids

    for ids in '' '--uid 0' '--uid 0 --gid 0' '--uid 12 --gid 13'; do
        # shellcheck disable=SC2086 # several words
        compare_sandbox --proc /proc --dev /dev $ids sh -c "id -u; id -g; $maps; stat -c %u:%g /dev /dev/pts"
        ok
    done
    like "$output" '^12'$'\n''13'
}

@test "the owner of what the set-up makes is the caller inside" {
    compare_sandbox --dir /d --tmpfs /t --symlink x /l --uid 7 --gid 8 stat -c '%n %u:%g' / /d /t /l /usr
    ok
    like "$output" '/t 7:8'
    like "$output" '/usr 65534:65534'
}

@test "capabilities: none by default, not even for uid 0" {
    local ids

    for ids in '' '--uid 0' '--unshare-all' '--uid 0 --dev /dev'; do
        # shellcheck disable=SC2086 # several words
        compare_sandbox --proc /proc $ids sh -c "$caps"
        ok
        is "$(grep -c 0000000000000000 <<<"$output")" 5 "$ids"
        like "$output" 'NoNewPrivs:.1'
    done
}

@test "capabilities: --cap-add and --cap-drop in order" {
    compare_sandbox --proc /proc --cap-add ALL sh -c "$caps"
    ok
    is "$(printf '%s\n' "$output" | grep Cap | cut -f2 | sort -u | wc -l)" 1 'all five sets are full'
    unlike "$output" 'CapEff:.0000000000000000'
    compare_sandbox --proc /proc --cap-add cap_net_admin --cap-add CAP_SYS_ADMIN --cap-drop CAP_NET_ADMIN sh -c "$caps"
    is "$(grep -c 0000000000200000 <<<"$output")" 5
    compare_sandbox --proc /proc --cap-drop ALL --cap-add CAP_KILL sh -c "$caps"
    is "$(grep -c 0000000000000020 <<<"$output")" 5
    compare_sandbox --proc /proc --cap-add ALL --cap-drop all --uid 0 sh -c "$caps"
    is "$(grep -c 0000000000000000 <<<"$output")" 5
    compare_sandbox --proc /proc --uid 0 --cap-add cap_chown --dev /dev sh -c "$caps"
    is "$(grep -c 0000000000000001 <<<"$output")" 5
}

@test "capabilities work: with CAP_SYS_ADMIN the payload can mount" {
    # without --dev: that would put the payload below the namespace that owns the mounts
    compare_sandbox --cap-add CAP_SYS_ADMIN --uid 0 --dir /m --proc /proc \
        sh -c 'mount -t tmpfs t /m && stat -f -c %T /m'
    ok
    is "$output" tmpfs
    compare_sandbox --uid 0 --dir /m --proc /proc sh -c 'mount -t tmpfs t /m'
    isnt "$status" 0
}

@test "--disable-userns and --assert-userns-disabled" {
    compare_sandbox --unshare-user --disable-userns --proc /proc \
        sh -c 'unshare -U true || echo none; cat /proc/sys/user/max_user_namespaces; id -u; '"$maps"
    is "${output%%$'\n'*}" none
    compare_sandbox --unshare-user --disable-userns --assert-userns-disabled --uid 0 --dev /dev echo fine
    is "$output" fine
    compare_sandbox --assert-userns-disabled echo ran
    is "$stderr" 'bwrap: creation of new user namespaces was not disabled as requested'
    is "$status" 1
    is "$output" ''
    compare_sandbox --unshare-user --disable-userns --cap-add ALL sh -c 'unshare -U true || echo none'
    is "$output" none
}

@test "--hostname" {
    local host

    host=$(uname -n)
    compare_sandbox --unshare-uts --hostname inside.example uname -n
    ok
    is "$output" inside.example
    is "$(uname -n)" "$host"
    ERR_SED='s/.*hostname.*/hostname/'
    compare_sandbox --unshare-uts --hostname "$(printf 'x%.0s' {1..65})" echo ran
    is "$status" 1
    is "$output" ''
}

@test "--unshare-cgroup: the cgroup is the root of what is seen" {
    compare_sandbox --unshare-cgroup --proc /proc sh -c 'cut -d: -f3 /proc/self/cgroup | sort -u'
    ok
    is "$output" /
}

# --- joining ---------------------------------------------------------------------------------

# A process in namespaces of its own; HELPER is its pid.
start_holder() {
    background unshare "$@" sleep 1000
    HELPER=$!
    wait_for 120 holder_ready "$HELPER"
}

holder_ready() {
    [[ $(cat "/proc/$1/comm") == sleep ]]
}

@test "--userns: joins the namespace of a descriptor" {
    start_holder -Ur
    feed_file 20 "/proc/$HELPER/ns/user"
    # sbx inside the namespace is uid 0 there, so the ids have to be named to stay
    compare_sandbox --userns 20 --proc /proc sh -c 'readlink /proc/self/ns/user; id -u; cat /proc/self/uid_map | tr -s " "'
    ok
    like "$output" "$(readlink "/proc/$HELPER/ns/user" | tr -d '[]')" ||
        has "$output" "$(readlink "/proc/$HELPER/ns/user")"
    compare_sandbox --userns 20 --uid 0 --gid 0 id -u
    is "$output" 0
}

@test "--userns: not a user namespace, not open" {
    feed 20 ''
    compare_sandbox --userns 20 echo ran
    is "$status" 1
    is "$output" ''
    compare_sandbox --userns 29 echo ran
    is "$status" 1
    is "$output" ''
}

@test "--userns2, --pidns: not open" {
    # the process in between has a word of its own
    ERR_SED='/^bwrap: Unexpected short read from pid socket$/d'
    compare_sandbox --userns2 29 echo ran
    is "$stderr" 'bwrap: Setting userns2 failed: Bad file descriptor'
    compare_sandbox --pidns 29 echo ran
    is "$stderr" 'bwrap: Setting pidns failed: Bad file descriptor'
    is "$status" 1
    is "$output" ''
}

@test "--userns2: switches after the set-up" {
    # the second namespace is made inside the first, as flatpak does
    background unshare -Ur sh -c 'unshare -U sleep 1000 & echo $! >"$1"; wait' sh "$T/inner.pid"
    local outer=$! inner

    wait_for 120 test -s "$T/inner.pid"
    inner=$(<"$T/inner.pid")
    wait_for 120 holder_ready "$inner"
    feed_file 20 "/proc/$outer/ns/user"
    feed_file 21 "/proc/$inner/ns/user"
    compare_sandbox --userns 20 --userns2 21 --proc /proc readlink /proc/self/ns/user
    ok
    is "$output" "$(readlink "/proc/$inner/ns/user")"
    kill "$inner"
}

@test "--pidns: the payload is in the given pid namespace" {
    background unshare -Urp --fork --mount-proc sleep 1000
    local parent=$! child

    wait_for 120 pgrep -P "$parent" -x sleep
    child=$(pgrep -P "$parent" -x sleep)
    feed_file 20 "/proc/$child/ns/user"
    feed_file 21 "/proc/$child/ns/pid"
    compare_sandbox --userns 20 --pidns 21 --proc /proc \
        sh -c 'readlink /proc/self/ns/pid; cat /proc/1/comm; exit 7'
    is "$status" 7
    is "$output" "$(readlink "/proc/$child/ns/pid")"$'\n'sleep
    compare_sandbox --userns 20 --pidns 21 --unshare-pid --proc /proc \
        sh -c '[ "$(readlink /proc/self/ns/pid)" = "$1" ] && echo same || echo below; exit 7' sh \
        "$(readlink "/proc/$child/ns/pid")"
    is "$status" 7
    is "$output" below
    # bwrap 0.11.1 waits for ever here (containers/bubblewrap: the child is not its own any more)
    alone "${ROOT[@]}" --userns 20 --pidns 21 --unshare-pid --as-pid-1 sh -c 'echo $$; exit 3'
    is "$output" 1
    is "$status" 3
}

# --- callers that are root in their own user namespace -----------------------------------------

@test "as root of a user namespace: no new one unless asked for, and capabilities kept there" {
    local program answer='' line

    for program in ${REF_VERSION:+"$BWRAP_REF"} "$BWRAP"; do
        # the bounding set, which sbx cuts down here too, cannot be gained from under no_new_privs
        capture unshare -Ur sh -c 'before=$(readlink /proc/self/ns/user)
            for more in "" "--cap-drop ALL --cap-add cap_chown" "--cap-drop cap_sys_admin"; do
                "$@" $more --proc /proc sh -c '\''[ "$(readlink /proc/self/ns/user)" = "$1" ] && echo same || echo new
                    grep -E "^Cap(Inh|Prm|Eff|Amb)" /proc/self/status'\'' sh "$before"
            done' sh "$program" "${ROOT[@]}"
        ok
        is "$(grep -c same <<<"$output")" 3
        answer=${answer:-$output}
        is "$output" "$answer"
    done
}

@test "as root with --unshare-user: a new namespace, and what that owns" {
    local program answer=''

    for program in ${REF_VERSION:+"$BWRAP_REF"} "$BWRAP"; do
        capture unshare -Ur sh -c 'for more in "" "--uid 5" "--dev /dev --gid 5" "--cap-drop cap_kill" \
                "--cap-drop ALL" "--uid 5 --cap-drop ALL --cap-add cap_chown"; do
                "$@" --unshare-user $more --proc /proc sh -c "$0"
            done' "id -u; $caps; $maps" "$program" "${ROOT[@]}"
        ok
        # all sets but the inherited ones, none, and those of root again
        like "$output" $'^0\nCapInh:\t0+\nCapPrm:\t0*1f+\nCapEff:\t0*1f+\n'
        like "$output" $'\n5\nCapInh:\t0+\nCapPrm:\t0+\nCapEff:\t0+\nCapBnd:\t0*1f+\n'
        has "$output" $' 0 0 1\n 0 0 1\ndeny'
        answer=${answer:-$output}
        is "$output" "$answer"
    done
}

@test "as uid 0 of a sandbox, without capabilities and without asking for a user namespace" {
    local program

    for program in ${REF_VERSION:+"$BWRAP_REF"} "$BWRAP"; do
        capture "$program" --ro-bind / / --unshare-user --uid 0 "$program" --ro-bind / / echo ran
        is "$status" 1 "$program"
        is "$stderr" 'bwrap: Creating new namespace failed: Operation not permitted' "$program"
        is "$output" ''
    done
}

@test "user namespaces used up: --unshare-user-try goes on without for root, others get the hint" {
    local program

    for program in ${REF_VERSION:+"$BWRAP_REF"} "$BWRAP"; do
        capture unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces
            "$@" --unshare-user-try echo went on
            "$@" --unshare-user echo ran' sh "$program" "${ROOT[@]}"
        is "$output" 'went on' "$program"
        is "$stderr" 'bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)'
        is "$status" 1
    done
}

@test "other namespaces used up" {
    local program

    for program in ${REF_VERSION:+"$BWRAP_REF"} "$BWRAP"; do
        capture unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_uts_namespaces
            "$@" --unshare-uts echo ran' sh "$program" "${ROOT[@]}"
        is "$stderr" 'bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)'
        is "$status" 1
        is "$output" ''
    done
}

@test "a caller that holds capabilities without being root is refused" {
    need_program setpriv
    local program

    for program in ${REF_VERSION:+"$BWRAP_REF"} "$BWRAP"; do
        # in a namespace where uid 0 holds everything, uid 1 with ambient capabilities
        capture unshare -U --map-root-user sh -c 'exec "$@" --uid 1 --unshare-user --cap-add ALL --proc /proc --dev /dev \
            "$0" --ro-bind / / echo ran' "$program" "$program" --bind / /
        is "$status" 1 "$program"
        has "$stderr" 'bwrap: Unexpected capabilities but not setuid, old file caps config?'
        hasnt "$output" ran
    done
}
