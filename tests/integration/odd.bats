#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Odd surroundings and hard input: it works, or it is an error that says so.

load ../lib/common

probe=$BATS_TEST_DIRNAME/../lib/probe.py

@test "closed stdin, stdout and stderr" {
    closed() {
        local redirect

        personality_words
        for redirect in '<&-' '>&-' '2>&-' '<&- >&-' '<&- >&- 2>&-'; do
            rm -f result
            status=0
            # shellcheck disable=SC2016 # for the inner shells
            (eval "start \"\${WORDS[@]}\" \"\${ROOT[@]}\" --unshare-all --dev /dev --proc /proc --bind . /w \
                --ro-bind \"\$T/data\" /data sh -c 'exec 5>/w/result; ls /proc/self/fd | tr \"\\n\" \" \" >&5; cat /data >&5; exit 4' $redirect") \
                </dev/null >"$T/out" 2>"$T/err" || status=$?
            is "$status" 4 "$redirect"
            # none of them is one of sbx's own: what is closed is closed, or /dev/null
            has "$(<result)" 'the data' "$redirect"
        done
        # an error with nobody to hear it is still an error
        status=0
        (start "${WORDS[@]}" "${ROOT[@]}" --ro-bind /none /x true 2>&-) || status=$?
        is "$status" "$(own_error)"
    }
    echo 'the data' >"$T/data"
    both closed
}

@test "data that arrives on stdin, and stdin that is closed, are not mixed up" {
    data() {
        personality_words
        echo content >"$T/in"
        capture_in "$T/in" "${WORDS[@]}" "${ROOT[@]}" --file 0 /f cat /f
        ok
        is "$output" content
        status=0
        (start "${WORDS[@]}" "${ROOT[@]}" --file 0 /f sh -c 'wc -c </f; echo ran' <&-) >"$T/out" 2>"$T/err" || status=$?
        slurp
        # an error, or the emptiness of /dev/null; never what sbx has open itself
        [[ $output == $'0\nran' ]] || refused
    }
    both data
}

@test "a full or broken pipe as stdout" {
    broken() {
        personality_words
        capture bash -c 'set -o pipefail; "$@" --unshare-pid sh -c "while echo y; do :; done" 2>&- | head -n1' bash "${WORDS[@]}" "${ROOT[@]}"
        is "$output" y
        isnt "$status" 0
    }
    both broken
}

@test "a deleted working directory" {
    deleted() {
        mkdir gone
        cd gone
        rmdir "$PWD"
        HOME=/usr sb pwd
        ok
        is "$output" /usr
        sb --chdir /usr/bin pwd
        is "$output" /usr/bin
        sb --ro-bind . /x ls /x
        [[ $status == 0 ]] || refused .
        cd "$W"
    }
    both deleted
}

@test "a working directory that cannot be read" {
    unreadable() {
        mkdir -p closed/inner
        cd closed/inner
        chmod 0 ..
        HOME=/usr sb pwd
        ok
        is "$output" /usr
        chmod 755 ..
        cd "$W"
    }
    both unreadable
}

@test "a working directory whose path is longer than any path may be" {
    deep() {
        personality_words
        HOME=/usr capture python3 -c '
import os, sys
for i in range(25):
    os.mkdir("d" * 200)
    os.chdir("d" * 200)
os.execvp(sys.argv[1], sys.argv[1:])' "${WORDS[@]}" "${ROOT[@]}" pwd
        ok
        is "$output" /usr
    }
    both deep
}

@test "a file of sbx that may be executed, but not read" {
    unreadable() {
        mkdir bin
        cp "$SBX" bin/bwrap
        cp "$SBX" bin/sbx
        chmod 111 bin/bwrap bin/sbx
        SBX=$PWD/bin/sbx BWRAP=$PWD/bin/bwrap sb --unshare-user true
        refused 'Permission denied'
        [[ $PERSONALITY == bwrap ]] || like "$stderr" 'hint: the file of sbx has to be readable'
    }
    # a sanitizer reads its own /proc/self/maps, which the kernel refuses to such a program
    sanitized || both unreadable
}

@test "a tiny RLIMIT_NOFILE: it works with many binds, or is an error" {
    tiny() {
        local limit args=() i

        for ((i = 0; i < 200; i++)); do args+=(--ro-bind /usr/share "/m/$i"); done
        personality_words
        for limit in 4096 64 32 20 12 8 4; do
            capture bash -c 'ulimit -n "$1"; shift; exec "$@"' bash "$limit" "${WORDS[@]}" "${ROOT[@]}" --unshare-all \
                --proc /proc --dev /dev "${args[@]}" sh -c 'ls /m | wc -l'
            if ((status == 0)); then
                is "$output" 200 "limit $limit"
                is "$stderr" ''
            else
                ((limit < 64))
                is "$status" "$(own_error)" "limit $limit"
                isnt "$stderr" ''
                [[ $PERSONALITY == bwrap ]] || like "$stderr" 'hint: .*ulimit -n' "limit $limit"
                hasnt "$output" 200
            fi
        done
    }
    both tiny
}

