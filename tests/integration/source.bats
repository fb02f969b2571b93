#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Sources are the host's, whatever links lead to them: ".." up to the host's root, in particular.

up=../../../../../../../../../../../../..

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir lower upper work
    echo host >lower/file
    ln -s "$up$PWD/lower" link
}

@test "a bind follows links that lead through the host's root" {
    run "$SBX" --ro-bind /usr /usr --ro-bind link /dir --ro-bind "$up$PWD/lower/file" /file cat /dir/file /file
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" = $'host\nhost' ]
}

@test "so does one that is opened late, for want of descriptors" {
    ulimit -n 66
    run "$SBX" --ro-bind /usr /usr --ro-bind link /a --ro-bind link /b --ro-bind link /c cat /a/file /b/file /c/file
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" = $'host\nhost\nhost' ]
}

@test "so do the layers of an overlay" {
    ln -s "$up$PWD/upper" link-upper
    ln -s "$up$PWD/work" link-work
    run "$SBX" --ro-bind /usr /usr --overlay-src link --overlay link-upper link-work /dir \
        sh -c 'cat /dir/file && echo new >/dir/new'
    echo "$output"
    [[ $output != *'mount overlay'* ]] || skip "cannot run here: $output"
    [ "$status" -eq 0 ]
    [ "$output" = host ]
    [ "$(cat upper/new)" = new ]
}
