#!/usr/bin/env bats
# sbx-seccomp, the program: what it writes holds real programs, what it says can be acted on.

setup() {
    SECCOMP="$SBX_BUILDDIR/sbx-seccomp"
    UNDER="$SBX_BUILDDIR/tests/seccomp/run-under"
    PROFILES="$SBX_SRCDIR/tests/seccomp/profiles"
    cd "$BATS_TEST_TMPDIR" || exit
}

# under FILE COMMAND...: the command under the profile in FILE.
under() {
    "$SECCOMP" "$1" >bpf
    "$UNDER" -9 "${@:2}" 9<bpf
}

native() {
    [[ $(uname -m) = x86_64 || $(uname -m) = aarch64 ]] || skip "the profile is for x86_64 and aarch64"
}

@test "an allow-list in Docker's style: what it names works, the rest gets its errno" {
    native
    run under "$PROFILES/docker-style.json" ls /
    [[ $status -eq 0 && -n $output ]]
    run under "$PROFILES/docker-style.json" mkdir new
    [[ $status -eq 1 && $output = *'Operation not permitted'* && ! -e new ]]
}

@test "a deny-list in podman's style: an errno by name, a kill" {
    native
    touch file
    run under "$PROFILES/podman-style.json" chmod 0600 file
    [[ $status -eq 1 && $output = *'Operation not supported'* ]]
    run under "$PROFILES/podman-style.json" sync
    [[ $status -eq 159 ]] # 128 + SIGSYS
    run under "$PROFILES/podman-style.json" true
    [[ $status -eq 0 ]]
}

@test "a capability that the payload has puts its rules in force" {
    native
    "$SECCOMP" --caps 2 "$PROFILES/docker-style.json" >bpf
    "$UNDER" -9 mkdir new 9<bpf
    [[ -d new ]]
}

@test "--log lets everything through" {
    native
    "$SECCOMP" --log "$PROFILES/docker-style.json" >bpf
    "$UNDER" -9 mkdir new 9<bpf
    [[ -d new ]]
    "$SECCOMP" --log "$PROFILES/podman-style.json" >bpf
    "$UNDER" -9 sh -c 'sync && chmod 0700 new' 9<bpf
}

@test "the calls of strict, written as JSON, run a shell, gcc and python3" {
    { command -v gcc && command -v python3; } >/dev/null || skip "gcc and python3 are not both installed"
    "$SECCOMP" --explain strict | sed -n 's/^allow [^:]*: [^:]*: //p; s/^allow [^:]*: //p' |
        tr ' ' '\n' | grep -x '[a-z_0-9]*' | sort -u |
        awk 'BEGIN { printf "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"syscalls\":[{\"names\":[" }
             { printf "%s\"%s\"", sep, $0; sep = "," }
             END { print "],\"action\":\"SCMP_ACT_ALLOW\"}]}" }' >strict.json
    [[ $(tr ',' '\n' <strict.json | wc -l) -gt 200 ]]
    echo 'int main(void) { return 0; }' >main.c
    under strict.json sh -c 'gcc main.c -o main && ./main && python3 -c "import subprocess; subprocess.run([\"true\"])"'
}

@test "--explain says what is in force here and what is not" {
    native
    run "$SECCOMP" --explain "$PROFILES/docker-style.json"
    [[ $status -eq 0 ]]
    [[ $output = *$'\nnot in force without CAP_DAC_OVERRIDE: allow: mkdir mkdirat\n'* ]]
    [[ $output = *$'\nallow: socket if arg0 != 0x28\n'* ]]
    [[ $output = *$'\ndeny (ENOSYS): clone3\n'* ]]
    [[ $output = *$'\ndeny (EPERM) every other call\n'* ]]
}

@test "--explain knows the built-in profiles" {
    run "$SECCOMP" --explain default
    [[ $status -eq 0 && $output = *'deny kernel keyrings (EPERM): add_key keyctl request_key'* ]]
}

@test "an error names the file, the place and the reason, and no filter is written" {
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["sync"],"action":"DENY"}]}' >bad.json
    run "$SECCOMP" bad.json
    [[ $status -eq 125 ]]
    [[ $output = "sbx-seccomp: bad.json: syscalls[0].action: 'DENY' is none of SCMP_ACT_ALLOW, "* ]]
    printf '{\n"defaultAction" "x"}' >bad.json
    run "$SECCOMP" bad.json
    [[ $status -eq 125 && $output = 'sbx-seccomp: bad.json: line 2, column '* ]]
    run "$SECCOMP" missing.json
    [[ $status -eq 125 && $output = 'sbx-seccomp: missing.json: read: No such file or directory' ]]
    run "$SECCOMP" .
    [[ $status -eq 125 ]]
}

@test "a refusal that cannot be made is said, a grant that cannot only on request" {
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["no_such"],"action":"SCMP_ACT_ERRNO"}]}' >deny.json
    echo '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["no_such"],"action":"SCMP_ACT_ALLOW"}]}' >allow.json
    "$SECCOMP" deny.json 2>err >bpf
    grep -q "unknown call 'no_such' is left out, so that it is not refused" err
    "$SECCOMP" allow.json 2>err >bpf
    [[ ! -s err ]]
    "$SECCOMP" --verbose allow.json 2>err >bpf
    grep -q "unknown call 'no_such' is left out" err
}

@test "bad options are refused" {
    local args
    for args in '' '--caps' '--caps x f' '--caps 00000000000000001 f' '--fd -1 f' '--fd x f' '--nope f' 'a b'; do
        # shellcheck disable=SC2086
        run "$SECCOMP" $args
        echo "# '$args': $output" >&2
        [[ $status -eq 125 && $output = 'sbx-seccomp: '* ]]
    done
}

@test "a descriptor that cannot be written to is an error" {
    echo '{"defaultAction":"SCMP_ACT_ALLOW"}' >empty.json
    run "$SECCOMP" --fd 99 empty.json
    [[ $status -eq 125 ]]
    [[ -c /dev/full ]] || skip "no /dev/full"
    run sh -c '"$1" empty.json >/dev/full' sh "$SECCOMP"
    [[ $status -eq 125 && $output = *'No space left on device' ]]
}
