#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# CVE-2026-87766 and its class: a destination whose path leads, through a link, out of the new root.
# For every operation with a destination, for every kind of link, as a parent and as the last
# component, in both personalities and through every fallback: the host is not touched, and the
# operation lands inside the root, or is an error.

load ../lib/common

# The kinds of link targets that lead to the directory $H of the host. The last three are for where
# /oldroot, a deep /.. or a magic link are tried.
link_targets() {
    printf '%s\n' "$H" "/oldroot$H" "../../../../../../../..$H" "/newroot/../oldroot$H" "/../$H"
}

fallbacks=('' --debug-opt=force-openat-fallback --debug-opt=force-mount-setattr-fallback)

# Every operation with a destination: a name, and the words with @ for the destination. %F is a
# descriptor with the text "data", %S a host directory and %f a host file as a source.
operations=(
    'bind-dir --bind %S @' 'bind-file --bind %f @' 'bind-try --bind-try %S @'
    'ro-bind --ro-bind %f @' 'ro-bind-try --ro-bind-try %S @' 'dev-bind --dev-bind %S @'
    'dev-bind-try --dev-bind-try %f @' 'bind-fd --bind-fd 21 @' 'ro-bind-fd --ro-bind-fd 21 @'
    'proc --proc @' 'dev --dev @' 'tmpfs --tmpfs @' 'mqueue --unshare-ipc --mqueue @' 'dir --dir @'
    'file --file 20 @' 'bind-data --bind-data 20 @' 'ro-bind-data --ro-bind-data 20 @'
    'symlink --symlink evil @' 'chmod --chmod 0777 @' 'remount-ro --remount-ro @'
    'tmp-overlay --overlay-src %S --tmp-overlay @'
    'ro-overlay --overlay-src %S --overlay-src %T --ro-overlay @'
    'overlay --overlay-src %S --overlay %U %V @' 'mask --mask @'
    'lock-file --lock-file @'
)

setup() {
    common_setup
    H=$T/host
    mkdir -p "$H/sub" "$T/src" "$T/src2" "$T/up" "$T/work"
    echo host >"$H/file"
    chmod 0640 "$H/file"
    chmod 0750 "$H" "$H/sub"
    echo source >"$T/src/in-source"
    echo source >"$T/srcfile"
    before=$(snapshot "$H")
}

# words_of OPERATION DESTINATION: sets OP to its words.
words_of() {
    local word

    OP=()
    for word in ${1#* }; do
        case $word in
        @) OP+=("$2") ;;
        %S) OP+=("$T/src") ;;
        %T) OP+=("$T/src2") ;;
        %U) OP+=("$T/up") ;;
        %V) OP+=("$T/work") ;;
        %f) OP+=("$T/srcfile") ;;
        *) OP+=("$word") ;;
        esac
    done
}

# attack OPERATION DESTINATION OPTIONS...: starts it; sets status. The caller checks the host.
attack() {
    local name=${1%% *}

    words_of "$1" "$2"
    shift 2
    sb "$@" "${OP[@]}" sh -c 'echo ran'
    if ((status != 0)); then
        is "$status" "$(own_error)" "$name: status"
        hasnt "$output" ran "$name: the payload ran after an error"
        isnt "$stderr" '' "$name: an error without a word"
    else
        has "$output" ran "$name"
    fi
}

host_untouched() {
    [[ $(snapshot "$H") == "$before" ]] && return
    echo "the host was changed by one of: $*" >&2
    diff <(echo "$before") <(snapshot "$H") >&2
    return 1
}

# attacks DESTINATION OPTIONS...: every operation, or, where $SBX_TEST_SHARE says so, one of so many, others each time.
attacks() {
    turn=$((${turn:-0} + 1))
    attacks_of_turn "$@"
}

attacks_of_turn() (
    trap - DEBUG # thousands of commands, see start()
    destination=$1
    shift
    feed 20 data
    feed_file 21 "$T/src"
    for operation in "${operations[@]}"; do
        turn=$((turn + 1))
        ((turn % ${SBX_TEST_SHARE:-1} == 0)) || continue
        attack "$operation" "$destination" "$@"
    done
    host_untouched "$destination" "$@"
)

