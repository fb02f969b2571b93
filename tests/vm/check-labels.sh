#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-labels.sh BUILDDIR IMAGE
#
# Starts the kernel of an image (build-image.sh) with SELinux, a policy of two domains and nothing but
# busybox and sbx, and has tests/vm/labels/cases tried there. Prints their TAP.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?BUILDDIR}" && pwd)
kernel=${2:?IMAGE}/vmlinuz
# shellcheck source=tests/vm/vm-lib.bash
. "$here/vm-lib.bash"

for tool in checkpolicy busybox qemu-system-x86_64; do
    command -v $tool >/dev/null || {
        echo "1..0 # SKIP $tool is missing"
        exit 77
    }
done

w=$(mktemp -d "${TMPDIR:-/tmp}/sbxlabels.XXXXXX")
trap 'rm -rf "$w"' EXIT
mkdir -p "$w/root/bin" "$w/root/proc" "$w/root/sys"

# bring FILE NAME: a program, and the libraries that it is linked with.
bring() {
    local library

    cp -L "$1" "$w/root/bin/$2"
    # none, when it is linked statically
    ldd "$1" 2>/dev/null | grep -o '/[^ ]*' >"$w/libraries" || true
    while read -r library; do
        mkdir -p "$w/root$(dirname "$library")"
        cp -L "$library" "$w/root$library"
    done <"$w/libraries"
}

bring "$(command -v busybox)" busybox
bring "$build/sbx" sbx
bring "$build/tests/vm/labels/show-label" show-label
ln -s sbx "$w/root/bin/bwrap"
install -m 0755 "$here/labels/init" "$here/labels/cases" "$w/root"
checkpolicy -U allow -c 31 -o "$w/root/policy" "$here/labels/policy.conf" >"$w/log" || {
    cat "$w/log"
    exit 1
}
(cd "$w/root" && find . | busybox cpio -o -H newc 2>/dev/null) | gzip >"$w/initrd"

timeout -k 2 180 qemu-system-x86_64 "${vm_machine[@]}" -m 512 -smp 1 -serial stdio \
    -kernel "$kernel" -initrd "$w/initrd" \
    -append "$vm_kargs security=selinux selinux=1" </dev/null 2>&1 | tr -d '\000\r' >"$w/log" || true
sed -n '/^--- labels begin/,/^--- labels end/{/^---/d;p}' "$w/log"
grep -q '^--- labels end' "$w/log" || {
    echo 'Bail out! the guest did not come to the end'
    sed 's/^/# /' "$w/log"
    exit 1
}
