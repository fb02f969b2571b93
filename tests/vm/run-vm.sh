#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# run-vm.sh [-t SECONDS] [-u USER] [-m login|manager|root] [-s HOSTDIR:NAME]... [-o OUTDIR]
#           [-C] [-v] IMGDIR -- COMMAND
#
# Boots IMGDIR's guest (build-image.sh) under qemu, puts a copy of each HOSTDIR at /mnt/sbx/NAME,
# runs the shell command line COMMAND in /mnt/sbx as USER, prints its output as it comes and exits
# with its status. Where make-snapshot.sh has left a snapshot that fits, that is resumed in
# place of a boot.
#   -s DIR:root is laid over the guest's root, owned by root
#   -m login    in a session of logind's (session-N.scope), as after ssh: the default
#   -m manager  as a service of the user's `systemd --user`, below the delegated user@UID.service
#   -m root     as root
#   -o OUTDIR   what COMMAND leaves in /mnt/sbx/out comes back there
#   -C          boot, whether there is a snapshot or not; SBX_VM_APPEND then adds kernel words
# SBX_VM_PATIENCE: seconds without a sign of life after which the guest is taken to stand still (240).
#   -v          the guest's console, on standard error
# Status 124: the time limit; 125: the guest never reported a status; 126: its kernel stood still, and what its
# processors were at is printed.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/vm-lib.bash
. "$here/vm-lib.bash"

usage() {
    sed -n '3,4s/^# //p' "$0" >&2
    exit 2
}

limit=300 patience=${SBX_VM_PATIENCE:-240} user=tester mode=login verbose='' cold='' outdir='' sources=()
while getopts t:u:m:s:o:vC opt; do
    case $opt in
    t) limit=$OPTARG ;;
    u) user=$OPTARG ;;
    m) mode=$OPTARG ;;
    s) sources+=("$OPTARG") ;;
    o) outdir=$OPTARG ;;
    v) verbose=1 ;;
    C) cold=1 ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# -ge 1 ] || usage
img=$1
shift
[ "${1-}" = -- ] && shift
[ $# -ge 1 ] || usage
case $mode in login | manager | root) ;; *) usage ;; esac
[ -s "$img/rootfs.ext4" ] || { echo "run-vm: no image in $img" >&2; exit 125; }

snap=$img/snap
if [ -n "$cold" ] || [ "$(cat "$snap/key" 2> /dev/null)" != "$(vm_snapshot_key "$img")" ]; then
    snap=
fi

w=$(mktemp -d "${TMPDIR:-/tmp}/sbxvm.XXXXXX") || exit 125
pid='' watch_pid=''
# shellcheck disable=SC2317 # called by the trap
cleanup() {
    [ -z "$watch_pid" ] || kill "$watch_pid" 2> /dev/null
    [ -z "$pid" ] || { kill "$pid" 2> /dev/null && wait "$pid"; }
    rm -rf "$w"
}
trap cleanup EXIT
trap 'exit 143' INT TERM HUP

# The data disk: what to run, the copies, and a place for results.
make_data() {
    local s
    mkdir -p "$w/d/.sbxvm" "$w/d/out"
    printf 'user=%q\nmode=%q\n' "$user" "$mode" > "$w/d/.sbxvm/env"
    printf 'cd /mnt/sbx\n%s\n' "$*" > "$w/d/.sbxvm/cmd"
    for s in ${sources[@]+"${sources[@]}"}; do
        cp -a "${s%%:*}" "$w/d/${s##*:}" || return 1
    done
    [ "$(id -u)" != 0 ] || chown -R 1000:1000 "$w/d"
    vm_make_data "$w/data" "$w/d" && rm -rf "$w/d"
}

# The resumed guest waits on its 4th serial port for a word and the time; the word is repeated
# until the guest has read it, because bytes sent while it is being loaded are lost.
say_go() {
    local i
    for ((i = 0; i < 1200; i++)); do
        [ ! -s "$w/console" ] || return 0
        echo "go $(date +%s)"
        sleep .05
    done
}

