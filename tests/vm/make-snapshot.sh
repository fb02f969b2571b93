#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# make-snapshot.sh IMGDIR
#
# Boots the guest to its user's session once and saves the running machine in IMGDIR/snap, for
# run-vm.sh to resume. Does nothing when a snapshot that fits is there.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/vm-lib.bash
. "$here/vm-lib.bash"

img=${1:?usage: make-snapshot.sh IMGDIR}
key=$(vm_snapshot_key "$img")
snap=$img/snap
pid=

[ "$(cat "$snap/key" 2> /dev/null)" = "$key" ] && exit 0
echo "make-snapshot: booting $img" >&2
rm -rf "$snap"
mkdir "$snap"
trap '[ -z "$pid" ] || kill "$pid" 2> /dev/null || true' EXIT

cp --sparse=always "$img/rootfs.ext4" "$snap/root"
truncate -s 1G "$snap/empty" # stands for the data disk, which every run brings along
vm_serials "$snap"
mkfifo "$snap/mon"
exec 3<> "$snap/mon"
timeout -k 2 900 qemu-system-x86_64 "${vm_machine[@]}" -m "$vm_mem" -smp "$vm_cpus" \
    "${vm_serial[@]}" -chardev null,id=c3 -serial chardev:c3 -monitor stdio \
    -kernel "$img/vmlinuz" -initrd "$img/initrd" -append "$vm_kargs sbxvm.gate" \
    -drive "$(vm_disk "$snap/root")" -drive "$(vm_disk "$snap/empty")" \
    <&3 > /dev/null &
pid=$!

# until_said COUNT WORD: the guest has said so many lines that begin with it.
until_said() {
    until [ "$(grep -c "^$2" "$snap/status")" -ge "$1" ]; do
        if ! kill -0 $pid 2> /dev/null; then
            echo "make-snapshot: the guest did not come up" >&2
            tail -n 20 "$snap/console" >&2
            exit 1
        fi
        sleep .05
    done
}

# A clock that goes wrong goes wrong in all that is resumed from here: tests would wait for hours, or for nothing.
until_said 1 clock
began=$(date +%s%3N)
until_said 2 clock
here=$(($(date +%s%3N) - began))
there=$(awk '/^clock/ { there = $2 - there } END { print there }' "$snap/status")
until_said 1 gate
if [ "$there" -lt $((here / 2)) ] || [ "$there" -gt $((here * 2)) ]; then
    echo "make-snapshot: the guest counts $there ms where $here have passed" >&2
    exit 1
fi
sleep .3
# To a file, though qemu writes to a pipe only: "file:" needs qemu 8.2.
printf 'migrate_set_parameter max-bandwidth 100G\nmigrate "exec:cat > %s/ram"\nquit\n' "$snap" >&3
wait $pid
pid=
rm -f "$snap/mon" "$snap/empty"
[ -s "$snap/ram" ] || { echo "make-snapshot: qemu saved nothing" >&2; exit 1; }
echo "$key" > "$snap/key"
