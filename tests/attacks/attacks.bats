#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A sandbox from the inside, by somebody who wants out: as an ordinary payload, with a weaker seccomp
# profile, and with every capability that can be asked for. attack.py is the attacker.

load ../lib/common

# the one that is tagged root is the only one to run as root
ROOT_CASES=1

setup() {
    common_setup
    need_program python3
    INSIDE=(--ro-bind /usr /usr --ro-bind "$SBX_SRCDIR/tests/attacks/attack.py" /attack.py)
    ALONE=("${INSIDE[@]}" --unshare-all)
    # What the payload is given. The last one may mount in its own mount namespace.
    LEVELS=('' '--seccomp-profile nested' '--seccomp-profile none' '--cap-add ALL'
        '--cap-add ALL --seccomp-profile none')
    mkdir "$T/host"
    echo secret >"$T/host/marker"
}

# attack OPTIONS -- NAME ARGUMENTS: holds when the attacker says so, and says anything.
attack() {
    local options=()
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    capture "$SBX" "${options[@]}" python3 /attack.py "$@"
    is "$status" 0 'the attacker ran'
    has "$output" 'held:' 'the attacker tried'
    hasnt "$output" 'BROKEN' 'the attack worked'
}

# at_every_level [-N] OPTIONS -- NAME ARGUMENTS: all levels but the last N
at_every_level() {
    local n=${#LEVELS[@]} level
    if [[ $1 = -[0-9] ]]; then
        n=$((n + $1))
        shift
    fi
    for level in "${LEVELS[@]:0:n}"; do
        echo "-- level '$level'" >&2
        # shellcheck disable=SC2086 # words
        attack $level "$@"
    done
}

@test "leaving the root: chroot, .., /proc, handles, unmounting, pivot_root" {
    at_every_level "${ALONE[@]}" -- leave_root "$T/host/marker"
}

@test "leaving the root when /proc is the host's" {
    at_every_level "${INSIDE[@]}" -- leave_root "$T/host/marker"
}

@test "making a read-only bind writable" {
    mkdir "$T/ro"
    echo good >"$T/ro/file"
    at_every_level "${ALONE[@]}" --ro-bind "$T/ro" /ro -- remount /ro
    at_every_level --keep-id "${ALONE[@]}" --ro-bind "$T/ro" /ro -- remount /ro
    is "$(<"$T/ro/file")" good
}

@test "what CAP_SYS_ADMIN is for still works, over mounts that cannot be undone" {
    # shellcheck disable=SC2016 # for the inner shell
    capture "$SBX" --cap-add CAP_SYS_ADMIN --cap-add CAP_NET_ADMIN --seccomp-profile none "${ALONE[@]}" sh -c '
        mount -t tmpfs none /tmp && mkdir /tmp/p && mount -t proc none /tmp/p && mount --bind /tmp /run && umount /run &&
        unshare -m true && hostname inside && ip link set lo mtu 1400 && hostname; umount /proc || echo locked'
    is "$output" $'inside\nlocked'
    # nobody can make the namespace that locks them: no payload
    # shellcheck disable=SC2016
    capture unshare -Ur sh -c 'echo 1 >/proc/sys/user/max_user_namespaces; exec "$@"' sh \
        "$SBX" --cap-add CAP_SYS_ADMIN "${ALONE[@]}" echo ran
    refused 'lock the mounts that --cap-add CAP_SYS_ADMIN could undo: No space left on device'
}

@test "looking behind a mask" {
    at_every_level "${ALONE[@]}" --bind "$T/host" /host --mask /host/marker -- unmask /host/marker
    at_every_level --keep-id "${ALONE[@]}" --bind "$T/host" /host --mask /host/marker -- unmask /host/marker
}

@test "mounts made inside do not reach the host" {
    mkdir "$T/shared"
    at_every_level "${ALONE[@]}" --bind "$T/shared" /shared -- propagate /shared
    is "$(stat -c %d "$T/shared")" "$(stat -c %d "$T")"
    hasnt "$(cat /proc/self/mountinfo)" "$T/shared"
}

@test "writing to the kernel's files in /proc and /sys" {
    at_every_level "${ALONE[@]}" -- write_kernel
    at_every_level "${INSIDE[@]}" -- write_kernel
    at_every_level "${ALONE[@]}" --ro-bind /sys /sys -- write_kernel
}

@test "device nodes" {
    at_every_level "${ALONE[@]}" -- make_devices
}

@test "cgroup release agents" {
    local levels=(-0) own
    own=$(sed -n s/^0:://p /proc/self/cgroup)
    # one's own cgroup is one's own, for who may mount it: root's, or one below a user's manager
    [[ ! -w /sys/fs/cgroup$own/cgroup.procs ]] || levels=(-1)
    at_every_level "${levels[@]}" "${ALONE[@]}" -- cgroup_agents
}

@test "calls that the default profile refuses" {
    attack "${ALONE[@]}" -- refused_calls
    attack --cap-add ALL "${ALONE[@]}" -- refused_calls
    attack --seccomp-profile nested "${ALONE[@]}" -- refused_calls
    attack --seccomp-profile nested --cap-add ALL "${ALONE[@]}" -- refused_calls
}

@test "user namespaces when they are disabled" {
    at_every_level --disable-userns --unshare-user "${ALONE[@]}" -- user_namespaces
    attack --seccomp-profile strict "${ALONE[@]}" -- user_namespaces
}

@test "set-user-ID programs and file capabilities" {
    at_every_level "${ALONE[@]}" -- privileges
}

@test "descriptors and the working directory" {
    cd "$T/host"
    KEEP_FD=7
    exec 7<"$T/host" 8>"$T/leak"
    local level
    for level in "${LEVELS[@]}"; do
        # shellcheck disable=SC2086
        "$SBX" $level "${ALONE[@]}" python3 /attack.py descriptors >"$T/said" 2>/dev/null </dev/null 7<"$T/host" 8>"$T/leak"
        output=$(<"$T/said")
        has "$output" 'held:'
        # bats and make leave some of theirs open; sbx closes them all
        hasnt "$(grep -v '^held' "$T/said" || true)" BROKEN
    done
    exec 7<&- 8>&-
}

@test "signals across the border of pid namespaces" {
    background sleep 1000
    local victim=$!
    at_every_level "${ALONE[@]}" -- kill_outside "$victim"
    kill -0 "$victim"
    unlike "$(ps -o stat= -p "$victim")" '^[TZX]'
}

@test "signals to the process group of the caller, across the border of pid namespaces" {
    local level
    for level in "${LEVELS[@]}" --as-pid-1; do
        # a group of its own, without a terminal; the last words are those of somebody else in it
        # shellcheck disable=SC2016,SC2086 # for the inner shell; words
        capture setsid sh -c '"$@"; echo "alive $?"' sh "$SBX" $level "${ALONE[@]}" python3 -c 'import os, signal
for number in (signal.SIGCONT, signal.SIGUSR1, signal.SIGTERM, signal.SIGKILL):
    os.kill(0, number)'
        # pid 1 does not hear itself
        like "$output" '^alive (0|1[0-9][0-9])$'
        isnt "$output" 'alive 125'
    done
}

@test "tracing processes outside, in a shared pid namespace" {
    background sleep 1000
    local victim=$!
    at_every_level "${INSIDE[@]}" -- trace_outside "$victim" "$$"
}

@test "the caller's environment, in the memory of pid 1" {
    export SBX_ATTACK=secret-of-the-caller
    at_every_level "${ALONE[@]}" -- read_environments "$SBX_ATTACK"
    at_every_level --unshare-time "${ALONE[@]}" -- read_environments "$SBX_ATTACK"
    at_every_level --forward-signals "${ALONE[@]}" -- read_environments "$SBX_ATTACK"
}

@test "pid 1 does not die of its children's signals" {
    at_every_level "${ALONE[@]}" -- kill_init
}

@test "overwriting sbx through /proc/PID/exe" {
    cp "$SBX" "$T/own-sbx"
    cksum <"$T/own-sbx" >"$T/before"
    SBX=$T/own-sbx
    at_every_level "${ALONE[@]}" -- overwrite_program
    at_every_level "${INSIDE[@]}" -- overwrite_program
    cksum <"$T/own-sbx" | cmp - "$T/before"
}

@test "overwriting sbx through a handle, when it has ended" {
    cp "$SBX" "$T/own-sbx"
    cksum <"$T/own-sbx" >"$T/before"
    ln -s own-sbx "$T/own-bwrap"
    local program programs=(own-sbx own-bwrap)
    # as bwrap, root is root
    ((EUID != 0)) || programs=(own-sbx)
    for program in "${programs[@]}"; do
        : >"$T/lock"
        # a pid 1 of ours without a pid namespace, which the payload can end
        capture "$T/$program" "${ROOT[@]}" --proc /proc --ro-bind "$T/lock" /lock --lock-file /lock \
            --ro-bind "$SBX_SRCDIR/tests/attacks/attack.py" /attack.py python3 /attack.py overwrite_later 2
        sleep 3
        cksum <"$T/own-sbx" | cmp - "$T/before"
    done
}

@test "the host's abstract sockets" {
    background python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind("\0" + sys.argv[1])
s.listen()
print("ready", flush=True)
time.sleep(1000)' "sbx-attack-$$"
    wait_for 120 grep -q ready "$T/bg.out"
    at_every_level "${ALONE[@]}" -- connect_abstract "sbx-attack-$$"
}

@test "killing the monitor takes the payload along" {
    background "$SBX" "${ALONE[@]}" --bind "$T/host" /host sh -c 'echo up >/host/up; exec sleep 1000'
    local monitor=$! payload
    wait_for 120 test -s "$T/host/up"
    payload=$(ps -o pid= --ppid "$monitor" | head -n1)
    isnt "$payload" ''
    kill -KILL "$monitor"
    wait_for 120 gone "$((payload))"
}

in_another_userns() {
    [[ $(readlink "/proc/$1/ns/user") != "$(readlink /proc/self/ns/user)" ]]
}

# bats test_tags=root
@test "killing the monitor takes the payload along, whose ids have changed" {
    need_root
    # the kernel forgets the death signal with the ids
    background unshare -U sleep 1000
    local owner=$! monitor payload
    wait_for 120 in_another_userns "$owner"
    echo '0 0 4294967295' >"/proc/$owner/uid_map"
    echo '0 0 4294967295' >"/proc/$owner/gid_map"
    chmod 0777 "$T/host"
    # shellcheck disable=SC2016
    background sh -c 'exec "$@" 9<"$0"' "/proc/$owner/ns/user" "$SBX" --userns 9 --uid 5 --gid 5 "${INSIDE[@]}" \
        --unshare-pid --bind "$T/host" /host sh -c 'echo up >/host/up; exec sleep 1000'
    monitor=$!
    wait_for 120 test -s "$T/host/up"
    payload=$(ps -o pid= --ppid "$monitor" | head -n1)
    isnt "$payload" ''
    kill -KILL "$monitor"
    wait_for 120 gone "$((payload))"
}

@test "typing into the caller's terminal" {
    cat >"$T/terminal.py" <<'PY'
# A terminal, a sandbox on it, and a payload that types; what it typed would be read back here.
import os, pty, select, subprocess, sys

master, slave = pty.openpty()
payload = """
import ctypes, errno, fcntl, os
libc = ctypes.CDLL(None, use_errno=True)
for upper in (0, 1 << 32, 0x7fffffff << 32):
    for c in b"evil\\n":
        ctypes.set_errno(0)
        libc.syscall(%d, ctypes.c_long(0), ctypes.c_long(upper | 0x5412), bytes([c]))
        # without a filter it may type, into a terminal of its own
        assert %r or ctypes.get_errno() == errno.EPERM, errno.errorcode.get(ctypes.get_errno())
for name in ("/dev/tty", "/dev/console", "/proc/self/fd/0", "/proc/1/fd/0"):
    try:
        fd = os.open(name, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        continue
    if %r:
        try:
            fcntl.ioctl(fd, 0x5412, b"x")  # TIOCSTI
        except OSError as error:  # a kernel that has it no more (dev.tty.legacy_tiocsti)
            assert error.errno == errno.EIO, error
    os.write(fd, b"output is allowed")
""" % (16 if os.uname().machine == "x86_64" else 29, "none" in sys.argv, "none" in sys.argv)


def controlling_terminal():
    os.setsid()
    import fcntl, termios
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


r = subprocess.run([*sys.argv[1:], "python3", "-c", payload], stdin=slave, stderr=subprocess.PIPE,
                   preexec_fn=controlling_terminal, check=False)
print(r.returncode, r.stderr.decode())
os.set_blocking(slave, False)
try:
    print("typed", os.read(slave, 100))
except BlockingIOError:
    print("nothing was typed")
PY
    local options
    for options in '' '--no-pty' '--cap-add ALL' '--cap-add ALL --no-pty' '--seccomp-profile none' \
        '--seccomp-profile none --cap-add ALL'; do
        # shellcheck disable=SC2086 # words
        capture python3 "$T/terminal.py" "$SBX" $options "${ALONE[@]}"
        like "$output" '^0 '
        has "$output" 'nothing was typed'
    done
}

@test "links swapped below a destination while the sandbox is set up" {
    mkdir "$T/shared" "$T/shared/good"
    local before
    before=$(snapshot "$T/host")
    # shellcheck disable=SC2016
    background sh -c 'cd "$1"; while :; do ln -sfn ../host d; ln -sfn "$2" d; ln -sfn good d; done' sh "$T/shared" "$T/host"
    local i
    for i in $(seq 60); do
        feed 20 evil
        capture "$SBX" "${ALONE[@]}" --bind "$T/shared" /shared --file 20 /shared/d/file --dir "/shared/d/dir" \
            --tmpfs /shared/d/tmp --ro-bind /usr/bin /shared/d/marker sh -c 'touch /shared/d/x; true'
    done
    is "$(snapshot "$T/host")" "$before" 'the host was touched'
}

@test "the host's System V shared memory, queues and semaphores" {
    background python3 -c '
import ctypes, random, time
libc = ctypes.CDLL(None)
# IPC_CREAT and IPC_EXCL: a key that nobody else has
while True:
    key = random.randrange(1, 1 << 31)
    shm = libc.shmget(key, 16, 0o3666)
    if shm != -1:
        break
print(shm, libc.msgget(key, 0o3666), libc.semget(key, 1, 0o3666), key, flush=True)
time.sleep(1000)'
    wait_for 120 grep -q '[0-9]' "$T/bg.out"
    local -a objects
    read -ra objects <"$T/bg.out"
    local level
    for level in "${objects[@]}"; do isnt "$level" -1; done
    # shellcheck disable=SC2068
    at_every_level "${ALONE[@]}" -- ipc ${objects[@]}
    ipcrm -m "${objects[0]}" -q "${objects[1]}" -s "${objects[2]}"
}

@test "the payload's process number, used again" {
    local level
    SINK[20]=$T/said
    for level in '' '--cap-add ALL'; do
        : >"$T/host/reused"
        chmod 0666 "$T/host/reused"
        # as bwrap, what the payload leaves lives on with pid 1
        # shellcheck disable=SC2086 # words
        capture "$BWRAP" $level --unshare-all "${ROOT[@]}" --proc /proc --bind "$T/host" /tmp \
            --json-status-fd 20 --ro-bind "$SBX_SRCDIR/tests/attacks/attack.py" /attack.py python3 /attack.py reuse_pid /tmp/reused
        is "$status" 42 'the status is that of the payload'
        has "$(<"$T/said")" '"exit-code": 42'
        hasnt "$(<"$T/said")" '"exit-code": 77'
    done
    # the last level may say which number comes next, over process ids of its own
    wait_for 120 grep -q reused "$T/host/reused"
}

@test "the start's directory and the command, through descriptors of the host" {
    # CVE-2024-21626 and CVE-2019-5736 of runc: the links are a former payload's work
    mkdir "$T/shared"
    FEED=([20]="$T/host" [21]=/ [22]=/proc)
    local fd options
    for fd in {3..24}; do ln -s "/proc/self/fd/$fd" "$T/shared/$fd"; done
    printf '#!/bin/sh\necho ran a program of the host\n' >"$T/host/program"
    printf '#!/proc/self/fd/20/program\n' >"$T/shared/script"
    ln -s /proc/self/fd/20/program "$T/shared/link"
    chmod +x "$T/host/program" "$T/shared/script"
    for fd in {3..9} {20..22}; do
        for options in '' '--as-pid-1 --disable-userns --unshare-user --cap-add ALL --seccomp-profile none'; do
            # shellcheck disable=SC2086 # words
            capture "$SBX" $options "${ALONE[@]}" --bind "$T/shared" /shared --chdir "/shared/$fd" \
                python3 /attack.py is_in_root
            hasnt "$output" BROKEN
            like "$status $output" '^125 |^0 held:'
        done
    done
    for fd in 20 21 22; do
        capture "$BWRAP" --unshare-user "${ROOT[@]}" --proc /proc --bind "$T/shared" /tmp --chdir "/tmp/$fd" pwd
        is "$status" 1
        is "$output" ''
    done
    for fd in script link; do
        capture "$SBX" "${ALONE[@]}" --bind "$T/shared" /shared "/shared/$fd"
        like "$status" '^12[67]$'
        hasnt "$output" 'program of the host'
    done
    # the caller's own directory may have become such a link
    mkdir "$T/shared/here"
    cd "$T/shared/here"
    capture env -u HOME "$SBX" --bare "${ROOT[@]}" --proc /proc --symlink /proc/self/fd/20 "$PWD" pwd -P
    is "$output" /
}

@test "a /proc that somebody has prepared" {
    # CVE-2025-52881 of runc: what is written there goes elsewhere, and nothing is restricted
    mkdir -p "$T/proc/self/attr" "$T/proc/sys/user"
    local name
    for name in self/uid_map self/gid_map self/setgroups self/attr/exec self/timens_offsets self/mountinfo \
        sys/user/max_user_namespaces; do
        : >"$T/proc/$name"
    done
    ln -s "$T/host" "$T/proc/1"
    local before
    before=$(snapshot "$T/proc")
    capture "$SBX" "${INSIDE[@]}" --unshare-all --unshare-user --keep-id --disable-userns --bind "$T/proc" /proc \
        sh -c 'id -u; unshare -U true 2>/dev/null && echo BROKEN; true'
    is "$status" 0
    is "$output" "$(id -u)"
    is "$(snapshot "$T/proc")" "$before"
    is "$(find "$T/proc" -type f -size +0)" ''
}

@test "a command that looks like an option" {
    # CVE-2024-32462 of flatpak
    capture "$SBX" "${ALONE[@]}" -- --bind / /host true
    is "$status" 127
    has "$stderr" "'--bind'"
    capture "$BWRAP" --unshare-user "${ROOT[@]}" -- --bind / /host true
    is "$status" 1
    has "$stderr" 'execvp --bind'
}

@test "a directory behind a descriptor, swapped for a link" {
    # CVE-2024-42472 and CVE-2026-34078 of flatpak
    mkdir "$T/swap" "$T/swap/good"
    # shellcheck disable=SC2016
    background sh -c 'cd "$1"; while :; do mv good moved; ln -s "$2" good; rm good; mv moved good; done' sh "$T/swap" "$T/host"
    local i bound=0
    KEEP_FD=20
    for i in $(seq 40); do
        # shellcheck disable=SC2094
        { exec 20<"$T/swap/good"; } 2>/dev/null || continue
        # what was opened may be the link's target already: that is the caller's doing
        [[ /proc/$BASHPID/fd/20 -ef $T/host ]] && continue
        capture "$SBX" "${ALONE[@]}" --bind-fd 20 /dir sh -c 'ls /dir'
        hasnt "$output" marker
        ((status != 0)) || bound=$((bound + 1))
    done
    exec 20<&-
    echo "bound $bound times of 40" >&2
}

@test "nothing is made where others could prepare it" {
    # CVE-2019-12439: a mount point in /tmp
    need_program strace
    strace -f -qq -e trace=mkdir,mkdirat,open,openat,mknod,mknodat,symlink,symlinkat,mount,move_mount,creat \
        -o "$T/trace" "$SBX" "${ALONE[@]}" true
    is "$(grep -E '"(/tmp|/var/tmp|/dev/shm|/run)[/"]' "$T/trace" | grep -vE 'O_RDONLY|ENOENT' || :)" ''
}

@test "a mask and a /dev/console whose sources a former payload has replaced" {
    # CVE-2025-31133 and CVE-2025-52565 of runc: what is mounted is what a link leads to
    mkdir "$T/tree" "$T/tree/dev" "$T/tree/masked"
    ln -s "$T/host/marker" "$T/tree/dev/null"
    ln -s "$T/host/marker" "$T/tree/dev/console"
    ln -s "$T/host/marker" "$T/tree/link"
    local before options
    before=$(snapshot "$T/host")
    for options in '' '--cap-add ALL' '--cap-add ALL --seccomp-profile none'; do
        # shellcheck disable=SC2086 # words
        capture "$SBX" $options "${ALONE[@]}" --bind "$T/tree" /tree --dev /tree/dev --mask /tree/masked sh -c '
            cat /tree/dev/null /tree/dev/console </dev/null; echo evil >/tree/dev/null; ls /tree/masked'
        hasnt "$output" secret
        # a mask of a link would cover what it leads to, or nothing
        # shellcheck disable=SC2086
        capture "$SBX" $options "${ALONE[@]}" --bind "$T/tree" /tree --mask /tree/link sh -c 'cat /tree/link'
        hasnt "$output" secret
        # nor is the caller's own terminal mounted through what is inside
        # shellcheck disable=SC2086
        capture "$BWRAP" --unshare-user ${options%--seccomp-profile none} "${ROOT[@]}" --bind "$T/tree" /tmp --dev /tmp/dev \
            sh -c 'cat /tmp/dev/null; echo evil >/tmp/dev/null; :'
        hasnt "$output" secret
    done
    is "$(snapshot "$T/host")" "$before" 'the host was touched'
}

@test "joining by a name, or by a descriptor of something else" {
    # CVE-2022-31214 of firejail: a sandbox that somebody has made up is joined
    local option
    for option in --join --join-or-start --pid; do
        capture "$SBX" "${ALONE[@]}" "$option" evil echo ran
        refused "$option"
    done
    mkdir "$T/fake"
    : >"$T/fake/user"
    FEED=([20]="$T/fake/user" [21]=/proc/self/ns/mnt [22]="$T/fake")
    local fd
    for option in --userns --userns2 --pidns --netns; do
        for fd in 20 21 22; do
            capture "$SBX" --ro-bind /usr /usr "$option" "$fd" --unshare-pid echo ran
            refused
        done
    done
}
