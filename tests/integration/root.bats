#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The few cases that need root: what sbx does when it is run by root, and what it refuses because
# only root can arrange it. Mounts are made in namespaces of the tests' own.

# bats file_tags=root

load ../lib/common

ROOT_CASES=1

# bats' own directories are closed to others.
setup() {
    need_root
    BATS_TEST_TMPDIR=$(mktemp -d /tmp/sbx-root-test.XXXXXX)
    common_setup
    chmod 755 "$T" "$W"
}

teardown() {
    common_teardown
    [[ $BATS_TEST_TMPDIR != /tmp/sbx-root-test.* ]] || rm -rf --one-file-system "$BATS_TEST_TMPDIR"
}

# An ordinary user without any account.
user=(setpriv --reuid 4711 --regid 4711 --clear-groups)

# A copy of sbx that can be given odd modes, where others may execute it.
copy_sbx() {
    mkdir -p "$T/copy"
    chmod 755 "$T/copy"
    cp "$SBX" "$T/copy/sbx"
    ln -sf sbx "$T/copy/bwrap"
}

@test "run by root natively, there is a user namespace all the same" {
    sb --proc /proc sh -c 'id -u; tr -s " " </proc/self/uid_map; sed -n "s/^CapEff:.*\(....\)$/\1/p" /proc/self/status'
    ok
    is "$output" $'0\n 0 0 1\n0000'
    capture "$SBX" --ro-bind /usr /usr --unshare-all sh -c 'id -u; mount -t tmpfs t /tmp 2>&1 || echo denied'
    has "$output" denied
    # what only root of the host may do stays so
    sb --cap-add ALL --dev-bind /dev /dev --bind / /h sh -c 'mknod /h/tmp/sbx-root-test b 7 0 2>&- || echo denied; mount -o remount,ro /h 2>&- || echo denied' || true
    [[ ! -e /tmp/sbx-root-test ]]
    hasnt "$(grep ' / / ' /proc/self/mountinfo)" ' ro,'
}

@test "run by root as bwrap, there is none unless asked for, and the capabilities stay" {
    PERSONALITY=bwrap
    local host

    host=$(readlink /proc/self/ns/user)
    sb --proc /proc sh -c '[ "$(readlink /proc/self/ns/user)" = "$1" ] && echo same; grep ^CapEff /proc/self/status | cut -f2' sh "$host"
    ok
    is "$output" $'same\n'"$(sed -n 's/^CapEff:.//p' /proc/self/status)"
    sb --unshare-user --proc /proc sh -c '[ "$(readlink /proc/self/ns/user)" = "$1" ] || echo new' sh "$host"
    is "$output" new
    # as rpm-ostree does it
    sb --cap-drop ALL --cap-add cap_chown --cap-add CAP_FOWNER --proc /proc sh -c 'grep -E "^Cap(Eff|Prm|Inh|Amb)" /proc/self/status | cut -f2 | sort -u'
    is "$output" 0000000000000009
    # what root may inherit becomes ambient
    capture setpriv --inh-caps=+chown,+kill "$BWRAP" "${ROOT[@]}" --proc /proc sed -n 's/^CapAmb:.//p' /proc/self/status
    ok
    is "$output" 0000000000000021
    sb --uid 5 echo ran
    refused --unshare-user
}

