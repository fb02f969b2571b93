#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What each file system option does, in both personalities and through both mount paths.

load ../lib/common

mounts='while read -r _ _ _ _ at opts rest; do echo "$at $opts ${rest#*- }"; done </proc/self/mountinfo'

# both_ways FUNCTION: in both personalities, with the new mount API and with mount(2).
both_ways() {
    for FALLBACK in '' --debug-opt=force-mount-setattr-fallback; do
        echo "-- fallback $FALLBACK" >&2
        [[ -z $FALLBACK ]] || ROOT=("$FALLBACK" "${ROOT[@]}")
        both "$@"
    done
}

binds() {
    mkdir -p src/sub
    echo text >src/file
    sb --bind src /rw --ro-bind src /ro --dev-bind src /dev-rw --ro-bind-try src /ro-try --bind-try src /try \
        --dev-bind-try src /dev-try --bind-try none /n1 --ro-bind-try none /n2 --dev-bind-try none /n3 \
        --ro-bind src/file /a/file --proc /proc sh -c '
        cat /a/file
        for d in rw ro dev-rw ro-try try dev-try; do
            (echo new >/$d/by-$d) 2>&- && echo "$d writable" || echo "$d not"
        done
        ls -d /n[123] 2>&1 | grep -v "No such"
        '"$mounts"' | grep -E "^/(rw|ro|dev|try|a)"'
    is "$(head -n7 <<<"$output")" 'text
rw writable
ro not
dev-rw writable
ro-try not
try writable
dev-try writable'
    is "$(ls src)" $'by-dev-rw\nby-dev-try\nby-rw\nby-try\nfile\nsub'
    like "$output" '/ro ro,nosuid,nodev'
    like "$output" '/rw rw,nosuid,nodev'
    like "$output" '/dev-rw rw,nosuid[, ]'
    unlike "$output" '/dev-rw [a-z,]*nodev'
    unlike "$output" '/dev-try [a-z,]*nodev'
    sb --bind none /x echo ran
    refused none
    sb --ro-bind none /x echo ran
    refused none
    sb --dev-bind none /x echo ran
    refused none
}

@test "--bind --ro-bind --dev-bind and their -try forms" {
    both_ways binds
}

devices() {
    sb --dev-bind /dev/null /d/null --bind /dev/null /b/null sh -c 'echo x >/d/null && echo opened; (echo x >/b/null) 2>&- || echo denied'
    is "$output" $'opened\ndenied'
    is "$stderr" ''
}

@test "devices open below --dev-bind, and not below --bind" {
    both_ways devices
}

