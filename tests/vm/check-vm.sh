#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-vm.sh [-k KERNEL]... [-m MODE]... [-f FILTER] [-t SECONDS] BUILDDIR SRCDIR [BATS-FILE]...
#
# Installs BUILDDIR's programs into a guest and runs the bats suite there as an ordinary user: for
# each kernel (6.1, 6.12) from a login session and from below the user's manager. BATS-FILEs,
# relative to SRCDIR, limit it to those; FILTER is bats' --filter. The whole suite also runs the
# cases of tests/vm/cases, which need what only such a machine has.
# Status 0: all green; 77: this machine has no qemu or can't build the image (the reason is
# printed); else the first bad status. SBX_MUST_RUN=1 turns 77 into 1.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/vm-lib.bash
. "$here/vm-lib.bash"

kernels=() modes=() filter='' limit=5400
while getopts k:m:f:t: opt; do
    case $opt in
    k) kernels+=("$OPTARG") ;;
    m) modes+=("$OPTARG") ;;
    f) filter=$OPTARG ;;
    t) limit=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
build=$(cd "${1:?BUILDDIR}" && pwd) || exit 2
src=$(cd "${2:?SRCDIR}" && pwd) || exit 2
shift 2
[ ${#kernels[@]} -gt 0 ] || kernels=(6.1 6.12)
[ ${#modes[@]} -gt 0 ] || modes=(login manager)

skip() {
    echo "check-vm: $1" >&2
    [ "${SBX_MUST_RUN-}" = 1 ] && exit 1
    exit 77
}

kernel_package() {
    case $1 in
    6.1) echo linux-image-cloud-amd64 ;;
    6.12) echo linux-image-6.12-cloud-amd64 ;;
    *) echo "$1" ;;
    esac
}

for tool in qemu-system-x86_64 mmdebstrap mke2fs busybox; do
    command -v $tool > /dev/null ||
        skip "$tool is missing (packages qemu-system-x86, mmdebstrap, e2fsprogs, busybox-static)"
done

w=$(mktemp -d "${TMPDIR:-/tmp}/sbxcheck.XXXXXX") || exit 1
trap 'rm -rf "$w"' EXIT
trap 'exit 143' INT TERM HUP

# What the guest gets: the installed tree, laid over its root, and the sources' tests beside the
# helper programs that the build made for them, in the build tree's places.
make -s -C "$build" install DESTDIR="$w/root" > "$w/install.log" 2>&1 || {
    cat "$w/install.log" >&2
    exit 1
}
mkdir -p "$w/src"
cp -a "$src/tests" "$w/src/tests"
(cd "$build" && find ./tests -name .libs -prune -o -type f -perm -u+x -print0 2> /dev/null |
    tar --null -T - -cf -) | tar -C "$w/src" -xf -
printf '%s\n' "$@" > "$w/src/bats-files"
printf '%s\n' "$filter" > "$w/src/bats-filter"

result=0
for kernel in "${kernels[@]}"; do
    img=$(vm_cache)/$kernel
    "$here/build-image.sh" "$img" "$(kernel_package "$kernel")" ||
        skip "no image for kernel $kernel can be built here"
    "$here/make-snapshot.sh" "$img" || echo "check-vm: no snapshot; booting each time" >&2
    for mode in "${modes[@]}"; do
        echo "# kernel $kernel, session: $mode"
        "$here/run-vm.sh" -t "$limit" -m "$mode" -s "$w/root:root" -s "$w/src:src" "$img" -- \
            "SBX_VM_MODE=$mode bash src/tests/vm/guest-suite"
        rc=$?
        echo "# kernel $kernel, session $mode: status $rc"
        [ $result -ne 0 ] || result=$rc
    done
done
exit $result