@test "run by root as bwrap, a user namespace that was asked for is owned" {
    PERSONALITY=bwrap
    local mine

    # what the caller has and no more, and only root inside has it
    mine=$(sed -n 's/^CapEff:.//p' /proc/self/status)
    sb --unshare-user --proc /proc sh -c 'sed -n "s/^Cap\(Eff\|Prm\|Bnd\):.//p" /proc/self/status | sort -u'
    ok
    is "$output" "$mine"
    sb --unshare-user --tmpfs /t sh -c 'mount -t tmpfs x /t && echo mounted'
    is "$output" mounted
    capture setpriv --bounding-set=-all,+chown,+sys_admin,+setuid,+setfcap "$BWRAP" "${ROOT[@]}" --unshare-user --proc /proc \
        sh -c 'sed -n "s/^Cap\(Eff\|Prm\|Bnd\):.//p" /proc/self/status | sort -u'
    ok
    is "$output" 0000000080200081
    sb --unshare-user --uid 5 --proc /proc sh -c 'id -u; sed -n "s/^CapEff:.//p" /proc/self/status'
    ok
    is "$output" $'5\n0000000000000000'
    # pid 1 soon has none; without a user namespace neither
    for change in "" --unshare-user; do
        # shellcheck disable=SC2086
        sb $change --unshare-pid --proc /proc sh -c 'until grep -q "^CapPrm:.0*$" /proc/1/status; do sleep 0.02; done
            echo none'
        is "$output" none
    done
    for change in "--cap-drop ALL" "--cap-drop ALL --cap-add cap_chown"; do
        # shellcheck disable=SC2086
        sb --unshare-user $change --proc /proc sh -c 'sed -n "s/^Cap\(Eff\|Prm\|Bnd\):.//p" /proc/self/status | sort -u'
        ok
        is "$output" "000000000000000$([[ $change == *add* ]] && echo 1 || echo 0)"
    done
    # natively root is a name
    PERSONALITY=native
    sb --unshare-user --proc /proc sh -c 'sed -n "s/^Cap\(Eff\|Prm\|Bnd\):.//p" /proc/self/status | sort -u'
    is "$output" 0000000000000000
}

@test "run by root as bwrap: the parts of /proc that could be written are covered" {
    PERSONALITY=bwrap
    sb --unshare-pid --proc /proc sh -c 'for f in sysrq-trigger irq/default_smp_affinity; do
        if [ -e /proc/$f ] && (: >>/proc/$f) 2>&-; then echo "open $f"; fi; done; echo done'
    is "$output" "done"
}

@test "run by root: mounts in the sandbox do not get out" {
    # they would come back to where mounts are shared; nobody else has any there
    local in_shared='mount --make-rshared / && cut -d" " -f5- /proc/self/mountinfo >"$0.before" || exit 99
        "$@" || exit; cut -d" " -f5- /proc/self/mountinfo | diff "$0.before" -'

    for PERSONALITY in native bwrap; do
        personality_words
        capture unshare -m --propagation private sh -c "$in_shared" "$T/mounts" "${WORDS[@]}" "${ROOT[@]}" --cap-add ALL \
            --seccomp-profile none --tmpfs /t --bind / /h sh -c 'mount -t tmpfs x /h/mnt && mount -t tmpfs y /t && echo mounted'
        is "$status" 0
        is "$output" mounted
    done
}

@test "a setuid or setgid sbx refuses to run" {
    copy_sbx
    local name

    for name in sbx bwrap; do
        chmod 4755 "$T/copy/sbx"
        capture "${user[@]}" "$T/copy/$name" "${ROOT[@]}" echo ran
        is "$status" "$([[ $name == sbx ]] && echo 125 || echo 1)"
        is "$output" ''
        like "$stderr" "^$name: "
        like "$stderr" 'setuid'
        chmod 2755 "$T/copy/sbx"
        chgrp 1 "$T/copy/sbx"
        chmod 2755 "$T/copy/sbx"
        capture "${user[@]}" "$T/copy/$name" "${ROOT[@]}" echo ran
        isnt "$status" 0
        is "$output" ''
    done
}

@test "an sbx with file capabilities refuses to run" {
    need_program setcap
    copy_sbx
    setcap cap_sys_admin+ep "$T/copy/sbx" || skip_cannot "the file system of $T keeps no file capabilities"
    capture "${user[@]}" "$T/copy/sbx" "${ROOT[@]}" echo ran
    is "$status" 125
    is "$output" ''
    like "$stderr" 'capabilities'
    capture "${user[@]}" "$T/copy/bwrap" "${ROOT[@]}" echo ran
    is "$status" 1
    is "$stderr" 'bwrap: Unexpected capabilities but not setuid, old file caps config?'
    # permitted is enough, as is one that was inherited
    setcap cap_net_raw+p "$T/copy/sbx"
    capture "${user[@]}" "$T/copy/sbx" "${ROOT[@]}" echo ran
    is "$status" 125
    setcap -r "$T/copy/sbx"
    capture setpriv --reuid 4711 --clear-groups --inh-caps=+net_raw --ambient-caps=+net_raw "$T/copy/sbx" "${ROOT[@]}" echo ran
    is "$status" 125
    is "$output" ''
}