submounts() {
    # a tree with mounts in it, made in a namespace of this test's own
    personality_words
    mkdir -p tree/a
    capture unshare -Urm sh -c '
        mount -t tmpfs one tree/a; mkdir "tree/a/b c"; mount -t tmpfs two "tree/a/b c"; echo deep >"tree/a/b c/file"
        "$@" --ro-bind tree /t --bind tree /rw sh -c "cat \"/t/a/b c/file\"; for d in /t /t/a \"/t/a/b c\"; do
            (: >\"\$d/new\") 2>&- || echo ro; done; for d in /rw /rw/a \"/rw/a/b c\"; do : >\"\$d/new\" && echo rw; done"' \
        sh "${WORDS[@]}" "${ROOT[@]}"
    ok
    is "$output" $'deep\nro\nro\nro\nrw\nrw\nrw'
}

@test "binds take the mounts below along, with the same flags" {
    both_ways submounts
}

bind_fds() {
    mkdir d
    echo text >d/file
    feed_file 20 d
    feed_file 21 d
    feed_file 22 d/file
    sb --bind-fd 20 /rw --ro-bind-fd 21 /ro --bind-fd 22 /file --proc /proc sh -c '
        cat /rw/file /ro/file /file; echo more >>/file; (: >/ro/new) 2>&- || echo ro; : >/rw/new
        for fd in 20 21 22; do [ -e /proc/self/fd/$fd ] && echo leaked; done; :'
    ok
    is "$output" $'text\ntext\ntext\nro'
    is "$(<d/file)" $'text\nmore'
    unfeed
    sb --bind-fd 29 /x echo ran
    refused 29
}

@test "--bind-fd and --ro-bind-fd" {
    both_ways bind_fds
}

# The kernel mounts no descriptor of another namespace, so its path is looked up again.
moved_fd() {
    local inode how

    for how in moved replaced; do
        rm -rf a gone
        mkdir a
        inode=$(stat -c %i a)
        personality_words
        status=0
        (
            exec 20<a
            KEEP_FD=20
            if [[ $how == moved ]]; then mv a gone; else rmdir a; fi
            mkdir a
            start "${WORDS[@]}" "${ROOT[@]}" --bind-fd 20 /x sh -c 'echo ran; stat -c %i /x'
        ) </dev/null >"$T/out" 2>"$T/err" || status=$?
        slurp
        if [[ $how == moved ]]; then
            is "$output" $'ran\n'"$inode"
        else
            refused 20
        fi
    done
}

@test "--bind-fd: what was opened is bound or nothing, also when its path has changed" {
    both moved_fd
}

remount() {
    sb --tmpfs /a --tmpfs /a/b --remount-ro /a --dev-bind /dev /dev --remount-ro /dev --proc /proc sh -c '
        (: >/a/f) 2>&- || echo ro; : >/a/b/f && echo rw below; (echo x >/dev/null) 2>&- || echo no devices'
    is "$output" $'ro\nrw below\nno devices'
    sb --dir /d --remount-ro /d echo ran
    refused
    sb --remount-ro / sh -c '(: >/f) 2>&- || echo ro'
    is "$output" ro
    mkdir src
    sb --bind src /s --remount-ro /s sh -c '(: >/s/f) 2>&- || echo ro'
    is "$output" ro
    : >src/host-still-writable
}

@test "--remount-ro" {
    both_ways remount
}

made() {
    feed 20 file
    feed 21 bind
    feed 22 ro
    feed 23 private
    sb --dir /d --perms 0700 --dir /d2 --tmpfs /t --perms 1777 --tmpfs /t2 --size 65536 --perms 0711 --tmpfs /t3 \
        --file 20 /a/b/f --bind-data 21 /a/c/b --ro-bind-data 22 /a/c/r --perms 0440 --file 23 /p \
        --symlink /any/where /x/l --chmod 0710 /d sh -c '
        stat -c "%n %F %a" /d /d2 /t /t2 /t3 /a /a/b /a/b/f /a/c/b /a/c/r /p /x; readlink /x/l; cat /a/b/f /a/c/b /a/c/r /p; echo
        stat -f -c %b /t3; echo more >>/a/c/b; (echo more >>/a/c/r) 2>&- || echo ro'
    ok
    is "$output" '/d directory 710
/d2 directory 700
/t directory 755
/t2 directory 1777
/t3 directory 711
/a directory 755
/a/b directory 755
/a/b/f regular file 666
/a/c/b regular file 600
/a/c/r regular file 600
/p regular file 440
/x directory 755
/any/where
filebindroprivate
16
ro'
}

@test "--dir --tmpfs --file --bind-data --ro-bind-data --symlink --chmod --perms --size" {
    both_ways made
}

on_host() {
    mkdir -p shared/sub
    chmod 0711 shared/sub
    echo 'old and longer' >shared/f
    chmod 0600 shared/f
    feed 20 new
    sb --bind shared /s --file 20 /s/f --dir /s/sub --perms 0750 --dir /s/made --symlink t /s/link true
    ok
    is "$(<shared/f)" new
    is "$(stat -c '%n %a' shared/f shared/sub shared/made)" $'shared/f 600\nshared/sub 711\nshared/made 750'
    is "$(readlink shared/link)" t
}

@test "what is made below a writable bind is made on the host; what is there keeps its mode" {
    both_ways on_host
}

proc_dev() {
    sb --unshare-pid --proc /proc --dev /dev --unshare-ipc --mqueue /dev/mqueue sh -c '
        cat /proc/1/status >/dev/null && echo $$; ls /proc | grep -cx "[0-9]*"
        for n in null zero full random urandom tty; do [ -c /dev/$n ] && printf "%s " $n; done; echo
        for l in stdin stdout stderr fd core ptmx; do printf "%s " "$(readlink /dev/$l)"; done; echo
        head -c4 /dev/zero | od -An -tx1; (echo x >/dev/full) 2>/dev/null || echo full; ls -A /dev/pts /dev/shm
        stat -f -c %T /dev/mqueue; [ -e /dev/console ] || echo no console; : >/dev/shm/x && : >/dev/x && echo writable'
    ok
    like "$output" '^2'
    has "$output" 'null zero full random urandom tty '
    has "$output" '/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd /proc/kcore pts/ptmx '
    has "$output" ' 00 00 00 00'
    has "$output" $'full\n/dev/pts:\nptmx\n\n/dev/shm:\n'
    has "$output" $'mqueue\nno console\nwritable'
    sb --proc /proc sh -c 'echo $$; kill -0 $$ && ls -d /proc/'"$$"
    ok
    has "$output" "/proc/$$"
}

@test "--proc --dev --mqueue" {
    both_ways proc_dev
}

@test "--dev: a terminal on stdout is /dev/console, and pseudo terminals work" {
    need_program python3
    terminals() {
        personality_words
        capture python3 "$BATS_TEST_DIRNAME/../lib/probe.py" pty "${WORDS[@]}" "${ROOT[@]}" --dev /dev --proc /proc \
            sh -c 'tty; [ -c /dev/console ] && echo console; echo heard >/dev/console; python3 -c "import pty, os; print(os.ttyname(pty.openpty()[1]))"'
        ok
        is "$output" $'/dev/console\nconsole\nheard\n/dev/pts/0'
    }
    both_ways terminals
}

@test "--proc without a new pid namespace, and what could be written there by root" {
    covered() {
        sb --proc /proc --uid 0 sh -c 'for f in sys/kernel/hostname sysrq-trigger irq bus; do
            [ ! -e /proc/$f ] || [ ! -w /proc/$f ] || echo "writable $f"; done; echo done'
        is "$output" "done"
    }
    both_ways covered
}

overlays() {
    mkdir low high up work
    echo low >low/both
    echo low >low/only
    echo high >high/both
    unshare -Urm sh -c 'mkdir u w m && mount -t overlay o -o userxattr,lowerdir=low,upperdir=u,workdir=w m' 2>/dev/null ||
        skip_cannot "overlayfs does not work in a user namespace on the file system of $T"
    sb --overlay-src low --overlay-src high --overlay up work /o --overlay-src low --tmp-overlay /t \
        --overlay-src low --overlay-src high --ro-overlay /r sh -c '
        cat /o/both /o/only /t/both /r/both; echo changed >/o/both; echo changed >/t/both; cat /t/both
        (echo x >/r/new) 2>&- || echo ro; rm /o/only; ls /t'
    ok
    is "$output" $'high\nlow\nlow\nhigh\nchanged\nro\nboth\nonly'
    is "$(<up/both)" changed
    is "$(cat low/both low/only high/both)" $'low\nlow\nhigh'
    chmod -R u+rwX work u w
    rm -rf u w m work up
    mkdir work up
    sb --overlay-opt volatile --overlay-src low --overlay up work /o --proc /proc grep -o volatile /proc/self/mountinfo
    if ((status == 0)); then
        is "${output%%$'\n'*}" volatile
    else
        refused overlay
    fi
    chmod -R u+rwX work
    rm -rf work up
    mkdir work up
    sb --overlay-opt no_such_option --overlay-src low --overlay up work /o echo ran
    refused
}

@test "--overlay-src --overlay --tmp-overlay --ro-overlay --overlay-opt" {
    both_ways overlays
}

masks() {
    mkdir -p d/secret d/open
    echo key >d/secret/key
    echo key >d/keyfile
    ln -s secret d/link
    sb --bind d /d --mask /d/secret --mask /d/keyfile --mask /d/none --mask /none/at/all --mask /d/keyfile/below \
        sh -c 'ls -A /d/secret; wc -c </d/keyfile; (echo x >/d/keyfile) 2>&- || echo ro; (: >/d/secret/x) 2>&- || echo ro
        [ -f /d/keyfile ] && [ -d /d/secret ] && echo types; ls -A /d; [ -e /none ] || echo nothing made'
    ok
    is "$output" $'0\nro\nro\ntypes\nkeyfile\nlink\nopen\nsecret\nnothing made'
    is "$(cd d && find . | sort | xargs)" '. ./keyfile ./link ./open ./secret ./secret/key'
    is "$(cat d/keyfile d/secret/key)" $'key\nkey'
    sb --ro-bind d /d --mask /d/link ls -A /d/link /d/secret
    ok
    is "$output" $'/d/link:\n\n/d/secret:'
    # a later operation wins over the mask
    sb --ro-bind d /d --mask /d/secret --ro-bind d/secret/key /d/keyfile cat /d/keyfile
    is "$output" key
    sb --dev-bind /dev /dev --mask /dev/null sh -c 'wc -c </dev/null; stat -c %F /dev/null'
    is "$output" $'0\nregular empty file'
}

@test "--mask: hides, read-only, of the same type, leaving nothing behind" {
    both_ways masks
}

ordered() {
    mkdir -p host/sub
    echo host >host/sub/file
    feed 20 later
    sb --bind host /h --tmpfs /h/sub sh -c 'ls -A /h/sub'
    is "$output" ''
    sb --tmpfs /h/sub --bind host /h cat /h/sub/file
    is "$output" host
    sb --tmpfs /h --file 20 /h/f --remount-ro /h --ro-bind host /x --tmpfs /x/sub --ro-bind host/sub/file /x/sub/g \
        sh -c 'cat /h/f /x/sub/g'
    is "$output" 'laterhost'
    is "$(<host/sub/file)" host
}

@test "operations happen in the order given" {
    both_ways ordered
}

@test "a relative destination starts at the root, a relative source at the caller" {
    relative() {
        mkdir src
        echo x >src/f
        sb --ro-bind src/f some/f --tmpfs t --dir ./t/d sh -c 'cat /some/f; ls -d /t/d'
        ok
        is "$output" $'x\n/t/d'
    }
    both relative
}

@test "one descriptor for several operations gives all of them its content, or is an error" {
    again() {
        feed 20 content
        sb --file 20 /a --ro-bind-data 20 /b sh -c 'cat /a /b'
        ok
        is "$output" contentcontent
        personality_words
        capture bash -c 'printf x | { "$@" --file 0 /a --file 0 /b cat /a /b; }' bash "${WORDS[@]}" "${ROOT[@]}"
        refused '/b'
    }
    both again
}

@test "a thousand binds" {
    local args=() i

    mkdir -p "$T/share/doc"
    for ((i = 0; i < 1000; i++)); do args+=(--ro-bind "$T/share" "/m/$i"); done
    both_many() {
        feed_args 20 "${args[@]}"
        sb --args 20 sh -c 'ls /m | wc -l; ls -d /m/999/doc'
        ok
        is "$output" $'1000\n/m/999/doc'
    }
    both_ways both_many
}

@test "--exec-label and --file-label are refused without SELinux" {
    [[ ! -d /sys/fs/selinux ]] || skip_cannot "SELinux is there"
    labels() {
        sb --exec-label a echo ran
        refused 'labeling not supported'
        sb --file-label a --tmpfs /t echo ran
        refused 'labeling not supported'
    }
    both labels
}
