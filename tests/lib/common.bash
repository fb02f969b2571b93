# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What every bats file of this tree shares: where the program under test is, how a sandbox is
# started and its output taken, assertions, and skips that say why.
#
# Environment:
#   SBX           the program under test (default: sbx in the build directory)
#   BWRAP_REF     the reference bubblewrap (default /usr/bin/bwrap)
#   SBX_MUST_RUN  1: a skip that the machine could have run is a failure
#
# Variables for the tests:
#   T       a directory of the test's own, removed afterwards
#   W       the working directory that every sandbox is started in ($T/w)
#   BWRAP   the program under test under the name bwrap
#   ROOT    options that give a sandbox the host's programs and nothing else
#   status output stderr    how the last captured command ended, and what it said

bats_require_minimum_version 1.5.0

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL=C.UTF-8
unset CDPATH

common_here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
SBX=${SBX:-${abs_top_builddir:-$common_here/../..}/sbx}
[[ -x $SBX ]] && SBX=$(cd "$(dirname "$SBX")" && pwd)/$(basename "$SBX")
BWRAP_REF=${BWRAP_REF:-/usr/bin/bwrap}
export SBX BWRAP_REF

# The longest a test may hang before it counts as failed, in seconds.
export BATS_TEST_TIMEOUT=${BATS_TEST_TIMEOUT:-300}

# --- skips ---------------------------------------------------------------------------------

# skip_cannot REASON: this machine has no way to run the test.
skip_cannot() {
    skip "cannot run here: $1"
}

# skip_missing REASON: something that could be there is not. A failure where everything must run.
skip_missing() {
    if [[ ${SBX_MUST_RUN:-0} == 1 ]]; then
        echo "SBX_MUST_RUN is set, and this test cannot run: $1" >&2
        return 1
    fi
    skip "$1"
}

# need_program NAME...: the test needs these programs on the host.
need_program() {
    local name

    for name; do
        command -v "$name" >/dev/null || skip_missing "needs the program $name"
    done
}

need_root() {
    ((EUID == 0)) || skip_cannot "a case for root (make check-root runs it)"
}

need_user() {
    ((EUID != 0)) || skip_missing "a case for an ordinary user, but this is root"
}

# need_kernel MAJOR.MINOR WHAT: older kernels cannot do WHAT.
need_kernel() {
    local have

    have=$(uname -r)
    [[ $(printf '%s\n' "$1" "${have%%-*}" | sort -V | head -n1) == "$1" ]] ||
        skip_cannot "kernel $have is older than $1 and cannot do $2"
}

# A sanitizer reserves terabytes of addresses and keeps descriptors and memory of its own.
sanitized() {
    grep -q __asan_init "$SBX"
}

# --- set-up --------------------------------------------------------------------------------

# The host's programs, whatever the layout of its root is.
common_host_root() {
    local dir

    ROOT=(--ro-bind /usr /usr)
    for dir in bin sbin lib lib32 lib64 libx32; do
        if [[ -L /$dir ]]; then
            ROOT+=(--symlink "$(readlink "/$dir")" "/$dir")
        elif [[ -d /$dir ]]; then
            ROOT+=(--ro-bind "/$dir" "/$dir")
        fi
    done
    # awk, editors and others are links through /etc/alternatives on Debian.
    [[ -d /etc/alternatives ]] && ROOT+=(--ro-bind /etc/alternatives /etc/alternatives)
    return 0
}

# Call as the first line of setup().
common_setup() {
    [[ -x $SBX ]] || {
        echo "the program under test is not there: $SBX (set SBX)" >&2
        return 1
    }
    # root may do too much for most cases to mean anything
    [[ ${ROOT_CASES-} == 1 ]] || need_user
    T=$BATS_TEST_TMPDIR
    W=$T/w
    mkdir "$T/bin" "$W"
    ln -s "$SBX" "$T/bin/bwrap"
    BWRAP=$T/bin/bwrap
    PERSONALITY=native
    declare -gA FEED=() SINK=()
    KEEP_FD=-1
    BACKGROUND=()
    common_host_root
    cd "$W"
}

