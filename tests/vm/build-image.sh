#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# build-image.sh OUTDIR [KERNEL-PACKAGE]
#
# Makes in OUTDIR a Debian guest that boots to a systemd user session for uid 1000 and runs what
# run-vm.sh hands it: rootfs.ext4, vmlinuz, initrd (for snapshots only), kernel-config, packages.
# Does nothing when OUTDIR/stamp says that the same inputs made what is there.
#
# Packages come from the machine's own sources (SOURCES overrides: a sources.list or deb822 file),
# the release is the machine's own (SUITE overrides), so that programs built here run there.
# Needs root, mmdebstrap, e2fsprogs, busybox-static, xz-utils.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build-image.sh OUTDIR [KERNEL-PACKAGE]}
kernel=${2:-linux-image-cloud-amd64}
# shellcheck source=/dev/null
suite=${SUITE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
size=${SIZE:-900M}

find_sources() {
    local f
    for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        [ -s "$f" ] && echo "$f" && return
    done
    echo "build-image: no package sources found; set SOURCES" >&2
    return 1
}

sources=${SOURCES:-$(find_sources)}
packages=$(sed '/^#/d;/^$/d' "$here/packages" | paste -sd, -)

# Everything the image follows from. The candidates' versions are in it so that an update of the
# archive reaches the image.
make_stamp() {
    cat "$0" "$here/vm-lib.bash" "$here"/guest/* "$sources"
    echo "$suite" "$size" "$kernel" "$packages"
    apt-cache policy "$kernel" systemd bubblewrap 2> /dev/null | grep Candidate || true
}

need() {
    command -v "$1" > /dev/null || { echo "build-image: $1 is missing (package $2)" >&2; exit 1; }
}

mkdir -p "$out"
out=$(cd "$out" && pwd)
stamp=$(make_stamp | sha256sum | cut -c1-32)
if [ -e "$out/rootfs.ext4" ] && [ "$(cat "$out/stamp" 2> /dev/null)" = "$stamp" ]; then
    exit 0
fi
[ "$(id -u)" = 0 ] || { echo "build-image: needs root (mmdebstrap, chroot)" >&2; exit 1; }
need mmdebstrap mmdebstrap
need mke2fs e2fsprogs
need busybox busybox-static
need xz xz-utils
echo "build-image: making $out ($suite, $kernel)" >&2
rm -rf "$out/stamp" "$out/snap"

# The kernel's package is unpacked, not installed: no initramfs-tools, no hooks.
unpack_kernel() { # ROOT DEST
    local real
    real=$(chroot "$1" apt-cache depends "$kernel" |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n1)
    chroot "$1" sh -c "cd /tmp && apt-get -qq download ${real:-$kernel}" 2> /dev/null
    dpkg-deb -x "$1"/tmp/*.deb "$2"
    rm "$1"/tmp/*.deb
}

copy_modules() { # MODULES-OF-KERNEL DEST
    local wanted m
    wanted=$(cd "$1" && for m in fs/{fuse,overlayfs,squashfs,autofs} lib net/{bridge,802,llc} \
        net/{packet,netfilter,vmw_vsock} net/{ipv4,ipv6}/netfilter net/core/failover.ko kernel/configs.ko drivers/virtio \
        drivers/block/{virtio_blk,loop}.ko drivers/char/virtio_console.ko \
        drivers/net/{tun,veth,dummy,virtio_net,net_failover}.ko; do
        ls -d "kernel/$m" "kernel/$m.xz" "kernel/$m.zst" 2> /dev/null || true
    done)
    # shellcheck disable=SC2086 # a list of words without blanks
    (cd "$1" && cp -a --parents $wanted modules.builtin modules.builtin.modinfo modules.order "$2")
}

# The cloud kernels have NVMe and ext4 built in, which is all a plain boot needs; qemu can't save a
# machine with an NVMe disk, though, so the one to be snapshotted boots from virtio with this.
make_initrd() { # MODULES-OF-KERNEL WORKDIR
    local m
    mkdir -p "$2/bin" "$2/m" "$2/dev" "$2/r"
    cp "$(command -v busybox)" "$2/bin/busybox"
    for m in drivers/virtio/virtio{,_ring,_pci,_pci_modern_dev,_pci_legacy_dev} \
        drivers/block/virtio_blk; do
        m=$1/kernel/$m.ko
        if [ -e "$m" ]; then
            cp "$m" "$2/m/"
        elif [ -e "$m.xz" ]; then
            xz -dc "$m.xz" > "$2/m/$(basename "$m")"
        fi
    done
    install -m755 "$here/guest/initramfs-init" "$2/init"
    (cd "$2" && find . | busybox cpio -o -H newc 2> /dev/null) > "$out/initrd"
}

make_tree() { # WORKDIR
    local w=$1 root=$1/root version
    mmdebstrap --quiet --mode=root --variant=apt --include="$packages" \
        --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
        --skip=cleanup/apt/lists "$suite" "$root" "$sources"
    mkdir "$w/k"
    unpack_kernel "$root" "$w/k"
    cp "$w"/k/boot/vmlinuz-* "$out/vmlinuz"
    cp "$w"/k/boot/config-* "$out/kernel-config"
    version=$(ls "$w/k/lib/modules")
    mkdir -p "$root/usr/lib/modules/$version"
    copy_modules "$w/k/lib/modules/$version" "$root/usr/lib/modules/$version/"
    chroot "$root" depmod "$version"
    make_initrd "$w/k/lib/modules/$version" "$w/i"
    rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin \
        "$root"/usr/share/{doc,man,locale,i18n}
    sh "$here/guest/configure" "$root" "$here/guest"
    mke2fs -q -F -t ext4 -O "^has_journal,^metadata_csum" -E lazy_itable_init=1,root_owner=0:0 \
        -m 0 -N 48000 -d "$root" -L sbxroot "$w/rootfs.ext4" "$size"
    cp --sparse=always "$w/rootfs.ext4" "$out/rootfs.ext4"
    dpkg-query --admindir="$root/var/lib/dpkg" -W > "$out/packages"
}

# In a mount namespace of its own, on a tmpfs of its own: nothing of this reaches the machine's
# mounts, and dpkg is about twice as fast as on a disk.
build() {
    local w
    w=$(mktemp -d)
    # shellcheck disable=SC2064 # the value of now
    trap "cd /; umount -l '$w'; rmdir '$w'" EXIT
    mount -t tmpfs -o mode=0755,size=3G tmpfs "$w"
    export TMPDIR=$w
    make_tree "$w"
}

export here out kernel suite size sources packages
export -f build make_tree make_initrd copy_modules unpack_kernel
unshare --mount --propagation private bash -euo pipefail -c build
printf %s "$stamp" > "$out/stamp"
