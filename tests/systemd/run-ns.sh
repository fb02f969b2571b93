#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-ns.sh [-t SECONDS] [-u USER] [-m login|manager|root] [-v] -- COMMAND
#
# Runs the shell command line COMMAND under a real systemd as pid 1 of private namespaces, over a
# throw-away overlay of this machine's root: its programs, its kernel, its speed. For what needs a
# `systemd --user` and its bus. There are no controllers where the machine has them on cgroup v1,
# which makes this the place to test "a limit was asked for and nothing can hold it".
# Needs root and systemd installed. All mounts are in the private namespace; one child in the
# cgroup v2 tree is made, and removed at the end. Modes and statuses as in ../vm/run-vm.sh.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
limit=250 user=tester mode=login verbose=
while getopts t:u:m:v opt; do
    case $opt in
    t) limit=$OPTARG ;;
    u) user=$OPTARG ;;
    m) mode=$OPTARG ;;
    v) verbose=1 ;;
    *)
        sed -n '3s/^# //p' "$0" >&2
        exit 2
        ;;
    esac
done
shift $((OPTIND - 1))
[ "${1-}" = -- ] && shift

[ "$(id -u)" = 0 ] || { echo "run-ns: needs root" >&2; exit 125; }
cg=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/self/mounts)
[ -n "$cg" ] || { echo "run-ns: no cgroup2 mount" >&2; exit 125; }
cg=$cg$(sed -n 's/^0:://p' /proc/self/cgroup)
cg=${cg%/}/sbxns.$$
w=$(mktemp -d "${TMPDIR:-/tmp}/sbxns.XXXXXX") || exit 125
mkdir "$cg" || exit 125
ns_pid='' watch_pid=''

# Kills pid 1 of the private namespace, and so all in it; unshare reaps it.
stop() {
    # shellcheck disable=SC2046 # a list of pids
    kill -KILL $(cat "/proc/$ns_pid/task/$ns_pid/children") 2> /dev/null
}

# shellcheck disable=SC2317 # called by the trap
cleanup() {
    local i
    [ -z "$watch_pid" ] || kill "$watch_pid" 2> /dev/null
    [ -z "$ns_pid" ] || { stop; wait "$ns_pid" 2> /dev/null; }
    # empty when the kernel has taken leave of the last one
    for ((i = 0; i < 1200; i++)); do
        find "$cg" -depth -type d -exec rmdir {} \; 2> /dev/null
        [ -d "$cg" ] || break
        sleep .05
    done
    rm -rf "$w"
}
trap cleanup EXIT
trap 'exit 143' INT TERM HUP

mkdir "$w/t"
printf '%s\n' "$*" > "$w/cmd"
printf 'user=%q mode=%q\n' "$user" "$mode" > "$w/env"
pwd > "$w/cwd"
cp "$here/ns/stage2" "$w/stage2"
: > "$w/out"
: > "$w/console"
chmod 711 "$w"
chmod 644 "$w"/{cmd,env,cwd,stage2,out,console}

# shellcheck disable=SC2016 # for the inner shell
bash -c 'echo $$ > "$1/cgroup.procs"
    exec unshare --cgroup --mount --pid --fork --kill-child --uts --ipc --net \
        --propagation private bash "$3/ns/stage1" "$2" "$3"' - "$cg" "$w" "$here" \
    < /dev/null > "$w/console" 2>&1 &
ns_pid=$!
tail -q -c +1 -f --pid=$ns_pid -s 0.05 "$w/out" &
tail_pid=$!
(
    sleep "$limit" &
    s=$!
    trap 'kill $s; exit' TERM
    wait $s
    : > "$w/late"
    stop
) > /dev/null 2>&1 &
watch_pid=$!
wait $ns_pid
rc=$?
ns_pid=
kill $watch_pid 2> /dev/null
watch_pid=
wait $tail_pid 2> /dev/null
[ -z "$verbose" ] || sed 's/^/console: /' "$w/console" >&2
status=$(sed -n 's/^status //p' "$w/status" 2> /dev/null)
[ -z "$status" ] || exit "$status"
if [ -e "$w/late" ]; then
    echo "run-ns: time limit of $limit s" >&2
    exit 124
fi
echo "run-ns: no status (rc $rc)" >&2
tail -n 20 "$w/console" >&2
exit 125