@test "submounts out of the caller's reach do not stop a bind, and stay out of reach" {
    copy_sbx
    for fallback in --not-a-security-boundary --debug-opt=force-mount-setattr-fallback; do
        capture unshare -m sh -c '
            mkdir -p "$1/src/locked" && chmod 755 "$1/src" && mount -t tmpfs t "$1/src/locked" && mkdir "$1/src/locked/sub" &&
            mount -t tmpfs t "$1/src/locked/sub" && echo secret >"$1/src/locked/sub/file" && chmod 0700 "$1/src/locked" || exit 99
            t=$1; shift
            exec setpriv --reuid 4711 --regid 4711 --clear-groups "$@" --ro-bind "$t/src" /src \
                sh -c "ls -d /src/locked; cat /src/locked/sub/file 2>&- || echo denied"' sh "$T" \
            "$T/copy/bwrap" $fallback "${ROOT[@]}"
        ok
        is "$output" $'/src/locked\ndenied' "$fallback"
    done
}

@test "binds keep the restrictions that the host's mounts have" {
    copy_sbx
    local fallback

    for fallback in --not-a-security-boundary --debug-opt=force-mount-setattr-fallback; do
        capture unshare -m sh -c '
            mkdir -p "$1/noexec" && mount -t tmpfs -o noexec,nosuid,nodev,noatime t "$1/noexec" && cp /usr/bin/true "$1/noexec" || exit 99
            t=$1; shift
            exec setpriv --reuid 4711 --regid 4711 --clear-groups "$@" --ro-bind "$t/noexec" /n --proc /proc \
                sh -c "/n/true 2>&- || echo noexec; grep \" /n \" /proc/self/mountinfo"' sh "$T" "$T/copy/sbx" --bare $fallback "${ROOT[@]}"
        ok
        like "$output" '^noexec'
        like "$output" ' /n ro,nosuid,nodev,noexec,noatime '
    done
}

@test "a user whose home is closed to others: its parents need no reading" {
    copy_sbx
    mkdir -p "$T/home/user/dir"
    echo mine >"$T/home/user/dir/file"
    chown -R 4711:4711 "$T/home/user"
    chmod 0711 "$T/home" "$T/home/user"
    capture "${user[@]}" "$T/copy/bwrap" "${ROOT[@]}" --bind "$T/home" /home --ro-bind "$T/home/user/dir" /home/user/dir \
        --tmpfs /home/user/new cat /home/user/dir/file
    ok
    is "$output" mine
}

@test "files of other users stay theirs" {
    copy_sbx
    echo secret >"$T/secret"
    chmod 0600 "$T/secret"
    for PERSONALITY in native bwrap; do
        name=sbx
        [[ $PERSONALITY == native ]] || name=bwrap
        capture "${user[@]}" "$T/copy/$name" "${ROOT[@]}" --uid 0 --cap-add ALL --bind "$T" /t sh -c 'cat /t/secret || echo denied; (: >/t/new) 2>&- || echo denied'
        is "$output" $'denied\ndenied'
    done
}

@test "supplementary groups cannot be dropped to get around a group's denial" {
    copy_sbx
    echo secret >"$T/grouped"
    chgrp 4712 "$T/grouped"
    chmod 0604 "$T/grouped"
    capture setpriv --reuid 4711 --regid 4711 --groups 4712 "$T/copy/sbx" --bare "${ROOT[@]}" --cap-add ALL --ro-bind "$T/grouped" /g \
        sh -c 'cat /g 2>&- || echo denied'
    is "$output" denied
}
