#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Overlays. Debian 12's bwrap has none: without a newer reference these are held to the behaviour
# of 0.11.1 alone.

load ../lib/common
load ../lib/compare

setup() {
    common_setup
    PERSONALITY=bwrap
    DIRTY=1
    unshare -Urm sh -c 'mkdir "$1/o" && cd "$1/o" && mkdir l u w m &&
        mount -t overlay o -o userxattr,lowerdir=l,upperdir=u,workdir=w m' sh "$T" 2>/dev/null ||
        skip_cannot "overlayfs does not work in a user namespace on the file system of $T"
}

# Two layers that differ, and what a writable overlay needs.
populate() {
    mkdir low high upper work
    echo low >low/both
    echo low >low/only-low
    mkdir low/dir
    echo high >high/both
    echo high >high/only-high
}

overlay() {
    compare_sandbox_since 0.11.0 "$@"
}

# The work directory of an overlay is the kernel's.
forget_work() {
    chmod -R u+rwX work
    rm -rf work
    mkdir work
}

@test "--overlay: the first source is the bottom, writes land in the upper directory" {
    overlay --overlay-src low --overlay-src high --overlay upper work /o sh -c '
        cat /o/both /o/only-low /o/only-high; echo new >/o/new; echo changed >/o/both; rm /o/only-low; cat /o/both'
    ok
    is "$output" $'high\nlow\nhigh\nchanged'
    is "$(<upper/new)" new
    is "$(<upper/both)" changed
    is "$(<low/both)" low
    is "$(<high/both)" high
    is "$(<low/only-low)" low
    is "$(stat -c %F upper/only-low)" 'character special file'
}

@test "--overlay: one source is enough, relative sources are the caller's" {
    overlay --overlay-src ./low --overlay "$W/upper" ./work /a/b/o sh -c 'cat /a/b/o/both; : >/a/b/o/dir/x'
    ok
    is "$output" low
    [[ -e upper/dir/x ]]
}

@test "--tmp-overlay: writable, and nothing stays" {
    overlay --overlay-src low --tmp-overlay /o --overlay-src high --tmp-overlay /p sh -c '
        echo one >/o/both; echo two >/p/both; cat /o/both /p/both; ls /o /p'
    ok
    is "$output" $'one\ntwo\n/o:\nboth\ndir\nonly-low\n\n/p:\nboth\nonly-high'
    is "$(<low/both)" low
    is "$(<high/both)" high
}

@test "--ro-overlay: two sources, no writing" {
    overlay --overlay-src low --overlay-src high --ro-overlay /o sh -c '
        cat /o/both /o/only-low; (: >/o/new) 2>&- || echo refused'
    ok
    is "$output" $'high\nlow\nrefused'
}

@test "overlays take part in the order, and their sources are read beforehand" {
    overlay --overlay-src low --tmp-overlay /o --tmpfs /o/dir --symlink x /o/dir/link --overlay-src high \
        --tmp-overlay /o/dir/sub sh -c 'readlink /o/dir/link; cat /o/dir/sub/both'
    ok
    is "$output" $'x\nhigh'
    overlay --overlay-src none --tmp-overlay /o echo ran
    fails 1 "bwrap: Can't find source path none: No such file or directory"
    overlay --overlay-src low --overlay none work /o echo ran
    fails 1 "bwrap: Can't find source path none: No such file or directory"
    overlay --overlay-src low --overlay upper none /o echo ran
    fails 1 "bwrap: Can't find source path none: No such file or directory"
    is "$output" ''
}

@test "names that mean something in mount options" {
    local name

    for name in 'a,b' 'c:d' 'e\f' 'g h' 'i=j' '\,:' $'k\nl'; do
        populate() {
            mkdir "$name" "$name.up" "$name.work"
            echo "in $name" >"$name/file"
        }
        overlay --overlay-src "$name" --overlay "$name.up" "$name.work" "/o$name" sh -c 'cat "$1/file"; : >"$1/new"' sh "/o$name"
        ok
        is "$output" "in $name"
        [[ -e $name.up/new ]]
    done
}

@test "overlapping directories" {
    overlay --overlay-src low --overlay low work /o true
    if ((status != 0)); then
        fails 1 'Overlay directories may not overlap'
    fi
    overlay --overlay-src low --overlay upper upper /o echo ran
    is "$status" 1
    like "$stderr" "^bwrap: Can't make overlay mount on "
    is "$output" ''
}

@test "the root can be an overlay" {
    overlay --overlay-src / --tmp-overlay / sh -c ': >/made-inside && ls -d /made-inside /usr'
    if ((status != 0)); then
        # the host's root may hold what overlayfs does not take
        skip_cannot "the root of this machine cannot be a lower layer: $stderr"
    fi
    is "$output" $'/made-inside\n/usr'
    [[ ! -e /made-inside ]]
}

@test "overlays are nosuid and nodev" {
    alone "${ROOT[@]}" --proc /proc --overlay-src low --tmp-overlay /o --overlay-src low --overlay upper work /p \
        --overlay-src low --overlay-src high --ro-overlay /q \
        sh -c 'while read -r _ _ _ _ at opts _; do case $at in /[opq]) echo "$at $opts";; esac; done </proc/self/mountinfo'
    ok
    unlike "$(grep -v 'nosuid,nodev' <<<"$output")" '/[opq]'
    like "$output" '/q ro,nosuid,nodev'
}

@test "many layers" {
    populate() {
        local i

        mkdir l{1..40}
        for ((i = 1; i <= 40; i++)); do echo "$i" >"l$i/all"; echo "$i" >"l$i/only$i"; done
    }
    local layers=() i

    for ((i = 1; i <= 40; i++)); do layers+=(--overlay-src "l$i"); done
    overlay "${layers[@]}" --ro-overlay /o sh -c 'cat /o/all; ls /o | wc -l'
    ok
    is "$output" $'40\n41'
}
