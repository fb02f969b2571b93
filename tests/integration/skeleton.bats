#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The root that sbx lays around what the user binds, natively and without --bare.

load ../lib/common

# skel ARGS...: natively, with the skeleton.
skel() {
    capture "$SBX" --ro-bind /usr /usr "$@"
}

@test "the line of the README gives a working shell, and nothing else of the host" {
    need_program python3
    skel --unshare-all sh -c '
        id -u; id -g; echo $$; ls / | tr "\n" " "; echo; ls /etc | tr "\n" " "; echo
        echo a b | awk "{ print \$2 }"; python3 -c "print(6 * 7)"; ps -o pid= -p 1; whoami; id -gn
        ls -A /home /mnt /srv /opt /boot /sys 2>/dev/null; ls -A /tmp /var/tmp /run /root'
    ok
    is "$(sed -n 1,3p <<<"$output")" $'0\n0\n2'
    is "$(sed -n 4p <<<"$output" | xargs -n1 | grep -vxE 'bin|sbin|lib|lib32|lib64|libx32' | xargs)" 'dev etc proc root run tmp usr var'
    like "$(sed -n 5p <<<"$output")" 'group hostname hosts .*nsswitch.conf passwd'
    hasnt "$output" resolv.conf 'there is no network'
    is "$(sed -n '6,$p' <<<"$output" | tr -d ' ')" $'b\n42\n1\nroot\nroot\n/root:\n\n/run:\n\n/tmp:\n\n/var/tmp:'
}

@test "modes, types and mount flags of the skeleton" {
    skel --unshare-all sh -c '
        stat -c "%n %F %a" / /tmp /var/tmp /run /root /dev /etc /etc/passwd
        : >/new && : >/tmp/new && : >/run/new && : >/root/new && (: >/usr/new) 2>/dev/null || echo ro
        while read -r _ _ _ _ at opts rest; do echo "$at $opts ${rest#*- }"; done </proc/self/mountinfo'
    ok
    has "$output" '/tmp directory 1777'
    has "$output" '/var/tmp directory 1777'
    has "$output" '/run directory 755'
    has "$output" '/root directory 700'
    has "$output" '/etc/passwd regular file 644'
    has "$output" $'\nro\n'
    like "$output" '/tmp rw,nosuid,nodev'
    like "$output" '/usr ro,nosuid,nodev'
    like "$output" '/proc rw,nosuid,nodev,noexec.* proc'
    unlike "$output" '/etc/[a-z.]+ rw' 'what comes from the host is read-only'
}

@test "the links of a merged /usr are made as on the host" {
    local dir

    skel sh -c 'for d in bin sbin lib lib32 lib64 libx32; do [ -L /$d ] && echo "$d $(readlink /$d)"; done; :'
    ok
    for dir in bin sbin lib lib32 lib64 libx32; do
        if [[ -L /$dir ]]; then
            has "$output" "$dir $(readlink "/$dir")"
        else
            hasnt "$output" "$dir "
        fi
    done
}

@test "of /etc, what programs of /usr need comes along, as far as the host has it" {
    local name

    skel sh -c 'cd /etc; for n in *; do [ -d "$n" ] && echo "$n/" || echo "$n"; done'
    ok
    for name in alternatives ssl pki; do
        if [[ -d /etc/$name ]]; then has "$output" "$name/"; else hasnt "$output" "$name"; fi
    done
    [[ ! -e /etc/ld.so.cache ]] || has "$output" ld.so.cache
    [[ ! -e /etc/localtime ]] || has "$output" localtime
    hasnt "$output" shadow
    # a /usr from elsewhere gets none of the host's
    mkdir "$T/usr"
    cp -r /usr/bin/busybox "$T/usr/" 2>/dev/null || true
    capture "$SBX" --dry-run --ro-bind "$T/usr" /usr true
    ok
    hasnt "$output" /etc/alternatives
    hasnt "$output" ld.so.cache
}

@test "made files: accounts, hosts, names" {
    skel --unshare-all --hostname box sh -c 'cat /etc/passwd /etc/group /etc/hosts /etc/hostname /etc/nsswitch.conf; hostname
        getent hosts localhost >/dev/null && echo resolves'
    ok
    has "$output" $'root:x:0:0:'
    has "$output" 'nobody:x:65534:65534:'
    has "$output" '127.0.0.1'
    is "$(grep -c '^box$' <<<"$output")" 2 'the name is in /etc/hostname, and is the name'
    has "$output" 'passwd: files'
    has "$output" resolves
}

