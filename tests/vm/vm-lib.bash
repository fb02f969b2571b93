# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the scripts of this folder share: the machine that qemu emulates, the kernel's words, the
# disks, and the key that tells whether a snapshot still fits.
#
# qemu's TCG, not KVM: the suite has to run where there is no nested virtualization, and a
# snapshot has to mean the same machine everywhere.

# Where images are kept: outside the source tree, because they outlive it.
vm_cache() {
    echo "${SBX_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sbx-vm}"
}

# panic=-1 together with -no-reboot: a guest that panics ends at once.
# tsc=reliable: the virtual CPUs read the host's TSC, but the kernel's test of that fails under TCG
# and would leave the slow HPET as the clock.
# norandmaps: TCG translates code anew for each address that it appears at, which with random ones is most
# of what a new process costs; it halves the time of a suite.
# clearcpuid=112 is X86_FEATURE_REP_GOOD: TCG goes through `rep stos` and `rep movs` one step at a time, and the
# kernel's loops without them are several times faster; -cpu takes erms and fsrm away for the same reason.
# unknown_nmi_panic, panic_print=64: what run-vm.sh sends to a guest that stands still shows where each processor is.
# tsc_early_khz: the virtual CPUs read the host's TSC, and its rate is what the host's bogomips say. Measured against
# an emulated timer on a busy machine it was seen to be a fifth of that, and the guest's clock five times too fast.
# init_on_alloc=0: no clearing of what is overwritten anyway.
# rcu_expedited, cryptomgr.notests and mitigations=off save about a second of the boot.
vm_kargs="console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off nowatchdog audit=0 tsc=reliable \
no_timer_check cryptomgr.notests random.trust_cpu=on rcupdate.rcu_expedited=1 norandmaps \
clearcpuid=112 init_on_alloc=0 systemd.show_status=0 \
unknown_nmi_panic panic_print=64"
[ "$(uname -m)" != x86_64 ] ||
    vm_kargs+=$(awk '/^bogomips/ { printf " tsc_early_khz=%d", $3 * 500; exit }' /proc/cpuinfo)

vm_mem=1024
vm_cpus=2
# What costs an emulated processor most is left out of it: vectors wider than SSE's, which libc prefers and TCG has
# functions for; saving them at each switch; a fifth level of page tables; checks of each access of the kernel's.
vm_cpu=max,-avx,-avx2,-f16c,-xsave,-xsaveopt,-la57,-pku,-pks,-smap,-smep,-erms,-fsrm
vm_machine=(-machine "q35,smm=off,vmport=off,sata=off,usb=off,smbus=off,graphics=off"
    -accel "tcg,thread=multi,tb-size=256" -cpu "$vm_cpu"
    -nodefaults -no-user-config -display none -no-reboot)

# vm_serials DIR: sets vm_serial, three serial ports into files: the console, the command's
# output, its status
vm_serials() {
    local i=0 name
    vm_serial=()
    for name in console out status; do
        : > "$1/$name"
        vm_serial+=(-chardev "file,id=c$i,path=$1/$name" -serial "chardev:c$i")
        i=$((i + 1))
    done
}

# vm_disk IMAGE [SNAPSHOT]: the words for a virtio disk
vm_disk() {
    printf 'if=virtio,format=raw,cache=unsafe,file=%s%s' "$1" "${2:+,snapshot=on}"
}

# vm_make_data FILE TREE: the disk that carries files in and out, owned by the guest's user. It is
# always of one size, because a snapshot's disks must not change theirs.
vm_make_data() {
    truncate -s 1G "$1" && mke2fs -q -F -t ext4 -O "^has_journal,^metadata_csum,^resize_inode" \
        -E lazy_itable_init=1,root_owner=1000:1000 -m 0 -N 32768 -d "$2" "$1" > /dev/null
}

# vm_snapshot_key IMGDIR: a snapshot is good for one image, one qemu and one kind of CPU, whose
# clock rate the guest has measured
vm_snapshot_key() {
    {
        cat "$1/stamp"
        qemu-system-x86_64 --version
        grep -m1 '^model name' /proc/cpuinfo
        grep -m1 '^bogomips' /proc/cpuinfo
        echo "$vm_kargs" "${vm_machine[@]}" "$vm_mem" "$vm_cpus"
    } | sha256sum | cut -c1-32
}
