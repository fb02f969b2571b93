#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# File system operations: defaults, modes, parents, order, and what lands on the host.

load ../lib/common
load ../lib/compare

# Names, types and modes; and the mounts, in a form without what differs by run.
look='for f; do stat -c "%n %F %a" "$f"; done'
mounts='while read -r _ _ _ root at opts rest; do echo "$at $opts ${rest#*- }"; done </proc/self/mountinfo |
    sed -E "s/ (tmpfs|none|sbx) / /; s/,(uid|gid|inode64|inode32)[=0-9]*//g; /^\/ /s/,mode=755//"'

# 0.13 and sbx say more than 0.11.1 here.
wrong_type='s/ (the destination is not a [a-z]*)$//'

@test "an empty sandbox has a writable root and nothing in it" {
    compare_sandbox sh -c 'ls -A / | grep -vE "^(usr|bin|sbin|lib.*|etc)$"; : >/new && echo ok; stat -c %a /'
    ok
    is "$output" $'ok\n755'
}

@test "mount flags of every kind of bind, and of a new root" {
    mkdir "$T/src"
    compare_sandbox --bind "$T/src" /rw --ro-bind "$T/src" /ro --dev-bind "$T/src" /dev-rw \
        --proc /proc sh -c "$mounts" 2>&1
    ok
    like "$output" '/rw rw,nosuid,nodev'
    like "$output" '/ro ro,nosuid,nodev'
    like "$output" '/dev-rw rw,nosuid[, ]'
    unlike "$output" '/dev-rw [a-z,]*nodev'
}

@test "binds are recursive" {
    compare_sandbox --ro-bind /dev /hostdev --proc /proc sh -c "$mounts"' | grep hostdev/pts | tail -n1'
    ok
    like "$output" '^/hostdev/pts ro,'
}

@test "missing sources: fatal without -try, skipped with it, and only ENOENT is" {
    local option

    for option in bind ro-bind dev-bind; do
        compare_sandbox "--$option" "$T/none" /x echo ran
        is "$stderr" "bwrap: Can't find source path $T/none: No such file or directory"
        is "$status" 1
        compare_sandbox "--$option-try" "$T/none" /x sh -c '[ -e /x ] || echo absent'
        ok
        is "$output" absent
        compare_sandbox "--$option-try" /etc/passwd/no /x echo ran
        is "$stderr" "bwrap: Can't find source path /etc/passwd/no: Not a directory"
    done
    [[ -x /root ]] || {
        compare_sandbox --bind-try /root/in /x echo ran
        is "$stderr" "bwrap: Can't find source path /root/in: Permission denied"
    }
}

@test "sources are relative to the caller's directory and resolved on the host beforehand" {
    DIRTY=1
    populate() {
        mkdir -p real/deep
        echo content >real/file
        ln -s real/file link
        ln -s nowhere dangling
    }
    compare_sandbox --ro-bind ./real /d --ro-bind link /f --ro-bind real/../real/file /g \
        sh -c 'cat /d/file /f /g'
    ok
    is "$output" $'content\ncontent\ncontent'
    compare_sandbox --ro-bind dangling /x echo ran
    is "$stderr" "bwrap: Can't find source path dangling: No such file or directory"
    # a later source does not see an earlier destination
    feed 20 content
    compare_sandbox --tmpfs /a --file 20 /a/new --ro-bind /a/new /b echo ran
    is "$stderr" "bwrap: Can't find source path /a/new: No such file or directory"
}

@test "a magic link as the source of a -try bind keeps working" {
    compare_sandbox --ro-bind-try /proc/self/ns/user /run/.userns \
        sh -c '[ -s /run/.userns ] || stat -f -c %T /run/.userns'
    ok
    is "$output" nsfs
}

@test "a source that is a file, a directory, a device, a socket, a pipe" {
    DIRTY=1
    populate() {
        echo text >file
        mkfifo pipe
        python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("sock")'
    }
    need_program python3
    compare_sandbox --bind file /a/file --bind pipe /a/pipe --bind sock /a/sock \
        --dev-bind /dev/null /a/null --bind "$T" /a/dir \
        sh -c "$look" sh /a/file /a/pipe /a/sock /a/null /a/dir
    ok
    is "$output" '/a/file regular file 644
/a/pipe fifo 644
/a/sock socket 755
/a/null character special file 666
/a/dir directory 755'
}

