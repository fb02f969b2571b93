#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# check-vm.sh [-s] [-k KERNEL]... [-m MODE]... [-f FILTER] [-t SECONDS] [-j N] [-r RESULTS]
#             BUILDDIR SRCDIR [BATS-FILE]...
# check-vm.sh -i [-k KERNEL]...
#
# Installs BUILDDIR's programs into a guest and runs the bats suite there as an ordinary user: for
# each kernel (6.1, 6.12) from a login session and from below the user's manager, N guests (2) at a
# time. BATS-FILEs, relative to SRCDIR, limit it to those; FILTER is a regular expression for titles.
#   -s  a share, for each change: the cases of tests/vm/cases on all four; tests/scope, what is about
#       mounts (tests/integration/fs.bats, ns.bats) and tests/net/net.bats on two, 6.1 from a login session and
#       6.12 from below the manager, every other file on one of these, in turn; of a file with cases that are
#       tagged share only those; a sixth of what is tried thousands of times; without what asks nothing of a
#       kernel (parsing, documents, programs), and of tests/net what takes many connections or large programs
#   -i  makes the images only, as any other run does where they are missing
#   -t  the time limit of a guest
#   -r  leaves .log and .trs files in RESULTS, for tools/tap-sum, in place of printing their sum
# Without BATS-FILEs the last kernel is started once more with SELinux, for tests/vm/labels.
# Left out is what tests the trees and not the program: tests/tools, tests/doc/install.bats (which runs
# make in the build tree), the harnesses of the tiers themselves.
# Status 0: all green; 77: this machine has no qemu or can't build the image (the reason is
# printed); else 1. SBX_MUST_RUN=1 turns 77 into 1.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/vm/vm-lib.bash
. "$here/vm-lib.bash"

kernels=() modes=() filter='' limit=7200 share='' jobs=2 results='' images=''
while getopts sik:m:f:t:j:r: opt; do
    case $opt in
    i) images=1 ;;
    s) share=1 ;;
    k) kernels+=("$OPTARG") ;;
    m) modes+=("$OPTARG") ;;
    f) filter=$OPTARG ;;
    t) limit=$OPTARG ;;
    j) jobs=$OPTARG ;;
    r) results=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ -z "$images" ]; then
    build=$(cd "${1:?BUILDDIR}" && pwd) || exit 2
    src=$(cd "${2:?SRCDIR}" && pwd) || exit 2
    shift 2
fi
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

for tool in qemu-system-x86_64 mmdebstrap mke2fs busybox checkpolicy; do
    command -v $tool > /dev/null ||
        skip "$tool is missing (packages qemu-system-x86, mmdebstrap, e2fsprogs, busybox-static, checkpolicy)"
done

make_guest() { # KERNEL
    local img
    img=$(vm_cache)/$1
    "$here/build-image.sh" "$img" "$(kernel_package "$1")" || return
    "$here/make-snapshot.sh" "$img" || echo "check-vm: no snapshot; booting each time" >&2
}

make_images() {
    local kernel i makers=()

    for kernel in "${kernels[@]}"; do
        make_guest "$kernel" &
        makers+=($!)
    done
    for i in "${!kernels[@]}"; do
        wait "${makers[i]}" || skip "no image for kernel ${kernels[i]} can be built here"
    done
}

if [ -n "$images" ]; then
    # shellcheck disable=SC2046 # a list of pids
    trap 'kill $(jobs -p) 2> /dev/null; exit 143' INT TERM HUP
    make_images
    exit
fi

w=$(mktemp -d "${TMPDIR:-/tmp}/sbxcheck.XXXXXX") || exit 1
# shellcheck disable=SC2046 # a list of pids
trap 'kill $(jobs -p) 2> /dev/null; wait; rm -rf "$w"' EXIT
trap 'exit 143' INT TERM HUP
sum=''
[ -n "$results" ] || { results=$w/results sum=1; }
mkdir -p "$results"

# What the guest gets: the installed tree, laid over its root; the sources; the programs that the
# build made, in the build tree's places.
make -s -C "$build" install DESTDIR="$w/root" > "$w/install.log" 2>&1 || {
    cat "$w/install.log" >&2
    exit 1
}
make -s -C "$build" check TESTS= > "$w/install.log" 2>&1 || {
    cat "$w/install.log" >&2
    exit 1
}
mkdir "$w/tree" "$w/build"
(cd "$src" && tar -c --exclude=.git --exclude='*.o' --exclude='*.a' --exclude='./build*/' --exclude=.deps \
    --exclude=./autom4te.cache .) | tar -x -C "$w/tree"
(cd "$build" && { find ./tests -name .libs -prune -o -type f -perm -u+x -print; ls -d ./sbx ./sbx-*; } |
    tar -c -T -) | tar -x -C "$w/build"

find_cases() {
    (cd "$src" && find tests/vm/cases -name '*.bats' | sort)
}

find_scope() {
    (cd "$src" && find tests/scope -name '*.bats' | sort)
}

