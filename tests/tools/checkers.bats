#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each checker passes a small tree that is in order, and fails the same tree with one thing wrong.

bats_require_minimum_version 1.5.0

TOOLS=${SBX_SRCDIR:-$BATS_TEST_DIRNAME/../..}/tools

setup() {
    cd "$BATS_TEST_TMPDIR" || return
    export LINT_CPPFLAGS=
    mkdir -p src/core src/run src/sbx src/net tests/golden tests/compat man tools
    cp "$TOOLS/../.clang-format" "$TOOLS/../.clang-tidy" .
    cat >src/core/a.h <<'END'
#pragma once

int a_add(int x, int y);
END
    cat >src/core/a.c <<'END'
#include "core/a.h"

#include <string.h>

int a_add(int x, int y)
{
	return x + y + (int)strlen("");
}
END
    cat >src/run/b.c <<'END'
#include "core/a.h"

int main(void)
{
	return a_add(1, -1);
}
END
}

build() {
    local file

    for file in src/*/*.c; do
        cc -fno-builtin -Isrc -c -o "${file%.c}.o" "$file"
    done
    rm -f libsbxcore.a
    ar cr libsbxcore.a src/core/*.o
}

# finds TEXT CHECKER ARGUMENT...: the checker fails and says TEXT.
finds() {
    local text=$1

    shift
    run "$TOOLS/$1" "${@:2}"
    [ "$status" -ne 0 ]
    [[ $output == *"$text"* ]]
}

passes() {
    run "$TOOLS/$1" "${@:2}"
    [ "$status" -eq 0 ]
    [ -z "$output" ]
}

lines() {
    local i

    for ((i = 0; i < $1; i++)); do
        echo "$2"
    done
}

# function NAME LINES: a function that long.
function_of() {
    echo "int $1(int x)"
    echo "{"
    lines $(($2 - 4)) "	x++;"
    echo "	return x;"
    echo "}"
}

@test "size: a tree in order" {
    function_of longest 60 >>src/core/a.c
    echo 'int many(int a, int b, int c, int d, int (*e)(int, int, int));' >>src/core/a.h
    passes check-size .
}

@test "size: a function of 61 lines" {
    function_of too_long 61 >>src/core/a.c
    finds 'too_long: 61 lines' check-size .
}

@test "size: a file of 601 lines" {
    lines 600 '' >>src/core/a.c
    finds 'src/core/a.c: ' check-size .
}

@test "size: a header of 80 lines" {
    lines 77 '' >>src/core/a.h
    finds 'src/core/a.h: 80 lines' check-size .
}

@test "size: six parameters" {
    printf 'int six(int a, int b, int c,\n\tint d, int e, int (*f)(int, int))\n{\n\treturn a;\n}\n' >>src/core/a.c
    finds 'six: 6 parameters' check-size .
}

@test "size: complexity 16" {
    {
        echo 'int complex(int x)'
        echo '{'
        lines 15 '	if (x) x++;'
        echo '	return x;'
        echo '}'
    } >>src/core/a.c
    finds 'complex: complexity 16' check-size .
    sed -i '0,/	if (x) x++;/{//d}' src/core/a.c
    passes check-size .
}

@test "size: a test counts too" {
    function_of too_long 61 >tests/t.c
    finds 'tests/t.c' check-size .
}

@test "layers: a tree in order" {
    build
    passes check-layers . .
}

@test "layers: core includes run" {
    touch src/run/b.h
    echo '#include "run/b.h"' >>src/core/a.c
    build
    finds 'core may not include run/b.h' check-layers . .
}

@test "layers: run includes the options" {
    touch src/core/options.h
    echo '#  include "core/options.h"' >>src/run/b.c
    build
    finds 'run takes the plan, not core/options.h' check-layers . .
}

@test "layers: net includes run" {
    touch src/run/b.h
    echo '#include "run/b.h"' >>src/net/n.c
    build
    finds 'net may not include run/b.h' check-layers . .
}

@test "layers: a room without a layer" {
    mkdir src/den
    echo '#include "core/a.h"' >src/den/d.c
    build
    finds 'den is in no layer' check-layers . .
}

@test "layers: an include that does not name its room" {
    echo '#include "a.h"' >>src/core/a.c
    cp src/core/a.h src
    build
    finds '"a.h" does not name its room' check-layers . .
}

@test "layers: core calls open" {
    printf '#include <fcntl.h>\nint o(void)\n{\n\treturn open("/", 0);\n}\n' >>src/core/a.c
    build
    finds 'libsbxcore.a(a.o): open is not in tools/core-symbols' check-layers . .
}

@test "layers: nothing built" {
    finds 'build first' check-layers . .
}

@test "headers: a tree in order" {
    passes check-headers .
}

@test "headers: one that needs another" {
    echo 'size_t a_size(void);' >>src/core/a.h
    finds 'src/core/a.h: does not compile alone' check-headers .
}

@test "headers: one without a guard" {
    printf 'struct twice {\n\tint x;\n};\n' >src/core/twice.h
    finds 'src/core/twice.h: does not compile alone' check-headers .
}

@test "globals: constants, also with pointers" {
    echo 'static const char *const names[] = { "a", "b" }; const char *name(int i) { return names[i]; }' \
        >>src/core/a.c
    build
    passes check-globals .
}

@test "globals: variables in every writable section" {
    echo 'static int counter; int count(void) { return counter++; }' >>src/core/a.c
    build
    finds 'src/core/a.o: counter is a variable in .bss' check-globals .
    echo 'int preset(void) { static int value = 7; return value++; }' >>src/run/b.c
    build
    finds 'is a variable in .data' check-globals .
    echo '__thread int own;' >>src/run/b.c
    build
    finds 'own is a variable in .tbss' check-globals .
}

@test "globals: nothing built" {
    finds 'build first' check-globals .
}

@test "banned: a tree in order" {
    echo '/* not sprintf() */ int my_sprintf(int); int use(void) { return my_sprintf(1); }' >>src/core/a.c
    passes check-banned .
}

