#!/usr/bin/env bats
# --seccomp-profile and --seccomp-log: which filter holds for whom.

setup() {
    SBX=${SBX:-$SBX_BUILDDIR/sbx}
    cd "$BATS_TEST_TMPDIR" || exit
    # what every sandbox here has
    ROOT=(--ro-bind /usr /usr --unshare-all)
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["chmod","fchmod","fchmodat","fchmodat2"],"action":"SCMP_ACT_ERRNO","errnoRet":95}]}' >nochmod.json
    unset BWRAP
}

# filters PID [OPTIONS]: mode and number of seccomp filters of that process of a sandbox
filters() {
    "$SBX" "${@:2}" "${ROOT[@]}" sed -n 's/^Seccomp[_filters]*:\t//p' "/proc/$1/status" | tr '\n' ' '
}

# try_vsock OPTIONS: the errno of an AF_VSOCK socket, or 0
try_vsock() {
    "$SBX" "$@" "${ROOT[@]}" python3 -c '
import socket
try:
    socket.socket(40, socket.SOCK_STREAM)
    print(0)
except OSError as e:
    print(e.errno)'
}

need() {
    command -v "$1" >/dev/null || skip "$1 is not installed"
}

@test "as sbx, the payload and pid 1 have the default profile" {
    [[ $(filters self) = '2 1 ' ]]
    [[ $(filters 1) = '2 1 ' ]]
    [[ $(filters self --seccomp-profile none) = '0 0 ' ]]
}

@test "as bwrap there is a profile only for who asks" {
    ln -s "$SBX" bwrap
    SBX=./bwrap
    ROOT+=(--symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc)
    [[ $(filters self) = '0 0 ' ]]
    [[ $(filters self --seccomp-profile strict) = '2 1 ' ]]
}

@test "default, nested and strict refuse an AF_VSOCK socket, none does not" {
    need python3
    [[ $(try_vsock) = 97 ]]
    [[ $(try_vsock --seccomp-profile default) = 97 ]]
    [[ $(try_vsock --seccomp-profile nested) = 97 ]]
    [[ $(try_vsock --seccomp-profile strict) = 97 ]]
    [[ $(try_vsock --seccomp-profile none) != 97 ]] || skip 'cannot run here: this kernel has no AF_VSOCK'
}

@test "the last one counts" {
    run "$SBX" --seccomp-profile strict --seccomp-profile none "${ROOT[@]}" grep -c 'Seccomp:.0' /proc/self/status
    [[ $status -eq 0 && $output = *'Only the last --seccomp-profile option will take effect'* ]]
}

@test "a file in Docker's form" {
    run "$SBX" --seccomp-profile nochmod.json "${ROOT[@]}" sh -c 'touch /tmp/x && chmod 0600 /tmp/x'
    [[ $status -eq 1 && $output = *'Operation not supported' ]]
    [[ $(filters self --seccomp-profile nochmod.json) = '2 1 ' ]]
}

@test "a file whose name looks like an option" {
    cp nochmod.json -- --log
    run "$SBX" --seccomp-profile --log "${ROOT[@]}" sh -c 'touch /tmp/x && chmod 0600 /tmp/x'
    [[ $status -eq 1 && $output = *'Operation not supported' ]]
}

@test "a file whose rules depend on a capability" {
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["sync"],"action":"SCMP_ACT_ERRNO","errnoRet":95,
        "includes":{"caps":["CAP_CHOWN"]}}]}' >cap.json
    need python3
    local sync='import ctypes; c = ctypes.CDLL(None, use_errno=True); print(c.syscall(162 if __import__("os").uname().machine == "x86_64" else 81))'
    [[ $("$SBX" --seccomp-profile cap.json "${ROOT[@]}" python3 -c "$sync") = 0 ]]
    [[ $("$SBX" --cap-add CAP_CHOWN --seccomp-profile cap.json "${ROOT[@]}" python3 -c "$sync") = -1 ]]
}

@test "a bad file stops the run, with one line that says where and why" {
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{}]}' >bad.json
    run "$SBX" --seccomp-profile bad.json "${ROOT[@]}" echo ran
    [[ $status -eq 125 && $output = "sbx: bad.json: syscalls[0]: 'names' is missing or empty" ]]
    run "$SBX" --seccomp-profile missing.json "${ROOT[@]}" echo ran
    [[ $status -eq 125 && $output = "sbx: --seccomp-profile takes default, strict, nested, none or a file, not 'missing.json': No such file or directory" ]]
}