@test "destinations: relative ones start at /, dots and slashes are the kernel's" {
    compare_sandbox --tmpfs t --dir ./t/a --dir //t//b --dir /t/a/../c --symlink x t/l \
        sh -c "$look; readlink /t/l" sh /t /t/a /t/b /t/c
    ok
    like "$output" '/t/c directory 755'
}

@test "parents are made: the mode of a listed directory is 0755 with default options" {
    feed 20 x
    alone "${ROOT[@]}" --tmpfs /a/b/t --dir /c/d/e --bind /usr /f/g/usr --symlink x /h/i/l \
        --proc /j/k/proc --dev /l/m/dev --bind-data 20 /p/q/file \
        sh -c "$look" sh /a /a/b /c /c/d /f /f/g /h /h/i /j /j/k /l /l/m
    ok
    unlike "$output" 'directory 7[0-4]'
    is "$(printf '%s\n' "$output" | grep -c 'directory 755$')" 12
}

@test "parents of what --perms makes private are no more open than that" {
    feed 20 x
    compare_sandbox --perms 0700 --dir /a/b/c --perms 0750 --dir /d/e/f --perms 0600 --file 20 /g/h/i \
        --perms 0770 --tmpfs /m/n/o --perms 0705 --dir /p/q/r \
        sh -c "$look" sh /a/b /a/b/c /d/e /d/e/f /g/h /g/h/i /m/n /m/n/o /p/q
    ok
    is "$output" '/a/b directory 700
/a/b/c directory 700
/d/e directory 750
/d/e/f directory 750
/g/h directory 700
/g/h/i regular file 600
/m/n directory 750
/m/n/o directory 770
/p/q directory 705'
}

@test "modes: defaults and --perms for everything that takes it" {
    local fd

    for fd in 20 21 22 23 24 25; do feed $fd x; done
    compare_sandbox --dir /d --tmpfs /t --file 20 /f --bind-data 21 /b --ro-bind-data 22 /r \
        --perms 1777 --dir /D --perms 01777 --tmpfs /T --perms 0640 --file 23 /F \
        --perms 0751 --bind-data 24 /B --perms 0444 --ro-bind-data 25 /R \
        sh -c "$look" sh /d /t /f /b /r /D /T /F /B /R
    ok
    is "$output" '/d directory 755
/t directory 755
/f regular file 666
/b regular file 600
/r regular file 600
/D directory 1777
/T directory 1777
/F regular file 640
/B regular file 751
/R regular file 444'
}

@test "the caller's umask shapes neither the set-up nor is it lost" {
    compare_sandbox sh -c umask
    ok
    (
        umask 0077
        compare_sandbox --dir /d --tmpfs /t sh -c "umask; $look" sh /d /t
        is "$output" $'0077\n/d directory 755\n/t directory 755'
    )
}

@test "--dir: an existing directory keeps its mode, something else is an error" {
    DIRTY=1
    ERR_SED="$wrong_type"
    populate() { mkdir -m 0711 d; : >f; }
    compare_sandbox --bind . /w --perms 0700 --dir /w/d --perms 0700 --dir /usr sh -c "$look" sh /w/d
    ok
    is "$output" '/w/d directory 711'
    compare_sandbox --bind . /w --dir /w/f echo ran
    like "$stderr" "^bwrap: Can't mkdir /w/f: Not a directory"
    ERR_SED=
    compare_sandbox --bind . /w --dir /w/f/g echo ran
    is "$stderr" "bwrap: Can't mkdir parents for /w/f/g: Not a directory"
    is "$status" 1
    is "$output" ''
    for op in '--dir' '--tmpfs' '--proc' '--ro-bind . ' '--ro-bind /etc/passwd ' '--symlink target'; do
        # shellcheck disable=SC2086
        compare_sandbox --ro-bind . /w $op /w/no/such echo ran
        is "$stderr" "bwrap: Can't mkdir parents for /w/no/such: Read-only file system"
    done
    compare_sandbox --ro-bind . /w --dir /w/new echo ran
    is "$stderr" "bwrap: Can't mkdir /w/new: Read-only file system"
}

@test "stubs of mount points stay on the host below a writable bind" {
    DIRTY=1
    compare_sandbox --bind . /w --ro-bind /etc/passwd /w/file --ro-bind /usr /w/dir true
    ok
    like "$(snapshot .)" './file f 444 0'
    like "$(snapshot .)" './dir d 755'
}

@test "--file: makes, truncates, keeps the mode of what exists, writes through" {
    DIRTY=1
    populate() { echo 'a longer old content' >old; chmod 0600 old; }
    feed 20 new
    feed 21 made
    compare_sandbox --bind . /w --file 20 /w/old --file 21 /w/made sh -c "cat /w/old; $look" sh /w/old /w/made
    ok
    is "$output" 'new/w/old regular file 600
/w/made regular file 666'
    is "$(<old)" new
    is "$(<made)" made
}

