# What make install leaves behind, in a staged tree of its own, and that uninstall takes it all away.

setup_file() {
    export STAGE="$BATS_FILE_TMPDIR/stage"
    make -s -C "$SBX_BUILDDIR" install DESTDIR="$STAGE" prefix=/opt/sbx sysconfdir=/opt/sbx/etc \
        apparmordir=/opt/sbx/etc/apparmor.d >"$BATS_FILE_TMPDIR/log" 2>&1 || {
        cat "$BATS_FILE_TMPDIR/log"
        return 1
    }
}

@test "sbx, its manual and its completions are installed below the prefix" {
    cd "$STAGE/opt/sbx"
    [ -x bin/sbx ]
    [ -s share/man/man1/sbx.1 ]
    [ -s share/man/man7/sbx-bwrap.7 ]
    [ -s share/man/man7/sbx-slirp4netns.7 ]
    [ -s share/bash-completion/completions/sbx ]
    [ -s share/zsh/site-functions/_sbx ]
    [ -s share/fish/vendor_completions.d/sbx.fish ]
    # and nothing lies outside of it
    [ "$(find "$STAGE" -type f -o -type l | grep -vc "^$STAGE/opt/sbx/")" -eq 0 ]
}

@test "the link in libexec is sbx with bubblewrap's manners" {
    local link="$STAGE/opt/sbx/libexec/sbx/bin/bwrap"

    [ -L "$link" ]
    [ "$(readlink "$link")" = ../../../bin/sbx ]
    run "$link" --version
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == 'bubblewrap '* ]]
    [[ ${lines[1]} == 'sbx '* ]]
    # bubblewrap's status for an error of its own, and its name in front
    run "$link" --no-such-option
    [ "$status" -eq 1 ]
    [ "${lines[0]}" = 'bwrap: Unknown option --no-such-option' ]
    run "$STAGE/opt/sbx/bin/sbx" --no-such-option
    [ "$status" -eq 125 ]
}

@test "what carries the traffic is there as slirp4netns, too" {
    run "$STAGE/opt/sbx/libexec/sbx/slirp4netns" --version
    echo "$output"
    [ "$status" -eq 0 ]
    [[ ${lines[0]} == 'slirp4netns version 1.2'* ]]
}

@test "the link is found along PATH, and runs a command with the caller's ids" {
    PATH="$STAGE/opt/sbx/libexec/sbx/bin:$PATH"
    [ "$(command -v bwrap)" = "$STAGE/opt/sbx/libexec/sbx/bin/bwrap" ]
    run bwrap --ro-bind / / id -u
    echo "$output"
    [ "$status" -eq 0 ]
    [ "$output" = "$(id -u)" ]
}

@test "the directory of a completion can be chosen" {
    make -s -C "$SBX_BUILDDIR" install-dist_bashcompletionDATA DESTDIR="$BATS_TEST_TMPDIR" \
        bashcompletiondir=/elsewhere
    [ -s "$BATS_TEST_TMPDIR/elsewhere/sbx" ]
}

@test "uninstall leaves no file and no link" {
    make -s -C "$SBX_BUILDDIR" uninstall DESTDIR="$STAGE" prefix=/opt/sbx sysconfdir=/opt/sbx/etc \
        apparmordir=/opt/sbx/etc/apparmor.d
    [ -z "$(find "$STAGE" -type f -o -type l)" ]
    [ ! -e "$STAGE/opt/sbx/libexec/sbx" ]
    [ ! -e "$STAGE/opt/sbx/share/doc/sbx" ]
}