# The guest's init says every few seconds that it lives, ahead of whatever else runs there. Silence that no load of
# this machine explains means that the guest stands still: its processors are asked where they are, with an NMI,
# for which the kernel panics and so ends qemu. Steps are counted, not time, in which this machine may have stood
# still itself.
watch_pulse() {
    local size seen='' quiet=0

    while [ $quiet -lt "$patience" ]; do
        sleep 5
        size=$(stat -c %s "$w/console")
        quiet=$((size == seen ? quiet + 5 : 0))
        seen=$size
    done
    : > "$w/still"
    printf 'info registers -a\nnmi\n' > "$w/monitor.in"
    timeout 20 cat "$w/monitor.out" > "$w/registers"
    kill "$pid"
}

# Set qemu, the command.
prepare_resume() {
    qemu=(qemu-system-x86_64 "${vm_machine[@]}" -m "$vm_mem" -smp "$vm_cpus" "${vm_serial[@]}" "${vm_monitor[@]}"
        -chardev "stdio,id=c3,signal=off" -serial chardev:c3
        -kernel "$img/vmlinuz" -initrd "$img/initrd" -append "$vm_kargs sbxvm.gate"
        -drive "$(vm_disk "$snap/root" temporary)" -drive "$(vm_disk "$w/data")"
        -incoming "exec:cat '$snap/ram'")
}

prepare_boot() {
    qemu=(qemu-system-x86_64 "${vm_machine[@]}" -m "$vm_mem" -smp "$vm_cpus" "${vm_serial[@]}" "${vm_monitor[@]}"
        -kernel "$img/vmlinuz"
        -append "root=/dev/nvme0n1 rw $vm_kargs ${SBX_VM_APPEND-}"
        -drive "if=none,id=d0,format=raw,cache=unsafe,snapshot=on,file=$img/rootfs.ext4"
        -device "nvme,drive=d0,serial=root"
        -drive "if=none,id=d1,format=raw,cache=unsafe,file=$w/data"
        -device "nvme,drive=d1,serial=data")
}

fetch_results() {
    local f
    mkdir -p "$outdir"
    debugfs -R 'ls -p /out' "$w/data" 2> /dev/null | cut -d/ -f6 | grep -vx '\.\.\?' |
        while read -r f; do
            [ -z "$f" ] || debugfs -R "rdump /out/$f $outdir" "$w/data" 2> /dev/null
        done
}

make_data "$@" || exit 125
vm_serials "$w"
mkfifo "$w/monitor.in" "$w/monitor.out"
vm_monitor=(-chardev "pipe,id=monitor,path=$w/monitor" -mon chardev=monitor)
# $! is timeout in both, so that killing it ends qemu
if [ -n "$snap" ]; then
    prepare_resume
    say_go 2> /dev/null | TMPDIR=$w timeout -k 2 "$limit" "${qemu[@]}" &
else
    prepare_boot
    TMPDIR=$w timeout -k 2 "$limit" "${qemu[@]}" < /dev/null &
fi
pid=$!
watch_pulse > /dev/null 2>&1 &
watch_pid=$!
tail -q -c +1 -f --pid=$pid -s 0.05 "$w/out" &
tail_pid=$!
wait $pid
rc=$?
pid=
wait $tail_pid 2> /dev/null
if [ -e "$w/still" ]; then wait $watch_pid; else kill $watch_pid; fi
watch_pid=
[ -z "$verbose" ] || sed 's/\r$//;s/^/console: /' "$w/console" >&2
[ -z "$outdir" ] || fetch_results
status=$(sed -n 's/^status \([0-9]*\).*/\1/p' "$w/status")
[ -z "$status" ] || exit "$status"
if [ -e "$w/still" ]; then
    echo "run-vm: the guest stood still" >&2
    tail -n 200 "$w/console" "$w/registers" >&2
    exit 126
fi
[ -n "$verbose" ] || tail -n 20 "$w/console" >&2
case $rc in
124 | 137)
    echo "run-vm: time limit of $limit s" >&2
    exit 124
    ;;
esac
echo "run-vm: no status from the guest (qemu: $rc)" >&2
exit 125
