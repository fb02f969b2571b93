#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# bench-vm.sh [-k KERNEL] [-n ROUNDS] BUILDDIR SRCDIR
#
# What a start with a limit costs, against systemd-run and bwrap: a pair that needs a user's systemd with
# controllers, so it is measured in a guest, from a login session and from below the manager.
# BUILDDIR has bench/pair. "make bench BENCH_VM=1" runs this.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/vm-lib.bash
. "$here/vm-lib.bash"

kernel=6.12 package=linux-image-6.12-cloud-amd64 rounds=20
while getopts k:n: opt; do
    case $opt in
    k)
        kernel=$OPTARG
        package=linux-image-$kernel-cloud-amd64
        [ "$kernel" != 6.1 ] || package=linux-image-cloud-amd64
        ;;
    n) rounds=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
build=$(cd "${1:?BUILDDIR}" && pwd)

w=$(mktemp -d "${TMPDIR:-/tmp}/sbxbench.XXXXXX")
trap 'rm -rf "$w"' EXIT
make -s -C "$build" install DESTDIR="$w/root" > /dev/null
mkdir "$w/bench"
cp "$build/bench/pair" "$w/bench"
img=$(vm_cache)/$kernel
"$here/build-image.sh" "$img" "$package"
"$here/make-snapshot.sh" "$img"
bwrap='bwrap --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --unshare-all true'
for mode in login manager; do
    echo "kernel $kernel, session: $mode"
    "$here/run-vm.sh" -t 900 -m $mode -s "$w/root:root" -s "$w/bench:bench" "$img" -- \
        "bench/pair -c memory-limit-$mode -n $rounds -t 600 \
            :: sbx /usr/local/bin/sbx --memory 64M --ro-bind /usr /usr --unshare-all true \
            :: systemd-run+bwrap systemd-run --user --scope -q -p MemoryMax=64M $bwrap"
done