# Call as the last line of teardown(): ends what the test left behind, and makes the test's
# directory removable (overlay work directories have no mode bits).
common_teardown() {
    local pid

    for pid in "${BACKGROUND[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    cd /
    chmod -R u+rwX "$BATS_TEST_TMPDIR" 2>/dev/null || true
}

setup() {
    common_setup
}

teardown() {
    common_teardown
}

# --- running -------------------------------------------------------------------------------

# feed FD TEXT: FD reads TEXT in the next runs. feed_file FD FILE: FD reads FILE.
feed() {
    printf '%s' "$2" >"$T/feed.$1"
    FEED[$1]=$T/feed.$1
}

feed_file() {
    FEED[$1]=$2
}

# KEEP_FD: a descriptor that start leaves open, for what a test opened in the same subshell.

# sink FD: what the next run writes to FD lands in the file $T/sink.FD.
sink() {
    SINK[$1]=$T/sink.$1
}

unfeed() {
    FEED=()
    SINK=()
}

# start PROGRAM ARGS...: replaces this subshell by PROGRAM with exactly the descriptors asked for
# (bats, bash and make leave some of their own open).
start() {
    local fd

    trap - DEBUG # bats traces every command, which is most of the time a test takes
    for fd in /proc/"$BASHPID"/fd/*; do
        fd=${fd##*/}
        ((fd < 3 || fd == 255 || KEEP_FD == fd)) || eval "exec $fd>&-"
    done
    for fd in "${!FEED[@]}"; do
        eval "exec $fd<\"\${FEED[$fd]}\""
    done
    for fd in "${!SINK[@]}"; do
        eval "exec $fd>\"\${SINK[$fd]}\""
    done
    exec "$@"
}

# feed_args FD WORD...: FD reads the words as an argument file.
feed_args() {
    local fd=$1

    shift
    printf '%s\0' "$@" >"$T/feed.$fd"
    FEED[$fd]=$T/feed.$fd
}

# capture PROGRAM ARGS...: runs it to its end; sets status, output (stdout) and stderr, without
# the newlines at their ends.
capture() {
    status=0
    (start "$@") </dev/null >"$T/out" 2>"$T/err" || status=$?
    slurp
}

# capture_in FILE PROGRAM ARGS...: the same, with FILE as stdin.
capture_in() {
    local stdin=$1

    shift
    status=0
    (start "$@") <"$stdin" >"$T/out" 2>"$T/err" || status=$?
    slurp
}

slurp() {
    { output=$(<"$T/out") stderr=$(<"$T/err"); } 2>/dev/null # bash notes every NUL it drops
}

# background PROGRAM ARGS...: starts it; its pid is in $! and it is ended after the test.
# Its stdout and stderr are $T/bg.out and $T/bg.err.
background() {
    (start "$@") </dev/null >"$T/bg.out" 2>"$T/bg.err" &
    BACKGROUND+=("$!")
}

# as_personality: the command line up to the first option, in PERSONALITY. native is --bare, so
# that both personalities start from an empty root.
personality_words() {
    case $PERSONALITY in
    native) WORDS=("$SBX" --bare) ;;
    bwrap) WORDS=("$BWRAP") ;;
    esac
}

# sb ARGS...: a captured sandbox with the host's programs, in the current personality.
sb() {
    personality_words
    capture "${WORDS[@]}" "${ROOT[@]}" "$@"
}

# sb_bg ARGS...: the same in the background.
sb_bg() {
    personality_words
    background "${WORDS[@]}" "${ROOT[@]}" "$@"
}

# both FUNCTION ARGS...: runs FUNCTION once in each personality, in a fresh working directory.
both() {
    for PERSONALITY in native bwrap; do
        echo "-- personality $PERSONALITY" >&2
        unfeed
        rm -rf "$W"
        mkdir "$W"
        cd "$W"
        "$@"
    done
}

