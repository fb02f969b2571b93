# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# The same command line for the reference (Debian's bwrap) and for sbx under the name bwrap, and
# every difference a failure. Load after common.bash.
#
# A test that compares asserts something about the answer as well, so that it still can fail when
# both are wrong; the assertions see sbx's answer in status, output and stderr.

REF_VERSION=
if [[ -x $BWRAP_REF ]]; then
    REF_VERSION=$("$BWRAP_REF" --version)
    REF_VERSION=${REF_VERSION#bubblewrap }
fi

# Both run in a working directory of the same name. A test whose sandboxes write there sets DIRTY:
# then it is made anew before every run, filled by populate (the test may define it), and what is
# in it afterwards is compared too.
DIRTY=
populate() {
    :
}

# Applied to both stderrs before they are compared; a test may set it (a sed script).
ERR_SED=

setup() {
    common_setup
    PERSONALITY=bwrap
}

# ref_has VERSION: the reference is there and has what came with bubblewrap VERSION.
ref_has() {
    [[ -n $REF_VERSION ]] &&
        [[ $(printf '%s\n' "$1" "$REF_VERSION" | sort -V | head -n1) == "$1" ]]
}

need_ref() {
    [[ -n $REF_VERSION ]] || skip_missing "no reference bwrap at $BWRAP_REF"
}

fresh_workdir() {
    chmod -R u+rwX "$W" 2>/dev/null || true
    rm -rf "$W"
    mkdir "$W"
    cd "$W"
    populate
}

# one_side PROGRAM ARGS...: runs it and puts everything that can be compared into ANSWER.
one_side() {
    local out err fd part

    [[ -z $DIRTY ]] || fresh_workdir
    capture "$@"
    if [[ -n $ERR_SED ]]; then
        sed -i -e "$ERR_SED" "$T/err"
    fi
    # read fails at the end of a file without NUL, and takes all of it
    IFS= read -r -d '' out <"$T/out" || true
    IFS= read -r -d '' err <"$T/err" || true
    ANSWER="status $status"$'\n'"--- stdout:"$'\n'"$out--- stderr:"$'\n'"$err"
    for fd in "${!SINK[@]}"; do
        IFS= read -r -d '' part <"$T/sink.$fd" || true
        ANSWER+="--- descriptor $fd:"$'\n'"$part"
    done
    [[ -z $DIRTY ]] || ANSWER+="--- working directory:"$'\n'"$(snapshot "$W")"
}

# compare ARGS...: status, stdout, stderr, written descriptors and the working directory afterwards
# have to be the same. Leaves sbx's answer for assertions.
compare() {
    local reference

    if [[ -n $REF_VERSION ]]; then
        one_side "$BWRAP_REF" "$@"
        reference=$ANSWER
    fi
    one_side "$BWRAP" "$@"
    [[ -z $REF_VERSION || $ANSWER == "$reference" ]] && return
    printf 'differs from bwrap %s:' "$REF_VERSION" >&2
    printf ' %q' "$@" >&2
    echo >&2
    diff -u --label reference <(printf '%s\n' "$reference") --label sbx <(printf '%s\n' "$ANSWER") >&2
    return 1
}

# compare_since VERSION ARGS...: compares when the reference is new enough; otherwise sbx runs
# alone, and the assertions that follow hold it to the texts of 0.11.1.
compare_since() {
    local version=$1

    shift
    if ref_has "$version"; then
        compare "$@"
    else
        one_side "$BWRAP" "$@"
    fi
}

# compare_sandbox ARGS...: compare, with the host's programs in the sandbox.
compare_sandbox() {
    compare "${ROOT[@]}" "$@"
}

compare_sandbox_since() {
    local version=$1

    shift
    compare_since "$version" "${ROOT[@]}" "$@"
}

# alone ARGS...: sbx as bwrap only.
alone() {
    fresh_workdir
    capture "$BWRAP" "$@"
}