@test "data from descriptors: large, empty, from a pipe, with NUL bytes" {
    head -c 3000000 /dev/urandom >"$T/big"
    feed_file 20 "$T/big"
    feed_file 21 "$T/big"
    feed_file 22 "$T/big"
    feed 23 ''
    compare_sandbox --file 20 /a --bind-data 21 /b --ro-bind-data 22 /c --file 23 /d \
        sh -c 'cksum </a; cksum </b; cksum </c; wc -c </d'
    ok
    is "$output" "$(for i in 1 2 3; do cksum <"$T/big"; done; echo 0)"
    compare_sandbox --file 0 /a cat /a
    ok
}

@test "bound data: writable and read-only, and its own mount" {
    feed 20 one
    feed 21 two
    compare_sandbox --bind-data 20 /a --ro-bind-data 21 /b --proc /proc sh -c '
        echo more >>/a && cat /a; (echo more >>/b) 2>&- || echo refused; cat /b
        grep -c " /[ab] " /proc/self/mountinfo'
    ok
    is "$output" $'onemore\nrefused\ntwo2'
}

@test "a descriptor that is not open" {
    local option

    for option in --file --bind-data --ro-bind-data; do
        compare_sandbox "$option" 29 /a echo ran
        is "$status" 1
        is "$output" ''
    done
}

@test "one descriptor for two files is an error or gives both the whole, never a silent empty file" {
    feed 20 content
    alone "${ROOT[@]}" --ro-bind-data 20 /a --ro-bind-data 20 /b sh -c 'cat /a /b'
    if ((status == 0)); then
        is "$output" contentcontent
    else
        is "$status" 1
        like "$stderr" '^bwrap: '
    fi
}

@test "--bind-fd and --ro-bind-fd" {
    mkdir "$T/d"
    echo content >"$T/d/file"
    feed_file 20 "$T/d"
    feed_file 21 "$T/d"
    feed_file 22 "$T/d/file"
    compare_sandbox_since 0.8.0 --bind-fd 20 /rw --ro-bind-fd 21 /ro --ro-bind-fd 22 /file --proc /proc sh -c '
        cat /rw/file /ro/file /file; : >/rw/new; (: >/ro/new2) 2>&- || echo ro
        for fd in 20 21 22; do [ ! -e /proc/self/fd/$fd ] || echo leaked $fd; done'
    ok
    is "$output" $'content\ncontent\ncontent\nro'
    [[ -e $T/d/new ]]
}

@test "--symlink: targets, repeats, and destinations that are in the way" {
    DIRTY=1
    populate() { : >file; mkdir dir; ln -s there link; }
    compare_sandbox --symlink /any/where /a --symlink x /c/d/e sh -c 'readlink /a; readlink /c/d/e'
    ok
    is "$output" $'/any/where\nx'
    compare_sandbox_since 0.9.0 --symlink same /a --symlink same /a readlink /a
    ok
    is "$output" same
    compare_sandbox_since 0.9.0 --bind . /w --symlink there /w/link readlink /w/link
    ok
    compare_sandbox_since 0.9.0 --symlink one /a --symlink two /a echo ran
    is "$stderr" "bwrap: Can't make symlink at /a: existing destination is one"
    compare_sandbox_since 0.9.0 --bind . /w --symlink x /w/file echo ran
    is "$stderr" "bwrap: Can't make symlink at /w/file: destination exists and is not a symlink"
    compare_sandbox_since 0.9.0 --bind . /w --symlink x /w/dir echo ran
    is "$stderr" "bwrap: Can't make symlink at /w/dir: destination exists and is not a symlink"
    is "$status" 1
}

@test "--chmod: files and directories, nothing is made" {
    feed 20 x
    compare_sandbox --tmpfs /t --chmod 1777 /t --file 20 /f --chmod 0400 /f --chmod 0711 / \
        sh -c "$look" sh /t /f /
    ok
    is "$output" '/t directory 1777
/f regular file 400
/ directory 711'
    compare_sandbox --chmod 0700 /none echo ran
    is "$status" 1
    like "$stderr" 'No such file or directory'
    compare_sandbox --chmod 0700 /usr echo ran
    is "$status" 1
}