# each_attack DESTINATION: every operation, every target, every fallback. /l is the link.
each_attack() {
    local fallback target

    for fallback in "${fallbacks[@]}"; do
        while read -r target; do
            # shellcheck disable=SC2086 # none or one word
            attacks "$1" $fallback --symlink "$target" /l
        done < <(link_targets)
    done
}

@test "a parent that is a link out of the root, something new below it" {
    each_attack /l/pwned
}

@test "a parent that is a link out of the root, something that is there on the host" {
    local name

    PERSONALITY=bwrap
    for name in sub file sub/deeper; do
        attacks "/l/$name" --symlink "/oldroot$H" /l
        attacks "/l/$name" --symlink "$H" /l
    done
}

@test "the last component is a link out of the root, to a directory" {
    each_attack /l
}

@test "the last component is a link out of the root, to a file and to nothing" {
    local target

    for target in "$H/file" "$H/new" "/oldroot$H/file" "../../../..$H/new"; do
        attacks /l --symlink "$target" /l
        attacks /l --debug-opt=force-openat-fallback --symlink "$target" /l
    done
    PERSONALITY=bwrap
    attacks /l --symlink "/oldroot$H/file" /l
}

@test "links in a bound host directory lead nowhere but into the root" {
    local fallback place

    mkdir "$T/shared"
    ln -s "$H" "$T/shared/abs"
    ln -s ../host "$T/shared/rel"
    ln -s "$H/file" "$T/shared/file"
    for fallback in "${fallbacks[@]}"; do
        for place in abs/x rel/x file; do
            # shellcheck disable=SC2086 # none or one word
            attacks "/s/$place" $fallback --bind "$T/shared" /s
        done
    done
}

@test "the operations do land inside: what the link means in the root" {
    local fallback

    for fallback in "${fallbacks[@]}" '--debug-opt=force-openat-fallback --debug-opt=force-mount-setattr-fallback'; do
        feed 20 f
        feed 21 in
        feed 22 data
        # shellcheck disable=SC2086
        sb $fallback --symlink "$H" /l --file 20 /l/f --dir /l/d --symlink t /l/s --tmpfs /l/t --file 21 /l/t/in \
            --ro-bind "$T/srcfile" /l/b --bind-data 22 /l/data --chmod 0711 /l/d \
            --mask /l/f --proc /l/proc --dev /l/dev sh -c 'cd "$1" && ls && cat b t/in data && stat -c %a d && readlink s' sh "$H"
        ok
        is "$output" $'b\nd\ndata\ndev\nf\nproc\ns\nt\nsource\nindata711\nt' "$fallback"
        # a link as the last component is followed inside, and stays a link
        # shellcheck disable=SC2086
        sb $fallback --dir /real --symlink /real /abs --symlink real /rel --symlink /oldroot/x /old \
            --tmpfs /abs --dir /rel/made --bind "$T/src" /old \
            sh -c 'ls -d /real/made /oldroot/x/in-source; [ -L /abs ] && [ -L /rel ] && [ -L /old ] && echo links'
        ok
        is "$output" $'/oldroot/x/in-source\n/real/made\nlinks' "$fallback"
    done
    is "$(snapshot "$H")" "$before"
}

@test "dots stop at the root" {
    local fallback

    feed 20 data
    for fallback in "${fallbacks[@]}"; do
        # shellcheck disable=SC2086 # several words
        sb $fallback --dir /a/b --file 20 "/a/b/../../../../../..$H/pwned" --tmpfs ../../../up --dir /a/../../c \
            sh -c 'cat "$1"; ls -d /up /c' sh "$H/pwned"
        ok
        is "$output" $'data/c\n/up' "$fallback"
    done
    is "$(snapshot "$H")" "$before"
}

