# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the scripts of tests/net have on the lab's host (lab.sh). How long anything takes is no
# matter here: what has to be waited for is waited for, and hangs are the runner's to end.
#
# Set by the test: SBX, the program; BOX, an array, sbx and the options of every sandbox.
# From the environment: SBX_NET_MIB, how many MiB a large payload has (100), and SBX_PATIENCE, by how much this
# machine is slower than others, for guests. LARGE is the former in bytes.
LARGE=$((${SBX_NET_MIB:-100} << 20))
# seconds of silence that peer.py and talk.py take for a hang
export TIMEOUT=${TIMEOUT:-$((60 * ${SBX_PATIENCE:-4}))}

# need_lab: for the bats file's own setup(), skips the test where no lab can be made.
need_lab() {
    if [ "$(id -u)" = 0 ]; then
        id "${LAB_USER:-tester}" >/dev/null 2>&1 || skip "cannot run here: there is no user ${LAB_USER:-tester} to become"
    elif ! { : <>/dev/net/tun; } 2>/dev/null; then
        skip "cannot run here: /dev/net/tun may not be opened, and only root can make another"
    fi
}

# lab_run SCRIPT: for the bats file, which has HERE and SBX: runs it on the lab's host, with these functions.
lab_run() {
    # shellcheck disable=SC2016 # for the lab's shell
    "$HERE/lab.sh" bash -euc '
        export SBX='"'$SBX'"' HERE='"'$HERE'"'
        . "$HERE/lab.bash"
        BOX=("$SBX" --ro-bind /usr /usr --ro-bind "$HERE" "$HERE" --unshare-all --net user
            --setenv TIMEOUT "$TIMEOUT" --setenv SBX_NET_MIB "${SBX_NET_MIB:-100}")
        '"$1"
}

# until_true COMMAND...: runs it until it succeeds.
until_true() {
    local i

    for ((i = 0; i < 2400; i++)); do
        ! "$@" 2>/dev/null || return 0
        sleep 0.05
    done
    echo "never came true: $*" >&2
    return 1
}

# slirp4netns_as PATH: our program of that name, under it; beside sbx in a build tree, or where it is installed.
slirp4netns_as() {
    local program=${SBX%/*}/../libexec/sbx/slirp4netns

    [ -e "$program" ] || program=${SBX%/*}/slirp4netns
    ln -s "$program" "$1"
}

box() {
    "${BOX[@]}" "$@"
}

# box_begin SCRIPT OPTION...: a sandbox in the background, which is $BOX_PID, is at its script when
# this returns. What it prints goes to /run/out; it sees /run, but the files are not its own.
box_begin() {
    local script=$1

    shift
    : >/run/begun
    "${BOX[@]}" --ro-bind /run /run --bind /run/begun /run/begun "$@" \
        bash -euc "echo begun >/run/begun; $script" >/run/out &
    BOX_PID=$!
    until_true grep -q begun /run/begun
}

# confined_helper_of PID: its network helper is $HELPER, and is confined by now.
confined_helper_of() {
    HELPER=$(pgrep -x -P "$1" sbx-net) && grep -q "Seccomp:	2" "/proc/$HELPER/status"
}

# no_process PATTERN: the lab has none of that name.
no_process() {
    ! pgrep -x "$1" >/dev/null
}

# server PORT OPTION...: a sandbox, which is $SERVER, with echo, hash, source, hello from PORT on.
server() {
    local port=$1

    shift
    : >/run/server
    "${BOX[@]}" "$@" "$PEER" server "$port" 10.0.2.100 fd73:6278:6e65:74::100 >/run/server &
    SERVER=$!
    until_true grep -q listening /run/server
}

# web_server ADDR PORT DIRECTORY: serves it in the world.
web_server() {
    local url=http://$1:$2/

    [[ $1 != *:* ]] || url=http://[$1]:$2/
    ip netns exec world python3 -m http.server --bind "$1" "$2" --directory "$3" 2>>/run/log &
    until_true curl -s -o /dev/null "$url"
}

# new_netns: a process, which is $TARGET, in a network namespace of its own.
new_netns() {
    unshare -n sleep 1000 &
    TARGET=$!
    until_true other_netns "$TARGET"
}

other_netns() {
    [[ $(readlink "/proc/$1/ns/net") != "$(readlink /proc/self/ns/net)" ]]
}