@test "--tmpfs: a new one on top, with size and mode" {
    compare_sandbox --dir /t/hidden --size 1048576 --perms 0700 --tmpfs /t sh -c '
        ls -A /t; stat -c %a /t; stat -f -c %s\ %b /t
        head -c 2000000 /usr/bin/python3 >/t/big 2>&- || echo full'
    is "$status" 0
    like "$output" 'full'
    compare_sandbox --perms 0700 --size 0x100000 --tmpfs /t sh -c 'stat -c %a /t; stat -f -c %s\ %b /t'
    ok
    is "$output" $'700\n4096 256'
    compare_sandbox --tmpfs /t --proc /proc sh -c "$mounts"' | grep "^/t "'
    ok
    like "$output" '^/t rw,nosuid,nodev'
}

@test "--tmpfs on a file is refused" {
    feed 20 x
    ERR_SED="$wrong_type"
    compare_sandbox --file 20 /f --tmpfs /f echo ran
    like "$stderr" "^bwrap: Can't mkdir /f: Not a directory"
    is "$status" 1
}

@test "order decides: a later operation covers or is put into an earlier one" {
    DIRTY=1
    populate() { mkdir sub; echo host >sub/file; }
    compare_sandbox --bind . /w --tmpfs /w/sub sh -c 'ls -A /w/sub'
    ok
    is "$output" ''
    compare_sandbox --tmpfs /w/sub --bind . /w cat /w/sub/file
    ok
    is "$output" host
    feed 20 late
    compare_sandbox --ro-bind . /w --tmpfs /w/sub --file 20 /w/sub/f --remount-ro /w/sub \
        sh -c 'cat /w/sub/f; (: >/w/sub/g) 2>&1' </dev/null
    like "$output" '^late'
    like "$output" 'Read-only file system'
}

@test "--proc: a new one with a new pid namespace, the host's otherwise" {
    compare_sandbox --unshare-pid --proc /proc sh -c "$mounts"' | grep "^/proc"; [ $$ -lt 9 ] && echo own'
    ok
    is "$output" $'/proc rw,nosuid,nodev,noexec,relatime proc proc rw\nown'
    compare_sandbox --proc /proc sh -c "$mounts"' | grep "^/proc "; [ $$ -gt 2 ] && echo host'
    ok
    like "$output" 'host$'
    compare_sandbox --unshare-pid --proc /a/b/proc sh -c '[ -e /a/b/proc/1/comm ]'
    ok
}

@test "--dev: what is in it" {
    compare_sandbox --dev /dev --proc /proc sh -c '
        ls -A /dev; for l in stdin stdout stderr fd core ptmx; do echo "$l $(readlink /dev/$l)"; done
        stat -c "%n %F %a %t:%T %u" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/shm /dev/pts
        '"$mounts"' | grep "^/dev"; echo x >/dev/null; head -c1 /dev/urandom | wc -c; ls /dev/pts
        : >/dev/new && echo writable'
    is "$stderr" ''
    is "$status" 0
    like "$output" 'ptmx pts/ptmx'
    like "$output" '/dev/null character special file 666 1:3 65534'
    like "$output" '/dev/pts rw,nosuid,noexec'
    like "$output" 'writable'
}