@test "magic links of a procfs inside are never followed" {
    local fallback magic operation

    cd "$H"
    feed 20 data
    feed_file 25 "$H"
    for fallback in "${fallbacks[@]}"; do
        for magic in /proc/self/root /proc/self/cwd /proc/1/root /proc/self/fd/25; do
            for operation in 'file --file 20 @' 'tmpfs --tmpfs @' 'symlink --symlink evil @'; do
                # shellcheck disable=SC2086 # several words
                attack "$operation" "$magic/pwned" $fallback --proc /proc
                isnt "$status" 0 "$operation on $magic"
            done
        done
        # shellcheck disable=SC2086
        attacks /l/pwned $fallback --proc /proc --symlink "/proc/self/root$H" /l
        # shellcheck disable=SC2086
        attacks "/proc/self/root$H/sub" $fallback --ro-bind /proc /proc
    done
    attacks /l/pwned --proc /proc --symlink /proc/self/cwd /l
    attacks /l --proc /proc --symlink "/proc/self/root$H" /l
    attacks /l/pwned --ro-bind /proc /proc --symlink /proc/1/cwd /l
    host_untouched "any of these"
}

@test "links that go in circles are an error" {
    local fallback

    for fallback in "${fallbacks[@]}"; do
        # shellcheck disable=SC2086 # several words
        sb $fallback --symlink b /a --symlink a /b --dir /a/x echo ran
        refused 'Too many levels of symbolic links'
        # shellcheck disable=SC2086
        sb $fallback --symlink /a /a --tmpfs /a echo ran
        refused 'Too many levels of symbolic links'
    done
}

@test "nothing of the old root is left above or beside the new one" {
    local fallback where

    for PERSONALITY in native bwrap; do
        for fallback in "${fallbacks[@]}"; do
            for where in '' '--tmpfs /' "--bind $T/src /" '--tmpfs / --tmpfs /' "--bind / / --tmpfs /" '--bind / / --tmpfs /usr/..' \
                '--symlink / /r --tmpfs /r'; do
                # shellcheck disable=SC2086 # several words
                personality_words
                # shellcheck disable=SC2086
                capture "${WORDS[@]}" $fallback $where "${ROOT[@]}" --proc /proc sh -c '
                    ls -d "/..$1" "/../../..$1" "$1" /oldroot /newroot /.. 2>&1 | grep -v "No such"
                    cd /; ls -d "..$1" 2>&1 | grep -v "No such"
                    while read -r _ _ _ _ at _; do [ "$at" = / ] && echo mount; done </proc/self/mountinfo
                    ls /proc/1/root"$1" 2>&1 | grep -v "No such\|denied"
                    unshare -U true && echo can nest' sh "$H"
                is "$output" $'/..\nmount\ncan nest' "$PERSONALITY $fallback $where" || {
                    # a stack of mounts on / shows each of them, all of them the payload'\''s own
                    is "$(grep -v '^mount$' <<<"$output")" $'/..\ncan nest' "$PERSONALITY $fallback $where"
                }
                is "$status" 0
            done
        done
    done
    rm -rf "$T"/src/{usr,bin,sbin,lib*,etc,proc}
}

@test "a mount below / that is bound from the same directory is not taken for the root" {
    local fallback

    for fallback in "${fallbacks[@]}"; do
        # shellcheck disable=SC2086 # several words
        capture "$SBX" --bare $fallback --ro-bind / / --ro-bind / /mnt --tmpfs /mnt --dir /mnt/made \
            sh -c 'ls /mnt; ls -d /usr'
        ok
        is "$output" $'made\n/usr'
    done
}

