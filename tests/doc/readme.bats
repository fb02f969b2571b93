#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The README's commands work: every line of its "sh" blocks that runs sbx or bwrap is run here, in a
# directory like a reader's.

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    mkdir -p bin home project
    ln -s "$SBX" bin/sbx
    ln -s "$SBX" bin/bwrap
    export HOME="$PWD/home" PATH="$PWD/bin:$PATH"
    export USER="${USER:-$(id -un)}"
    printf 'all check:\n\techo made >made\n' >project/Makefile
    readme=$SBX_SRCDIR/README.md
    cd project || return
}

# The commands of the blocks, one a line, continued lines joined.
commands() {
    sed -n '/^```sh$/,/^```$/p' "$readme" | sed -e :join -e '/\\$/N; s/\\\n *//; t join' |
        grep -E '^(sbx|bwrap) '
}

@test "the first two commands are those of a clean clone" {
    [ "$(sed -n '/^```sh$/,/^```$/p' "$readme" | sed -n 2,3p)" = $'./autogen.sh run\n./autogen.sh check' ]
    grep -q "^ *run)" "$SBX_SRCDIR/autogen.sh"
    grep -q "^ *check)" "$SBX_SRCDIR/autogen.sh"
}

@test "every sbx and bwrap command line in the README works" {
    mkdir -p "$HOME/boxes/game"
    [ "$(commands | wc -l)" -ge 8 ]
    while IFS= read -r line; do
        echo "\$ $line"
        status=0
        output=$(sh -c "$line" </dev/null 2>&1) || status=$?
        echo "$output"
        case $line in
        *--memory*)
            # without a cgroup to be had, it is an error that says so
            [ "$status" -eq 0 ] || [[ $status -eq 125 && $output == 'sbx: '* ]]
            ;;
        *) [ "$status" -eq 0 ] ;;
        esac
    done < <(commands)
    # and what they are said to do
    [ "$(cat made)" = made ]
    [ -e Makefile ]
    [ -e "$HOME/boxes/game/saved" ]
    [ ! -e "$HOME/saved" ]
    grep -q '"reason": "exit"' report.json
}

@test "every command line in the manual's examples works as it is printed" {
    command -v mandoc >/dev/null || skip 'cannot run here: no mandoc, as in the guests'
    mkdir -p "$HOME/.ssh"
    touch "$HOME/.ssh/secret"
    # EXAMPLES, without the bold type
    mandoc -T utf8 -O width=500 "$SBX_SRCDIR/man/sbx.1" | sed -e 's/.\x08//g' -e '1,/^EXAMPLES/d' -e '/^DIAGNOSTICS/,$d' |
        sed -n 's/^ *\$ //p' >../lines
    [ "$(wc -l <../lines)" -ge 6 ]
    while IFS= read -r line; do
        echo "\$ $line"
        output=$(bash -c "$line" </dev/null 2>&1) || { echo "status $?: $output"; return 1; }
        echo "$output"
        [[ $output != *secret* ]]
    done <../lines
    [ "$(cat made)" = made ]
}

@test "the error in the README is the one that is printed" {
    [ ! -e /opt/tools ] || skip 'cannot run here: /opt/tools exists'
    run sbx --ro-bind /usr /usr --ro-bind /opt/tools /tools ls
    [ "$status" -eq 125 ]
    expected=$(sed -n '/^```console$/,/^```$/p' "$readme" | grep '^sbx: ')
    echo "$output"
    [ "$output" = "$expected" ]
}

@test "files that the documents link to are there" {
    for document in README.md ARCHITECTURE.md SECURITY.md HACKING.md NEWS.md; do
        [ -e "$SBX_SRCDIR/$document" ]
        for link in $(grep -oE '\]\([^):#]+\)' "$SBX_SRCDIR/$document" | tr -d '()]'); do
            echo "$document: $link"
            [ -e "$SBX_SRCDIR/$link" ]
        done
    done
}