@test "with a network there is a resolv.conf" {
    [[ -e /etc/resolv.conf ]] || skip_cannot "this machine has no /etc/resolv.conf"
    skel --unshare-all --share-net cat /etc/resolv.conf
    ok
    is "$output" "$(</etc/resolv.conf)"
    skel sh -c 'cat /etc/resolv.conf'
    is "$output" "$(</etc/resolv.conf)"
    skel --unshare-net ls /etc/resolv.conf
    isnt "$status" 0
}

@test "the environment is clean" {
    export SECRET=x LC_TEST=kept TERM=dumb LANG=C.UTF-8 HOME=$T LD_LIBRARY_PATH='' PATH=/usr/bin:/bin:$T
    skel sh -c 'env | cut -d= -f1 | sort | xargs; echo $HOME $USER $PATH $TERM $LANG $LC_TEST'
    ok
    is "$output" 'HOME LANG LC_ALL LC_TEST PATH PWD TERM USER
/root root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin dumb C.UTF-8 kept'
    skel --setenv HOME /elsewhere --setenv PATH /usr/bin --setenv USER me --setenv SECRET mine --unsetenv TERM \
        sh -c 'echo $HOME $USER $PATH $SECRET ${TERM-none}'
    is "$output" '/elsewhere me /usr/bin mine none'
    skel --clearenv /usr/bin/env
    is "$output" PWD=/
    skel --clearenv --setenv A 1 /usr/bin/env
    is "$(sort <<<"$output")" $'A=1\nPWD=/'
}

@test "what the user puts at a place of the skeleton wins" {
    feed 20 'user:x:0:0::/:/bin/sh'
    feed 21 mine
    mkdir "$T/etc" "$T/home"
    echo there >"$T/home/file"
    skel --file 20 /etc/passwd --perms 0700 --tmpfs /tmp --bind "$T/home" /root --ro-bind-data 21 /etc/hostname \
        sh -c 'id -un; stat -c %a /tmp; cat /root/file /etc/hostname'
    ok
    is "$output" $'user\n700\nthere\nmine'
    skel --unshare-pid --tmpfs /proc sh -c 'ls -A /proc'
    ok
    is "$output" ''
    skel --bind "$T/etc" /etc ls -A /etc
    ok
    is "$output" ''
    is "$(ls -A "$T/etc")" '' 'nothing is left on the host'
}

@test "nothing is laid when the user mounts on / itself" {
    capture "$SBX" --ro-bind / / cat /etc/passwd
    ok
    is "$output" "$(</etc/passwd)"
    capture "$SBX" --tmpfs / "${ROOT[@]}" sh -c 'echo /*'
    ok
    hasnt "$output" /tmp
    hasnt "$output" /proc
}

@test "--bare: only what is asked for, and the environment as it is" {
    SECRET=x capture "$SBX" --bare "${ROOT[@]}" sh -c 'echo /*; echo $SECRET'
    ok
    hasnt "$output" /proc
    hasnt "$output" /tmp
    has "$output" $'\nx'
}

@test "without /usr the skeleton is there all the same" {
    local static=$T/static

    need_program cc
    printf 'int main(void){return 42;}\n' >"$T/x.c"
    mkdir "$static"
    cc -static -o "$static/x" "$T/x.c" 2>/dev/null || skip_missing "needs the static C library"
    capture "$SBX" --ro-bind "$static" /opt/x /opt/x/x
    is "$status" 42
    is "$stderr" ''
}

@test "--keep-id: the caller's account is there, with its home" {
    export HOME=$T/somewhere
    skel --unshare-all --keep-id sh -c 'id -u; id -g; id -un; echo $HOME; stat -c "%a %u" "$HOME"; pwd'
    ok
    is "$output" "$(id -u)"$'\n'"$(id -g)"$'\n'"$(id -un)"$'\n'"$HOME"$'\n'"700 $(id -u)"$'\n'"$HOME"
    skel --uid 1234 --gid 5678 --unshare-all sh -c 'id -u; id -g; getent passwd 1234 | cut -d: -f3,4; getent passwd root nobody | wc -l'
    ok
    is "$output" $'1234\n5678\n1234:5678\n2'
}

@test "the payload starts in the caller's directory when that is bound, else at home" {
    skel --bind "$W" "$W" pwd
    is "$output" "$W"
    skel pwd
    is "$output" /root
    skel --chdir /usr/lib sh -c 'pwd; echo $PWD'
    is "$output" $'/usr/lib\n/usr/lib'
}

@test "as bwrap there is no skeleton" {
    capture "$BWRAP" "${ROOT[@]}" sh -c 'echo /*'
    ok
    hasnt "$output" /proc
    hasnt "$output" /tmp
    SECRET=kept capture "$BWRAP" "${ROOT[@]}" printenv SECRET
    is "$output" kept
}