@test "--dest-symlinks=refuse: a link as the last component is an error, in a parent it is not" {
    local fallback operation

    for fallback in "${fallbacks[@]}"; do
        feed 20 data
        # shellcheck disable=SC2086 # several words
        sb $fallback --dest-symlinks=refuse --dir /real --symlink real /link --file 20 /link/f cat /real/f
        ok
        is "$output" data
        for operation in 'tmpfs --tmpfs @' 'dir --dir @' 'file --file 20 @' 'bind --bind %S @' 'bind-data --bind-data 20 @' \
            'proc --proc @' 'dev --dev @' 'mask --mask @' 'tmp-overlay --overlay-src %S --tmp-overlay @'; do
            words_of "$operation" /link
            # shellcheck disable=SC2086
            sb $fallback --dest-symlinks=refuse --dir /real --symlink real /link "${OP[@]}" echo ran
            refused /link
            words_of "$operation" /dangling
            # shellcheck disable=SC2086
            sb $fallback --dest-symlinks=refuse --symlink nowhere /dangling "${OP[@]}" echo ran
            refused
        done
    done
    PERSONALITY=bwrap
    sb --dest-symlinks=refuse --dir /real --symlink real /link --tmpfs /link echo ran
    refused "Can't mount on symlink destination /link"
    sb --dest-symlinks=follow --dir /real --symlink real /link --tmpfs /link echo fine
    ok
    PERSONALITY=native
    sb --dest-symlinks=sometimes echo ran
    refused sometimes
}

@test "--chmod does not follow a link" {
    local fallback

    for fallback in "${fallbacks[@]}"; do
        feed 20 data
        # shellcheck disable=SC2086 # several words
        sb $fallback --perms 0600 --file 20 /f --symlink f /l --chmod 0777 /l echo ran
        refused /l
        feed 20 data
        # shellcheck disable=SC2086
        sb $fallback --dir /d --perms 0600 --file 20 /d/f --symlink d /l --chmod 0640 /l/f stat -c %a /d/f
        ok
        is "$output" 640
    done
}

@test "parents that may be passed through but not read" {
    local fallback

    mkdir -p "$T/closed/inner/deep"
    chmod 0311 "$T/closed" "$T/closed/inner"
    for fallback in "${fallbacks[@]}"; do
        for PERSONALITY in native bwrap; do
            # shellcheck disable=SC2086 # several words
            sb $fallback --bind "$T/closed" /c --ro-bind "$T/srcfile" /c/inner/deep/file --tmpfs /c/inner/deep/t \
                --symlink x /c/inner/deep/l sh -c 'cat /c/inner/deep/file; readlink /c/inner/deep/l; ls -d /c/inner/deep/t'
            ok
            is "$output" $'source\nx\n/c/inner/deep/t'
            rm -rf "$T"/closed/inner/deep/*
        done
    done
    # as the secret home of another user: nobody's right to read it is needed
    chmod 0755 "$T/closed" "$T/closed/inner"
}

@test "a destination that is a FIFO, a device or a socket neither hangs nor is written" {
    local fallback

    need_program python3
    mkdir "$T/odd"
    mkfifo "$T/odd/fifo"
    python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/odd/sock"
    for fallback in "${fallbacks[@]}"; do
        feed 20 data
        # shellcheck disable=SC2086 # several words
        sb $fallback --bind "$T/odd" /o --file 20 /o/fifo echo ran
        refused /o/fifo
        # shellcheck disable=SC2086
        sb $fallback --bind "$T/odd" /o --file 20 /o/sock echo ran
        refused /o/sock
        # shellcheck disable=SC2086
        sb $fallback --bind "$T/odd" /o --ro-bind "$T/srcfile" /o/fifo cat /o/fifo
        ok
        is "$output" source
    done
}

@test "a payload that is quick reaches no descriptor of the set-up's through /proc/1/fd" {
    need_program cc
    mkdir "$T/quick"
    cat >"$T/quick/quick.c" <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

int main(void)
{
	char path[64];

	for (int i = 0; i < 200; i++)
		for (int fd = 20; fd < 22; fd++) {
			snprintf(path, sizeof(path), "/proc/1/fd/%d/..", fd);
			if (open(path, O_PATH) < 0)
				continue;
			printf("reached %d\n", fd);
			return 1;
		}
	return 0;
}
END
    cc -O1 -o "$T/quick/quick" "$T/quick/quick.c"
    tries() {
        local i

        feed_file 20 "$H"
        feed_file 21 "$H"
        for ((i = 0; i < 30; i++)); do
            sb --unshare-all --proc /proc --ro-bind "$T/quick" /quick --ro-bind-fd 20 /d --bind-fd 21 /e /quick/quick
            ok
        done
    }
    both tries
}