@test "banned: strcpy and atoi" {
    echo 'void c(char *d) { strcpy(d, "x"); }' >>src/core/a.c
    finds 'banned: strcpy; use snprintf' check-banned .
    echo 'int n(const char *s) { return atoi(s); }' >>src/net/n.c
    finds 'src/net/n.c:1:' check-banned .
}

@test "banned: signal, unless it sets no handler" {
    echo 'void s(void) { signal(SIGPIPE, SIG_IGN); }' >>src/core/a.c
    passes check-banned .
    echo 'void t(void) { signal(SIGPIPE, handle); }' >>src/core/a.c
    finds 'banned: signal' check-banned .
}

@test "format: a tree in order" {
    passes check-format .
}

@test "format: a line of its own kind" {
    printf 'int  spaced ( void );\n' >>src/core/a.h
    finds 'src/core/a.h: not in clang-format' check-format .
}

@test "tidy: a tree in order" {
    passes check-tidy .
}

@test "tidy: a null dereference in the second file" {
    printf 'int deref(void)\n{\n\tint *p = 0;\n\n\treturn *p;\n}\n' >>src/run/b.c
    finds 'clang-analyzer-core.NullDereference' check-tidy .
}

@test "cppcheck: an index out of bounds" {
    passes check-cppcheck .
    printf 'int index_it(void)\n{\n\tint a[2] = { 0 };\n\n\treturn a[2];\n}\n' >>src/core/a.c
    finds 'arrayIndexOutOfBounds' check-cppcheck .
}

@test "analyzer: a double free" {
    passes check-analyzer .
    printf '#include <stdlib.h>\nvoid twice(void *p)\n{\n\tfree(p);\n\tfree(p);\n}\n' >>src/core/a.c
    finds 'analyzer-double-free' check-analyzer .
}

@test "shell: a script that word-splits" {
    # shellcheck disable=SC2016 # the variables are the script's
    printf '#!/bin/sh\necho "$1"\n' >tools/script
    passes check-shell .
    # shellcheck disable=SC2016 # the variables are the script's
    printf '#!/bin/sh\necho $1\n' >tools/script
    finds 'SC2086' check-shell .
}

@test "spelling: a slip" {
    passes check-spelling .
    echo 'Recieve' | sed 's/^R/r/' >README.md
    finds README.md check-spelling .
}

@test "man: an unknown macro" {
    printf '.Dd January 1, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd letter\n' >man/x.1
    passes check-man .
    echo '.Qzz' >>man/x.1
    finds 'unknown macro' check-man .
}

# A stand-in for sbx that lists two options, a manual and a test for both.
options_tree() {
    cat >sbx <<'END'
#!/bin/sh
printf 'bind\t2\tSRC DEST\tfs\tbwrap\tBind mount\n'
printf 'bare\t0\t\tgeneral\tnative\tNothing but what is asked for\n'
END
    chmod +x sbx
    echo --bind >tests/compat/bwrap-0.11.1.options
    printf '.It Fl \\-bind Ar SRC DEST\n.It Fl \\-bare\n' >man/sbx.1
    echo '--bind /a /b --bare' >tests/golden/x.args
}

@test "options: a tree in order" {
    options_tree
    passes check-options ./sbx .
}

@test "options: each place that can be forgotten" {
    options_tree
    sed -i 's/bare/bald/' man/sbx.1
    finds '--bare: no entry in man/sbx.1' check-options ./sbx .
    finds '--bald: in man/sbx.1, but not' check-options ./sbx .
    options_tree
    echo '# --bare' >tests/golden/x.args
    finds '--bare: named by no golden' check-options ./sbx .
    options_tree
    echo --tmpfs >>tests/compat/bwrap-0.11.1.options
    finds '--tmpfs: an option of bubblewrap' check-options ./sbx .
    options_tree
    sed -i 's/native/bwrap/' sbx
    finds '--bare: flagged bwrap' check-options ./sbx .
    options_tree
    sed -i 's/SRC DEST/SRC/' sbx
    finds '--bind: takes 2 arguments' check-options ./sbx .
    options_tree
    echo false >sbx
    finds 'lists nothing' check-options ./sbx .
}