@test "--dev: a pseudo terminal works, the console is there only on a terminal" {
    need_program python3
    compare_sandbox --dev /dev python3 -c '
import os, pty
a, b = pty.openpty()
print(os.ttyname(b), os.path.exists("/dev/console"))'
    ok
    is "$output" '/dev/pts/0 False'
    cat >"$T/onpty.py" <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
data = b""
while True:
    try:
        part = os.read(fd, 4096)
    except OSError:
        break
    if not part:
        break
    data += part
sys.stdout.buffer.write(data.replace(b"\r\n", b"\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
    local program want

    for program in ${REF_VERSION:+"$BWRAP_REF"} "$BWRAP"; do
        capture python3 "$T/onpty.py" "$program" "${ROOT[@]}" --dev /dev --proc /proc --unshare-pid \
            sh -c 'tty; stat -c "%F %a" /dev/console; echo hi >/dev/console'
        ok
        like "$output" '^/dev/console' "$program"
        want=${want-$output}
        is "$output" "$want"
    done
}

@test "--mqueue" {
    compare_sandbox --unshare-ipc --mqueue /mq --proc /proc sh -c "$mounts"' | grep "^/mq "; stat -f -c %T /mq'
    ok
    like "$output" 'mqueue'
}

@test "--remount-ro: not recursive, needs a mount point" {
    compare_sandbox --tmpfs /a --tmpfs /a/b --remount-ro /a sh -c '
        (: >/a/f) 2>&- || echo ro; : >/a/b/f && echo rw'
    ok
    is "$output" $'ro\nrw'
    compare_sandbox --dir /d --remount-ro /d echo ran
    is "$status" 1
    like "$stderr" 'in mount table'
    compare_sandbox --proc /proc --dev-bind /dev /dev --remount-ro /dev sh -c "$mounts"' | grep "^/dev "'
    ok
    like "$output" '^/dev ro,nosuid,nodev'
}

@test "the root itself: bound, covered, remounted" {
    compare --ro-bind / / sh -c '(: >/new) 2>&- || ls -d /etc/passwd'
    is "$output" /etc/passwd
    compare --bind / / --dev /dev --proc /proc --tmpfs /tmp sh -c 'ls -A /tmp; cd /; ls | head -n1'
    is "$status" 0
    compare_sandbox --remount-ro / sh -c '(: >/new) 2>&- || echo ro'
    ok
    is "$output" ro
    compare --tmpfs / "${ROOT[@]}" sh -c 'echo /*'
    ok
    hasnt "$output" tmp
}

@test "relative symlinks in a destination's parents are followed inside" {
    compare_sandbox --dir /real --symlink real /link --dir /link/sub --tmpfs /link/tmp \
        sh -c "$look" sh /real/sub /real/tmp
    ok
    is "$output" '/real/sub directory 755
/real/tmp directory 755'
}

@test "a mount on a symlink inside the root lands on its target" {
    compare_sandbox --dir /real --symlink real /link --bind "$T" /link sh -c 'ls -d /real/w; [ -L /link ] && echo link'
    ok
    is "$output" $'/real/w\nlink'
}

@test "names with spaces, newlines, backslashes, commas and non-UTF-8 bytes" {
    local name

    for name in 'a b' $'a\nb' 'a\040b' 'a,b:c' $'\xff\xfe' '"quoted"' '%s'; do
        mkdir "$T/$name"
        echo "in $name" >"$T/$name/file"
        feed 20 data
        compare_sandbox --ro-bind "$T/$name" "/d/$name" --tmpfs "/t/$name" --file 20 "/t/$name/f" \
            --symlink "$name" "/s/$name" --chmod 0700 "/t/$name" \
            sh -c 'cat "/d/$1/file" "/t/$1/f"; readlink "/s/$1"; stat -c %a "/t/$1"' sh "$name"
        ok
        is "$output" "in $name"$'\n'"data$name"$'\n'700
        rm -r "${T:?}/$name"
    done
}

# --- what was made last is remembered ------------------------------------------------------------

@test "a mount over a directory, or over its parent, is what later destinations are found in" {
    mkdir -p "$T/a" "$T/b/q" "$T/w/q"
    touch "$T/a/of-a" "$T/b/of-b"
    compare_sandbox --ro-bind "$T/a" /p/q/1 --ro-bind "$T/a" /p/q/2 --tmpfs /p/q --ro-bind "$T/b" /p/q/3 \
        sh -c 'ls -R /p'
    is "$output" $'/p:\nq\n\n/p/q:\n3\n\n/p/q/3:\nof-b\nq\n\n/p/q/3/q:'
    compare_sandbox --ro-bind "$T/a" /p/q/1 --bind "$T/w" /p --ro-bind "$T/b" /p/q/2 sh -c 'ls -R /p'
    is "$output" $'/p:\nq\n\n/p/q:\n2\n\n/p/q/2:\nof-b\nq\n\n/p/q/2/q:'
    [ -d "$T/w/q/2" ]
    compare_sandbox --dir /p/q --symlink q /p/l --ro-bind "$T/a" /p/l/1 --tmpfs /p/q --ro-bind "$T/b/of-b" /p/l/2 \
        --symlink x /p/l/3 --dir /p/l/4 sh -c 'ls /p/q /p/l'
    is "$output" $'/p/l:\n2\n3\n4\n\n/p/q:\n2\n3\n4'
    compare_sandbox --ro-bind "$T/a" /p/1 --ro-bind "$T/a" /p/1 --ro-bind "$T/b/of-b" /p/1/of-a --remount-ro /p/1 \
        --ro-bind "$T/a/of-a" /p/f --ro-bind "$T/b/of-b" /p/f sh -c 'ls -R /p'
    ok
    compare_sandbox --ro-bind "$T/a" /p//q//1 --ro-bind "$T/a" /p/q/../q/2 --ro-bind "$T/a" /p/q/3/ sh -c 'ls -R /p'
    ok
}
