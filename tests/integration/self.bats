#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# sbx with itself: its own tree is built inside a sandbox, and sandboxes are made in sandboxes.

# bats file_tags=slow

load ../lib/common

srcdir=${SBX_SRCDIR:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}

# The profile that leaves the calls for a sandbox within; and a caller that is root inside may map
# its id again only with this capability (user_namespaces(7)), or has to keep the id it came with.
nest=(--seccomp-profile nested --cap-add cap_setfcap)
keep=(--seccomp-profile nested --keep-id)

@test "sbx in sbx, natively" {
    local options

    for options in "${nest[*]}" "${keep[*]}"; do
        # shellcheck disable=SC2086 # several words
        capture "$SBX" $options --ro-bind /usr /usr --ro-bind "$SBX" /opt/sbx --unshare-all \
            /opt/sbx --ro-bind /usr /usr --unshare-all sh -c 'id -u; echo $$; ls / | tr "\n" " "; ps ax | wc -l'
        ok
        like "$output" $'^0\n2\n.*dev etc .*proc .*tmp usr var'
    done
    # without either it is an error that says what to do
    capture "$SBX" --ro-bind /usr /usr --ro-bind "$SBX" /opt/sbx --unshare-all /opt/sbx --ro-bind /usr /usr echo ran
    PERSONALITY=native refused
    like "$stderr" 'sbx: hint: '
}

@test "three deep, in both personalities" {
    deep() {
        personality_words
        local inner=(/opt/bwrap)

        [[ $PERSONALITY == bwrap ]] || inner=(/opt/sbx --bare "${keep[@]}")
        [[ $PERSONALITY == bwrap ]] || WORDS+=("${keep[@]}")
        capture "${WORDS[@]}" "${ROOT[@]}" --ro-bind "$SBX" /opt/sbx --ro-bind "$SBX" /opt/bwrap --dir /tmp --unshare-all --proc /proc --dev /dev \
            "${inner[@]}" --ro-bind / / --unshare-all --proc /proc --dev /dev \
            "${inner[@]}" --ro-bind / / --tmpfs /tmp --unshare-all --proc /proc --dev /dev \
            sh -c 'echo $$ >/tmp/pid; cat /tmp/pid; id -u; exit 9'
        is "$status" 9
        is "$output" $'2\n'"$(id -u)"
    }
    both deep
}

@test "bwrap in sbx: programs that bring their own sandbox" {
    [[ -x $BWRAP_REF ]] || skip_missing "no bwrap at $BWRAP_REF"
    capture "$SBX" "${keep[@]}" --ro-bind /usr /usr --unshare-all bwrap --ro-bind / / --unshare-all --proc /proc --dev /dev --tmpfs /tmp \
        sh -c 'id -u; : >/tmp/x; echo $$'
    ok
    is "$output" "$(id -u)"$'\n'2
}

@test "sbx builds its own tree inside a sandbox, and that one works" {
    need_program cc make pkg-config autoreconf
    [[ -e $srcdir/configure.ac ]] || skip_cannot "the source tree is not there"
    mkdir "$W/tree"
    # what a checkout has; what a build in the source tree left is of no use
    (cd "$srcdir" && tar -c --exclude='./build*' --exclude='*.o' --exclude='*.a' --exclude=./.git --exclude=./config.status \
        --exclude=./Makefile --exclude='.deps' --exclude=./config.h --exclude=./sbx --exclude='./sbx-*' .) | tar -x -C "$W/tree"
    cp -rT "$srcdir/build-aux" "$W/tree/build-aux"
    chmod -R u+w "$W/tree" # distcheck's tree is read-only
    # /etc/alternatives comes with /usr; perl and m4 of autoconf need nothing else
    capture "$SBX" --ro-bind /usr /usr --bind "$W/tree" /src --chdir /src --unshare-all sh -c '
        { [ -x configure ] || ./autogen.sh; } && mkdir -p b && cd b && ../configure -q CFLAGS=-O0 && make -s sbx && ./sbx --version'
    is "$status" 0
    like "$output" 'sbx [0-9.]+'
    capture "$W/tree/b/sbx" --ro-bind /usr /usr --unshare-all id -u
    ok
    is "$output" 0
    # and once more, in a sandbox of the one just built
    capture "$SBX" "${nest[@]}" --ro-bind /usr /usr --bind "$W/tree" /src --chdir /src/b --unshare-all \
        ./sbx --ro-bind /usr /usr --bind /src /src --chdir /src/b --unshare-all sh -c 'touch ../src/sbx/main.c && make -s sbx && echo built'
    ok
    is "${output##*$'\n'}" built
}