@test "other limits: no core, little memory, few processes" {
    limits() {
        personality_words
        capture bash -c 'ulimit -c 0; ulimit -f 0; exec "$@"' bash "${WORDS[@]}" "${ROOT[@]}" --unshare-all --dev /dev true
        ok
        sanitized && return
        # what a desktop's image loader sets; the payload inherits it
        capture bash -c 'ulimit -v 1000000; exec "$@"' bash "${WORDS[@]}" "${ROOT[@]}" --unshare-all sh -c 'ulimit -v'
        ok
        is "$output" 1000000
    }
    both limits
}

@test "a descriptor that is not open" {
    closed() {
        local option

        for option in block-fd sync-fd info-fd json-status-fd seccomp add-seccomp-fd userns2 args \
            'file /x' 'bind-data /x' 'ro-bind-data /x' 'bind-fd /x' 'ro-bind-fd /x'; do
            # shellcheck disable=SC2086
            sb --unshare-user "--${option%% *}" 9 ${option#"${option%% *}"} echo ran 9>&-
            refused 'Bad file descriptor'
            [[ $PERSONALITY == bwrap ]] || like "$stderr" 'hint: the descriptor is not open'
        done
    }
    both closed
}

@test "a descriptor that is not open is not mistaken for one of sbx's own" {
    mistaken() {
        local option n

        personality_words
        for option in block-fd sync-fd info-fd json-status-fd seccomp add-seccomp-fd userns userns2 pidns \
            netns 'file /x' 'bind-data /x' 'ro-bind-data /x' 'bind-fd /x' 'ro-bind-fd /x'; do
            # what sbx opens gets the lowest free numbers, so these
            for n in 3 4 5 6 7 8; do
                # shellcheck disable=SC2086
                capture python3 -c '
import os, sys
os.closerange(3, 256)
for fd in range(3, int(sys.argv[1])):
    os.dup2(0, fd)
os.execv(sys.argv[2], sys.argv[2:])' "$n" "${WORDS[@]}" "${ROOT[@]}" \
                    "--${option%% *}" "$n" ${option#"${option%% *}"} echo ran
                refused 'Bad file descriptor'
            done
        done
    }
    both mistaken
}

@test "errors of places say what is there" {
    sb --dir /d --symlink a /d true
    refused "make symbolic link '/d': something else is there"
    sb --symlink a /l --symlink b /l true
    refused "make symbolic link '/l': one to 'a' is there"
    sb --dir /d --ro-bind /etc/passwd /d true
    refused "use '/d' as a file: it is a directory"
    sb --file 0 /f --tmpfs /f true
    refused "use '/f' as a directory: it is none"
    sb --dir /d --remount-ro /d true
    refused "remount read-only '/d': nothing is mounted there"
    sb --chmod 4750 /none true
    refused "change the mode of '/none' to 04750: No such file or directory"
    sb --dest-symlinks refuse --symlink usr /l --tmpfs /l true
    refused "mount on '/l': it is a symbolic link"
}

# As a container's filter that is older than the call, or does not like it.
@test "a call that is refused where an older one does" {
    refusing() {
        local call number inner

        personality_words
        inner=("${WORDS[0]}" "${ROOT[@]}" --unshare-all --proc /proc --dev /dev --tmpfs /tmp --dir /a/b/../c
            --ro-bind /usr /a/usr sh -c 'echo /* /a/*; cat /proc/net/dev')
        capture "${inner[@]}"
        ok
        echo "$output" >"$T/expected"
        for call in statx fsopen unshare clone3 openat2 open_tree mount_setattr pidfd_send_signal close_range; do
            for number in 1 38; do
                echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["'$call'"],
                    "action": "SCMP_ACT_ERRNO", "errnoRet": '$number'}]}' >"$T/profile"
                capture "$SBX" --bare --keep-id --bind / / --dev /dev --proc /proc --unshare-pid \
                    --seccomp-profile "$T/profile" "${inner[@]}"
                # ids of the caller's take a second user namespace, which nothing else makes
                if [[ $PERSONALITY-$call == bwrap-unshare ]]; then
                    refused 'unshare user ns: '
                    continue
                fi
                ok
                is "$(diff "$T/expected" - <<<"$output")" '' "$call $number"
            done
        done
    }
    both refusing
}