# The status of an error of sbx's own: 1 as bwrap, 125 natively.
own_error() {
    case $PERSONALITY in
    native) echo 125 ;;
    bwrap) echo 1 ;;
    esac
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; fails when it does not in several times that, the more the
# slower the machine is ($SBX_PATIENCE). The time is only a limit for hangs.
wait_for() {
    local end=$((SECONDS + $1 * ${SBX_PATIENCE:-3}))

    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || {
            echo "still not true: $*" >&2
            return 1
        }
        sleep 0.02
    done
}

# gone PID: no process of that number is left, or only its corpse.
gone() {
    ! [[ -e /proc/$1 ]] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status" 2>/dev/null ||
        ! [[ -e /proc/$1 ]]
}

# --- assertions ----------------------------------------------------------------------------

show_last() {
    printf 'status: %s\nstdout:\n%s\nstderr:\n%s\n' \
        "${status-}" "${output-}" "${stderr-}" >&2
}

# is ACTUAL EXPECTED [WHAT]
is() {
    [[ $1 == "$2" ]] && return
    printf '%s\n  expected: %s\n  but got:  %s\n' "${3:-not equal}" "$2" "$1" >&2
    show_last
    return 1
}

# isnt ACTUAL UNWANTED [WHAT]
isnt() {
    [[ $1 != "$2" ]] && return
    printf '%s: %s\n' "${3:-must not be}" "$1" >&2
    show_last
    return 1
}

# like ACTUAL REGEX [WHAT]
like() {
    [[ $1 =~ $2 ]] && return
    printf '%s\n  expected: %s\n  but got:  %s\n' "${3:-does not match}" "$2" "$1" >&2
    show_last
    return 1
}

# unlike ACTUAL REGEX [WHAT]
unlike() {
    [[ ! $1 =~ $2 ]] && return
    printf '%s\n  unwanted: %s\n  in:       %s\n' "${3:-matches}" "$2" "$1" >&2
    show_last
    return 1
}

# has ACTUAL TEXT [WHAT]: ACTUAL contains TEXT literally.
has() {
    [[ $1 == *"$2"* ]] && return
    printf '%s\n  expected: %s\n  in:       %s\n' "${3:-does not contain}" "$2" "$1" >&2
    show_last
    return 1
}

# hasnt ACTUAL TEXT [WHAT]
hasnt() {
    [[ $1 != *"$2"* ]] && return
    printf '%s\n  unwanted: %s\n  in:       %s\n' "${3:-contains}" "$2" "$1" >&2
    show_last
    return 1
}

# ok: the last captured command succeeded and said nothing on stderr.
ok() {
    is "$status" 0 'exit status'
    is "$stderr" '' 'stderr'
}

# fails STATUS [TEXT]: the last captured command ended with STATUS, and stderr contains TEXT.
fails() {
    is "$status" "$1" 'exit status'
    [[ -n $stderr ]] || {
        echo 'failed without a word' >&2
        return 1
    }
    [[ $# -lt 2 ]] || has "$stderr" "$2" 'stderr'
}

# refused [TEXT]: the last captured sandbox ended with an error of sbx's own, in one message that
# carries the personality's prefix, and no payload ran (payloads of such tests print "ran").
refused() {
    fails "$(own_error)" "${1-}"
    case $PERSONALITY in
    native) like "$stderr" '^sbx: ' 'prefix' ;;
    bwrap) like "$stderr" '^bwrap: ' 'prefix' ;;
    esac
    hasnt "$output" ran 'the payload ran'
}

# snapshot DIR: names, types, modes, sizes and contents below DIR, for comparing before and after.
snapshot() {
    (
        trap - DEBUG
        cd "$1"
        find . -printf '%p %y %m %s %l\n' | LC_ALL=C sort
        find . -type f -readable -exec cksum {} + | LC_ALL=C sort -k3
    )
}

# glibc keeps signals 32 and 33 to itself; some launchers of test suites leave them ignored, and no program
# built with glibc can change that. They are taken out of $output.
hide_libc_signals() {
    output=${output//SigIgn:$'\t'000000018/SigIgn:$'\t'000000000}
}
