#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# tests/faults with a real systemd: the calls of sbx-scope, and those of sbx around it, made to fail.
# bats file_tags=root

bats_require_minimum_version 1.5.0

setup() {
    [[ $(id -u) == 0 ]] || skip "cannot run here: not root"
    [[ -x /usr/lib/systemd/systemd ]] || skip "cannot run here: systemd is not installed"
    [[ -z ${SBX_SANITIZERS-} ]] || skip "cannot run here: the sanitizers make calls of their own, and not under ptrace"
    SBX=${SBX:-$BATS_TEST_DIRNAME/../../sbx}
    cd "$(dirname "$SBX")"
}

# In there is nothing of a source tree that lies somewhere else: the script goes along as text.
@test "a failing call of the scope helper never weakens the sandbox, and is never silent" {
    run "$BATS_TEST_DIRNAME/run-ns.sh" -t 280 -- "export SBX='$SBX' SBX_BUILDDIR='${SBX_BUILDDIR:-$PWD}' SBX_LIBEXECDIR='$PWD' FAULTS_SCOPE=1
        export FAULTS_SECONDS='${FAULTS_SYSTEMD_SECONDS:-40}' FAULTS_SEED='${FAULTS_SEED:-$RANDOM}' FAULTS_ONLY='${FAULTS_ONLY-}'
        python3 - <<'END_OF_FAULTS'
$(<"$BATS_TEST_DIRNAME/../faults/faults.py")
END_OF_FAULTS"
    echo "$output"
    [[ $status == 0 ]]
    [[ $output == *"ok 1 scope"* ]]
    grep '^# ' <<<"$output" >&3
}