find_others() {
    (cd "$src" && find tests -name '*.bats' ! -path 'tests/vm/*' ! -path 'tests/systemd/*' \
        ! -path 'tests/scope/*' ! -path 'tests/tools/*' \
        ! -path tests/doc/install.bats | sort)
}

unshared='^tests/\(attacks\|doc\|compat/parse\|net\|seccomp/programs\)'
# by themselves: in turn with the others, the attacks would be where there is most to do already, and what is
# locked in a mount of another user namespace's differs from kernel to kernel
attacks=tests/attacks/attacks.bats
on_both=(tests/integration/fs.bats tests/integration/ns.bats tests/net/net.bats)

find_shared() {
    find_others | grep -v "$unshared" | grep -Fvx "$(printf '%s\n' "${on_both[@]}")"
}

list_files() { # KERNEL MODE FILE...: these, or what there is
    if [ $# -gt 2 ]; then
        printf '%s\n' "${@:3}"
        return
    fi
    case $share.$1.$2 in
    1.6.1.login)
        echo tests/net/rules.bats
        find_shared | sed -n 'p;n'
        printf '%s\n' "${on_both[@]}"
        find_scope
        ;;
    1.6.12.manager)
        printf '%s\n' "$attacks" tests/net/tcp.bats
        find_shared | sed -n 'n;p'
        printf '%s\n' "${on_both[@]}"
        find_scope
        ;;
    1.*) ;;
    *)
        find_others
        find_scope
        ;;
    esac
    find_cases
}

# Turns what the guest's files said into results, as if they had run here.
take_results() { # NAME OUTDIR
    local file tap name

    while read -r file; do
        tap=$2/${file//\//_}.tap
        name=$1/${file%.bats}
        mkdir -p "$results/$(dirname "$name")"
        # shellcheck disable=SC2016 # for the inner shell
        "$src/tools/tap-driver" --test-name "$name" --log-file "$results/$name.log" \
            --trs-file "$results/$name.trs" -- sh -c '
                [ -e "$1" ] || { echo "the guest said nothing of this file"; exit 1; }
                sed "\$d" "$1"
                exit "$(sed -n "\$s/^# exit status //p" "$1")"' - "$tap"
    done < "$w/$1.files"
}

run_guest() { # KERNEL MODE FILE...
    local name=$1-$2 kernel=$1 mode=$2

    list_files "$@" > "$w/$name.files"
    mkdir "$w/$name.run" "$w/$name.out"
    cp "$w/$name.files" "$w/$name.run/files"
    printf '%s\n' "$filter" > "$w/$name.run/filter"
    [ -z "$share" ] || echo 6 > "$w/$name.run/share"
    # one after another, as many as are asked for, once on each kernel
    case $share.$kernel.$mode in
    1.6.1.manager | 1.6.12.login) echo 40 > "$w/$name.run/scopes" ;;
    esac
    if boot_guest "$kernel" "$mode"; [ $? -eq 126 ]; then
        # A machine that stood still says nothing of the file that it was at, and the others were not asked.
        drop_finished "$w/$name.run/files" "$w/$name.out"
        echo "$name: the guest stood still; starting another for $(wc -l < "$w/$name.run/files") files"
        boot_guest "$kernel" "$mode"
    fi
    take_results "$name" "$w/$name.out"
}

boot_guest() { # KERNEL MODE
    local name=$1-$2

    "$here/run-vm.sh" -t "$limit" -m "$2" -s "$w/root:root" -s "$w/tree:tree" -s "$w/build:build" \
        -s "$w/$name.run:suite" -o "$w/$name.out" "$(vm_cache)/$1" -- \
        "SBX_VM_MODE=$2 bash tree/tests/vm/guest-suite" 2>&1 | sed -u "s|^|$name: |"
    return "${PIPESTATUS[0]}"
}

drop_finished() { # LIST OUTDIR
    local file

    while read -r file; do
        grep -qs '^# exit status ' "$2/${file//\//_}.tap" || echo "$file"
    done < "$1" > "$1.left"
    mv "$1.left" "$1"
}

make_images

run_labels() { # KERNEL
    mkdir -p "$results/labels"
    "$src/tools/tap-driver" --test-name "labels-$1" --log-file "$results/labels/$1.log" \
        --trs-file "$results/labels/$1.trs" -- "$here/check-labels.sh" "$build" "$(vm_cache)/$1"
}

[ $# -gt 0 ] || run_labels "${kernels[-1]}" &
# Whoever has most to do comes first, so that nobody is the last one for long.
mapfile -t guests < <(
    for mode in "${modes[@]}"; do
        for kernel in "${kernels[@]}"; do
            echo "$(list_files "$kernel" "$mode" "$@" | wc -l) $kernel $mode"
        done
    done | sort -s -rn -k1,1
)
for guest in "${guests[@]}"; do
    read -r _ kernel mode <<< "$guest"
    while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do
        wait -n
    done
    run_guest "$kernel" "$mode" "$@" &
done
wait
[ -z "$sum" ] || { "$src/tools/tap-sum" "$results"; exit; }
"$src/tools/tap-sum" --quiet "$results"
