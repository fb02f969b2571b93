#!/usr/bin/env bats
# --landlock: the second wall stands where the mounts would let pass, and lets pass what was granted.

setup() {
    SBX=${SBX:-$SBX_BUILDDIR/sbx}
    cd "$BATS_TEST_TMPDIR" || exit
    mkdir w r
    echo old >w/file
    echo old >r/file
    ROOT=(--ro-bind /usr /usr --bind w /w --ro-bind r /r --unshare-all)
    run "$SBX" --landlock --ro-bind /usr /usr true
    [[ $output != *'this kernel has none'* ]] || skip 'cannot run here: the kernel has no Landlock'
}

inside() {
    "$SBX" "$@" 2>&1
}

@test "writable places are writable, all else can be read" {
    run inside --landlock "${ROOT[@]}" sh -c 'echo new >/w/file && echo new >/tmp/file && mkdir /w/dir &&
        mv /tmp/file /w/dir/ && rm /w/dir/file && cat /r/file && echo x >/dev/null'
    echo "# $output" >&2
    # an older kernel's wall says first what it leaves out
    [[ $status -eq 0 && ${output##*$'\n'} = old && $(cat w/file) = new ]]
}

@test "what lies in no writable place is not writable, though its mount is" {
    run inside "${ROOT[@]}" mkdir /new
    [[ $status -eq 0 ]]
    run inside --landlock "${ROOT[@]}" mkdir /new
    [[ $status -eq 1 && $output = *'Permission denied' ]]
}

@test "with every capability and mounts allowed, nothing is mounted behind the wall" {
    command -v mount >/dev/null || skip 'needs the program mount'
    local all=(--seccomp-profile nested --cap-add ALL)
    run inside "${all[@]}" "${ROOT[@]}" mount -t tmpfs none /r
    [[ $status -eq 0 ]]
    run inside --landlock "${all[@]}" "${ROOT[@]}" mount -t tmpfs none /r
    [[ $status -ne 0 ]]
    run inside --landlock "${all[@]}" "${ROOT[@]}" mount -o remount,rw /r
    [[ $status -ne 0 ]]
}

@test "a signal does not reach pid 1, who is before the wall" {
    run inside "${ROOT[@]}" sh -c 'kill -0 1'
    [[ $status -eq 0 ]]
    run inside --landlock "${ROOT[@]}" sh -c 'kill -0 1; echo $?'
    [[ $output != *leaves\ out*signals* ]] || skip "cannot run here: the kernel's Landlock knows no signals"
    [[ $output = *1 && $output = *'not permitted'* ]]
}

@test "strict and landlock together run a compiler" {
    command -v gcc >/dev/null || skip 'needs the program gcc'
    echo 'int main(void) { return 0; }' >w/main.c
    "$SBX" --landlock --seccomp-profile strict "${ROOT[@]}" sh -c 'cd /w && gcc main.c -o main && ./main'
}

@test "a read-only place in a writable one is said to hang on its mount alone" {
    run inside --landlock "${ROOT[@]}" --ro-bind r /w/dir sh -c 'echo ran; echo >/w/dir/file'
    [[ $output = *"'/w/dir' lies in the writable '/w', so that only its mount is read-only"* ]]
    [[ $output = *ran*'Read-only file system' ]]
}

@test "--dry-run lists the writable places" {
    run inside --dry-run --landlock "${ROOT[@]}" true
    line=$(grep '^landlock ' <<<"$output")
    [[ "$line " = 'landlock writable '*' /w '* && "$line " != *' /r '* ]]
}

@test "as bwrap, too" {
    ln -s "$SBX" bwrap
    run ./bwrap --landlock --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
        --bind w /w mkdir /new
    [[ $status -eq 1 && $output = *'Permission denied' ]]
}
