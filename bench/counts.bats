#!/usr/bin/env bats
# The start of sbx costs what it did, within 10 %: in system calls and in instructions, never in time. What
# is meant to cost more, or less, goes into counts.expected with "make bench-counts".

setup() {
    [ -z "${SBX_SANITIZERS-}" ] || skip "cannot run here: what a sanitizer does would be counted"
}

setup_file() {
    [ -z "${SBX_SANITIZERS-}" ] || return 0
    export COUNTS="$BATS_FILE_TMPDIR/counts"
    "$SBX_BUILDDIR/bench/count" /bin/true >"$COUNTS" 2>&1 || return 0
    "$SBX_SRCDIR/bench/counts" "$SBX_BUILDDIR" >"$COUNTS" 2>"$COUNTS.err" || true
}

figure() {
    sed -n "s/^$1 //p" "$2"
}

# compare NAME: also what has become cheaper is to be written down
compare() {
    local now expected
    now=$(figure "$1" "$COUNTS")
    expected=$(figure "$1" "$SBX_SRCDIR/bench/counts.expected")
    if [ -z "$now" ]; then
        cat "$COUNTS" "$COUNTS.err"
        grep -q 'cannot be traced' "$COUNTS" "$COUNTS.err" && skip "cannot run here: no program can be traced"
        return 1
    fi
    echo "$1: $now, expected $expected; bench/counts -v $SBX_BUILDDIR shows each call"
    [ $((now * 100)) -le $((expected * 110)) ] && [ $((now * 100)) -ge $((expected * 90)) ]
}

@test "the start makes as many system calls as expected" {
    compare calls.start
}

@test "a start without a skeleton makes as many system calls as expected" {
    compare calls.bare
}

@test "100 binds make as many system calls as expected" {
    compare calls.100binds
}

@test "--dry-run makes as many system calls as expected" {
    compare calls.dry-run
}

@test "the start takes as many instructions as expected" {
    local built expected
    built=$("$SBX_BUILDDIR/bench/count" -f)
    expected=$(sed -n '2p' "$SBX_SRCDIR/bench/counts.expected")
    [ "$built" = "$expected" ] || skip "cannot run here: counted with '$expected', this is '$built'"
    compare instructions.start
}
