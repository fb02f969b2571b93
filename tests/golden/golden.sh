#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Golden tests: what --dry-run makes of a command line, without privileges and on a host that is
# made up, so that the answers are the same everywhere.
#
#   NAME.args    the arguments, one a line; lines beginning with "# " say what the case is for
#   NAME.file    descriptor 9, an argument file for --args, one argument a line (optional)
#   NAME.plan    the plan that has to come out, with status 0
#   NAME.err     the messages that have to come out; without a .plan the status is that of an error
#
# A name that begins with bwrap- is run under the name bwrap. SBX_GOLDEN_UPDATE=1 writes the .plan
# and .err files anew: then read the difference that git shows.
set -u
cd "$(dirname "$0")" || exit 1
sbx=${SBX:-../../sbx}
case $sbx in
/*) ;;
*) sbx=$PWD/$sbx ;;
esac
[ -x "$sbx" ] || {
    echo "Bail out! the program under test is not there: $sbx (set SBX)"
    exit 1
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
ln -s "$sbx" "$work/bwrap"
ln -s "$sbx" "$work/sbx"

# run NAME: leaves out, err and status in $work.
run() {
    name=$1
    program=$work/sbx
    bad=125
    case $name in bwrap-*) program=$work/bwrap bad=1 ;; esac
    set -- --debug-opt=fake-host --dry-run
    while IFS= read -r arg; do
        case $arg in '# '*) continue ;; esac
        set -- "$@" "$arg"
    done <"$name.args"
    : >"$work/file"
    [ ! -e "$name.file" ] || tr '\n' '\0' <"$name.file" >"$work/file"
    env -i PATH="$PATH" "$program" "$@" </dev/null >"$work/all" 2>"$work/err" 9<"$work/file"
    status=$?
    # indented lines are the calls of a seccomp profile, which each machine has its own of
    grep -v '^  ' "$work/all" >"$work/out"
}

update() {
    for args in *.args; do
        run "${args%.args}"
        rm -f "$name.plan" "$name.err"
        [ "$status" -ne 0 ] || cp "$work/out" "$name.plan"
        [ ! -s "$work/err" ] || cp "$work/err" "$name.err"
        [ "$status" -eq 0 ] || [ "$status" -eq "$bad" ] || echo "$name: status $status" >&2
    done
}

# differs WANTED GOT: prints how, as a TAP comment.
differs() {
    if [ -e "$1" ]; then
        wanted=$1
    else
        wanted=/dev/null
    fi
    diff -u --label "$1" --label "sbx's" "$wanted" "$work/$2" >"$work/diff" && return 1
    sed 's/^/# /' "$work/diff"
}

check() {
    good=1
    wanted=$bad
    [ ! -e "$name.plan" ] || wanted=0
    [ -e "$name.plan" ] || [ -s "$name.err" ] || {
        echo "# neither $name.plan nor $name.err is there: run with SBX_GOLDEN_UPDATE=1"
        good=0
    }
    [ "$status" -eq "$wanted" ] || {
        echo "# status $status, not $wanted"
        good=0
    }
    if differs "$name.plan" out; then good=0; fi
    if differs "$name.err" err; then good=0; fi
    [ "$good" -eq 1 ]
}

if [ "${SBX_GOLDEN_UPDATE-}" = 1 ]; then
    update
    exit
fi

# shellcheck disable=SC2012 # the names are ours, and plain
echo "1..$(ls ./*.args | wc -l)"
failed=0
number=0
for args in *.args; do
    number=$((number + 1))
    run "${args%.args}"
    if check; then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        failed=1
    fi
done
exit "$failed"