# drive LINE...: what the driver makes of a test that prints these lines (status $EXIT), and the sum.
drive() {
    printf '%s\n' "$@" >lines
    mkdir -p results
    "$TOOLS/tap-driver" --test-name x --log-file results/x.log --trs-file results/x.trs \
        --color-tests no -- sh -c "cat lines; echo noise >&2; exit ${EXIT-0}"
    run "$TOOLS/tap-sum" results
}

# sums PASSED FAILED SKIPPED
sums() {
    [ "${lines[-1]}" = "$1 passed, $2 failed, $3 skipped" ]
    [ "$status" -eq $(($2 > 0)) ]
}

@test "tap: cases of every kind" {
    unset SBX_MUST_RUN
    drive 1..5 'ok 1 - a' 'ok 2 b' 'ok 3 - c # SKIP too old' 'ok 4 # skip' 'not ok 5 # TODO later'
    sums 3 0 2
    [[ $output == *'skipped 1: too old'* ]]
    [[ $output == *'skipped 1: (no reason given)'* ]]
    grep -q noise results/x.log
}

@test "tap: a failure is shown with its log, and the exit status beside it is no second one" {
    EXIT=1 drive 1..2 'ok 1 - a' 'not ok 2 - b' '# the reason'
    sums 1 1 0
    [[ $output == *'# the reason'* ]]
    grep -q '^:recheck: yes' results/x.trs
}

@test "tap: an exit status alone is a failure" {
    EXIT=99 drive 1..1 'ok 1 - a'
    sums 1 1 0
    [[ $output == *'exit status 99'* ]]
}

@test "tap: a program that ends early, says too much, or nothing" {
    drive 1..2 'ok 1 - a'
    sums 1 1 0
    drive 1..1 'ok 1 - a' 'ok 2 - b'
    sums 2 1 0
    drive 1..2 'ok 1 - a' 'ok 3 - c'
    sums 1 1 0
    drive 1..3 'ok 1 - a' 'Bail out! no disk'
    sums 1 1 0
    drive ''
    sums 0 1 0
    drive 'ok 1 - a'
    sums 1 1 0
}

@test "tap: a last line without its newline counts" {
    mkdir results
    "$TOOLS/tap-driver" --test-name x --log-file results/x.log --trs-file results/x.trs -- \
        printf '1..1\nok 1 - a'
    run "$TOOLS/tap-sum" results
    sums 1 0 0
}

@test "tap: a program that hangs, and one that leaves a process behind" {
    mkdir results
    SBX_FILE_TIMEOUT=1 "$TOOLS/tap-driver" --test-name x --log-file results/x.log --trs-file results/x.trs -- \
        sh -c 'echo 1..1; echo ok 1; exec sleep 1000'
    run "$TOOLS/tap-sum" results
    sums 1 1 0
    # shellcheck disable=SC2016 # the variable is the program's
    timeout 60 "$TOOLS/tap-driver" --test-name x --log-file results/x.log --trs-file results/x.trs -- \
        sh -c 'setsid sleep 100 & echo $! >left; echo 1..1; echo ok 1'
    kill "$(cat left)"
    run "$TOOLS/tap-sum" results
    sums 1 0 0
}

@test "tap: everything skipped by the plan" {
    unset SBX_MUST_RUN
    drive '1..0 # SKIP no network here'
    sums 0 0 1
    [[ $output == *'skipped 1: no network here'* ]]
}

@test "tap: a file that has no case with the tag asked for" {
    printf '# bats test_tags=root\n@test "a" { true; }\n' >x.bats
    mkdir results
    env -i PATH=/usr/bin:/bin SBX_TEST_TAGS='!root' "$TOOLS/tap-driver" --test-name x \
        --log-file results/x.log --trs-file results/x.trs -- "$TOOLS/run-bats" x.bats
    run "$TOOLS/tap-sum" results
    sums 0 0 0
    env -i PATH=/usr/bin:/bin SBX_TEST_TAGS=root "$TOOLS/tap-driver" --test-name x \
        --log-file results/x.log --trs-file results/x.trs -- "$TOOLS/run-bats" x.bats
    run "$TOOLS/tap-sum" results
    sums 1 0 0
}

@test "tap: where everything must run, only what cannot run here is skipped" {
    export SBX_MUST_RUN=1
    drive 1..1 'ok 1 - a # SKIP too lazy'
    sums 0 1 0
    drive 1..1 'ok 1 - a # SKIP cannot run here: no such kernel'
    sums 0 0 1
}

@test "tap: no results at all" {
    mkdir results
    run "$TOOLS/tap-sum" results
    sums 0 0 0
}

@test "tap: one command as one case" {
    run "$TOOLS/tap-one" true
    [ "$output" = $'1..1\nok 1 - true' ]
    run "$TOOLS/tap-one" false
    [ "$output" = $'1..1\nnot ok 1 - false' ]
}