@test "what a file refuses in vain is said, and the payload runs" {
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["no_such"],"action":"SCMP_ACT_ERRNO"}]}' >vain.json
    run "$SBX" --seccomp-profile vain.json "${ROOT[@]}" echo ran
    [[ $status -eq 0 && $output = *"unknown call 'no_such' is left out"*ran ]]
}

@test "the helper's end is seen by a caller that ignores SIGCHLD" {
    run sh -c "trap '' CHLD; exec \"\$@\"" sh "$SBX" --seccomp-profile nochmod.json "${ROOT[@]}" echo ran
    [[ $status -eq 0 && $output = ran ]]
}

@test "a filter from a descriptor comes on top of the profile" {
    "$SBX_BUILDDIR/sbx-seccomp" nochmod.json >bpf
    [[ $(filters self --seccomp 9 9<bpf) = '2 2 ' ]]
    [[ $(filters self --seccomp-profile strict --add-seccomp-fd 9 9<bpf) = '2 2 ' ]]
    run "$SBX" --seccomp 9 "${ROOT[@]}" sh -c 'touch /tmp/x && chmod 0600 /tmp/x' 9<bpf
    [[ $status -eq 1 && $output = *'Operation not supported' ]]
}

@test "--seccomp-log lets through what the profile refuses" {
    need python3
    run try_vsock --seccomp-log
    [[ $output != 97 ]]
    "$SBX" --seccomp-log --seccomp-profile nochmod.json "${ROOT[@]}" sh -c 'touch /tmp/x && chmod 0600 /tmp/x'
    run "$SBX" --seccomp-log --seccomp-profile none "${ROOT[@]}" echo ran
    [[ $status -eq 125 && $output = 'sbx: --seccomp-log requires a --seccomp-profile' ]]
}

@test "--dry-run names the profile, and says what a chosen one does" {
    run "$SBX" --dry-run "${ROOT[@]}" true
    [[ $output = *$'\nseccomp profile default\nexec true' ]]
    run "$SBX" --dry-run --seccomp-profile default "${ROOT[@]}" true
    [[ $output = *$'\nseccomp profile default\n  deny '*'  deny kernel keyrings (EPERM): add_key keyctl request_key'* ]]
    run "$SBX" --dry-run --seccomp-profile nochmod.json --seccomp-log "${ROOT[@]}" true
    [[ $output = *$'\nseccomp profile nochmod.json, log only\n  ABIs: '*$'\n  log and allow: chmod fchmod'* ]]
    run "$SBX" --dry-run --seccomp-profile none "${ROOT[@]}" true
    [[ $output != *seccomp* ]]
}

@test "a sandbox in a sandbox: under nested, and with a hint under default" {
    [[ $EUID -ne 0 ]] || skip "cannot run here: root's /proc has covers, so that no other may be mounted"
    run "$SBX" --seccomp-profile nested --uid 1000 --gid 1000 --ro-bind "$SBX" /sbx "${ROOT[@]}" \
        /sbx --seccomp-profile nested --uid 1000 --gid 1000 --ro-bind /sbx /sbx "${ROOT[@]}" /sbx "${ROOT[@]}" id -u
    echo "# $output" >&2
    [[ $status -eq 0 && $output = 0 ]]
    run "$SBX" --seccomp-profile nested --cap-add CAP_SETFCAP --ro-bind "$SBX" /sbx "${ROOT[@]}" /sbx "${ROOT[@]}" id -u
    [[ $status -eq 0 && $output = 0 ]]
    run "$SBX" --uid 1000 --gid 1000 --ro-bind "$SBX" /sbx "${ROOT[@]}" /sbx "${ROOT[@]}" id -u
    [[ $status -eq 125 && $output = *'hint: a seccomp filter or Landlock forbids mounts here'* ]]
    run "$SBX" --seccomp-profile nested --ro-bind "$SBX" /sbx "${ROOT[@]}" /sbx "${ROOT[@]}" id -u
    [[ $status -eq 125 && $output = *'hint: root of a sandbox may be mapped again only with CAP_SETFCAP'* ]]
}