# bwrap needs 32 kB; each stage's frames are held small (-Wframe-larger-than).
@test "a stack of 64 kB" {
    small() {
        personality_words
        capture_in "$T/data" bash -c 'ulimit -s 64; exec "$@"' bash "${WORDS[@]}" "${ROOT[@]}" --unshare-all --dev /dev --proc /proc "$@"
    }
    each() {
        small --perms 0644 --file 0 /a/b/../c/file sh -c 'wc -c </a/c/file'
        ok
        is "$output" 300000
        small --tmp-overlay /none true
        refused
        small --ro-bind /none /x true
        refused 'No such file or directory'
        small --timeout 60 --report report --seccomp-profile "$T/oci" --net user true
        ok
        small --debug-opt=force-openat-fallback --debug-opt=force-mount-setattr-fallback --ro-bind /etc /a/b/c/d sh -c 'echo made'
        ok
        is "$output" made
    }
    ! sanitized || skip_cannot "a sanitizer's frames are larger"
    head -c 300000 /dev/zero >"$T/data"
    echo '{ "defaultAction": "SCMP_ACT_ALLOW" }' >"$T/oci"
    both each
}

@test "paths of 4096 bytes" {
    long() {
        local name path='' i

        name=$(printf 'n%.0s' {1..250})
        for ((i = 0; i < 16; i++)); do path+=/$name; done
        # 16 * 251 = 4016, the most that fits with what is before it
        sb --tmpfs "${path:0:4000}" --dir "${path:0:3900}/d" sh -c 'echo made'
        ok
        is "$output" made
        # one byte under the limit, at it, and far over it
        sb --dir "$(printf '/d%.0s' {1..2047})" echo made
        ok
        sb --dir "$(printf '/d%.0s' {1..2048})" echo ran
        refused 'File name too long'
        sb --tmpfs "/$(printf 'd/%.0s' {1..4000})" echo ran
        refused 'File name too long'
        sb --dir "/$(printf 'x%.0s' {1..256})" echo ran
        refused 'File name too long'
        sb --ro-bind "/$(printf 'x%.0s' {1..5000})" /x echo ran
        refused 'File name too long'
        sb --symlink "$(printf 'x%.0s' {1..4095})" /l sh -c 'readlink /l | wc -c'
        is "$output" 4096
        sb --chdir "/$(printf 'x%.0s' {1..5000})" echo ran
        refused 'File name too long'
        sb "/$(printf 'x%.0s' {1..5000})"
        isnt "$status" 0
        isnt "$stderr" ''
        # through links that grow
        sb --symlink "$(printf 'd/%.0s' {1..2000})" /a --dir "/a/$(printf 'd/%.0s' {1..100})" echo ran
        isnt "$stderr" '' || ok
    }
    both long
    ROOT=(--debug-opt=force-openat-fallback "${ROOT[@]}")
    both long
}

@test "a deep tree, and a long way of dots and slashes" {
    deep() {
        sb --dir "/a$(printf '/b%.0s' {1..500})" --tmpfs "/a$(printf '/b%.0s' {1..500})/../../c" sh -c 'ls -d /a/b'
        ok
        sb --tmpfs "///././/$(printf '../%.0s' {1..1000})t" ls -d /t
        ok
    }
    both deep
    ROOT=(--debug-opt=force-openat-fallback "${ROOT[@]}")
    both deep
}

@test "names with spaces, newlines, quotes, percents and non-UTF-8 bytes" {
    names() {
        local name

        for name in 'a b' $'a\nb' 'a\040b' 'a,b:c=d' $'\xff\xfe\x01' "it's" '%s%n' -dash --tmpfs '*' '$(true)'; do
            mkdir -p "./$name/work" "./$name/up" "./$name/low"
            echo "in it" >"./$name/file"
            feed 20 data
            sb --ro-bind "./$name" "/d/$name" --tmpfs "/t/$name" --file 20 "/t/$name/f" --symlink "$name" "/s/$name" \
                --chmod 0700 "/t/$name" --bind-data 20 "/b/$name" --setenv X "$name" --mask "/d/$name/work" \
                --chdir "/t/$name" --lock-file "/b/$name" \
                sh -c 'cat "/d/$1/file" "/t/$1/f" "/b/$1"; [ "$(readlink "/s/$1")" = "$1" ] && [ "$X" = "$1" ] && [ "$PWD" = "/t/$1" ] && echo same' \
                sh "$name"
            ok
            is "$output" $'in it\ndatadatasame' "$name"
            sb --bind . /w --ro-bind /none "/w/$name" echo ran
            refused /none
        done
    }
    both names
    ROOT=(--debug-opt=force-mount-setattr-fallback --debug-opt=force-openat-fallback "${ROOT[@]}")
    both names
}

@test "mounts below a source whose names need escaping in mountinfo" {
    escaped() {
        personality_words
        mkdir tree
        capture unshare -Urm bash -c '
            for d in "a b" $'\''c\td'\'' $'\''e\nf'\'' '\''g\040h'\''; do mkdir "tree/$d"; mount -t tmpfs t "tree/$d"; done
            "$@" --ro-bind tree /t bash -c '\''for d in /t/*; do (: >"$d/x") 2>&- || echo ro; done'\''' \
            bash "${WORDS[@]}" "${ROOT[@]}"
        ok
        is "$output" $'ro\nro\nro\nro'
        rm -rf tree
    }
    both escaped
    ROOT=(--debug-opt=force-mount-setattr-fallback "${ROOT[@]}")
    both escaped
}

@test "an empty environment, no argv, a strange argv[0]" {
    need_program python3
    bare() {
        personality_words
        capture env -i "${WORDS[@]}" "${ROOT[@]}" /usr/bin/env
        ok
        is "$output" PWD=/
        capture python3 "$probe" raw "$SBX"
        ((status == 1 || status == 125))
        isnt "$stderr" ''
    }
    both bare
}

@test "environment entries that are no variables" {
    need_program python3
    strange() {
        personality_words
        capture python3 "$probe" raw "$(printf '%s\n' "${WORDS[@]}" "${ROOT[@]}" --setenv A 3 --setenv C 4 /usr/bin/printenv A C)" \
            $'novalue\n=empty\nA=1\nB=\xff'
        ok
        is "$output" $'3\n4'
    }
    both strange
}

@test "the caller's terminal: a payload on it, and job control left in order" {
    need_program python3
    terminal() {
        personality_words
        capture python3 "$probe" pty "${WORDS[@]}" "${ROOT[@]}" --unshare-all --dev /dev --proc /proc \
            sh -c '[ -t 0 ] && [ -t 1 ] && echo tty; stty -a >/dev/null && echo settings; exit 3'
        is "$status" 3
        is "$output" $'tty\nsettings'
    }
    both terminal
}

@test "a caller whose seccomp filter knows no new system calls" {
    need_program python3
    local number under=$SBX_BUILDDIR/tests/seccomp/run-under
    local rules=(clone3 openat2 open_tree move_mount fsopen fsconfig fsmount mount_setattr pidfd_open pidfd_send_signal
        close_range faccessat2)

    filtered() {
        personality_words
        capture "$under" -9 "${WORDS[@]}" "${ROOT[@]}" --unshare-all --dev /dev --proc /proc --bind . /w --tmpfs /w/t \
            --bind-data 20 /w/f sh -c 'echo $$; cat /w/f; read -r _ _ _ _ at flags _ </proc/self/mountinfo; echo "$at $flags"'
        ok
        is "$output" $'2\ndata\n/ rw,nosuid,nodev,relatime'
        # the time limit and the signals still arrive
        capture "$under" -9 "${WORDS[@]}" --forward-signals "${ROOT[@]}" --timeout 0.3 sh -c 'kill -TERM $PPID; sleep 1000'
        like "$status" '^(143|124)$'
        capture "$under" -9 "${WORDS[@]}" "${ROOT[@]}" --unshare-pid --timeout 0.3 --kill-after 0.3 \
            sh -c 'trap "" TERM; while :; do sleep 1; done'
        is "$status" 124
    }
    for number in 1 38; do
        python3 "$probe" bpf "$T/filter" allow "${rules[@]/%/=e$number}"
        again() {
            feed_file 9 "$T/filter"
            feed 20 data$'\n'
            filtered
        }
        both again
    done
}

@test "two hundred sandboxes at once" {
    local i failed=0 pids=()

    for ((i = 0; i < 200; i++)); do
        (start "$SBX" --ro-bind /usr /usr --unshare-all true) </dev/null >/dev/null 2>>"$T/err" &
        pids+=("$!")
    done
    for i in "${pids[@]}"; do wait "$i" || failed=$((failed + 1)); done
    is "$failed" 0
    is "$(<"$T/err")" ''
}

@test "the sandbox leaves nothing behind on the host" {
    # mounts would come back to where they are shared; nobody else has any there
    local in_shared='mount --make-rshared / && cut -d" " -f5- /proc/self/mountinfo >"$0.before" || exit 99
        "$@" || exit; cut -d" " -f5- /proc/self/mountinfo | diff "$0.before" -'

    clean() {
        mkdir src
        feed 20 x
        personality_words
        capture unshare -Urm --propagation private sh -c "$in_shared" "$T/mounts" "${WORDS[@]}" "${ROOT[@]}" \
            --unshare-all --tmpfs /t --bind src /s --bind-data 20 /x --overlay-src src --tmp-overlay /o --mask /usr/share \
            --dev /dev --proc /proc true
        ok
        is "$output" ''
        is "$(ls -A src)" ''
    }
    both clean
    is "$(find /tmp /run /dev/shm -maxdepth 1 -user "$(id -un)" \( -name 'oldroot*' -o -name 'newroot*' -o -name '.sbx-*' -o -name 'bindfile*' \) 2>/dev/null)" ''
}
