#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Command lines in the shape of those that programs make of bwrap, and Flatpak itself.

load ../lib/common
load ../lib/compare

# What a sandbox is, seen from inside.
LOOK='id -u; id -g; pwd; for d in / /dev /run /tmp; do [ ! -d $d ] || { echo $d; ls -A $d; }; done
    if [ -e /proc/self ]; then
        cut -d" " -f5,6 /proc/self/mountinfo | sort
        grep -E "^(Cap|NoNewPrivs|Seccomp:|SigIgn|SigCgt)" /proc/self/status
        ls /proc/self/fd
    fi
    env | grep -Ev "^(BATS|_=)" | sort'

# A root as programs make one that know the layout of the host.
USR=(--ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib
    --symlink usr/lib64 /lib64)

setup() {
    common_setup
    PERSONALITY=bwrap
    [[ -L /bin ]] || skip 'cannot run here: /bin is no link into /usr'
    mkdir "$T/data" "$T/home"
    echo image >"$T/data/in.png"
    echo secret >"$T/home/.secret"
}

# answers TEXT: the last comparison was of sandboxes that worked and said TEXT.
answers() {
    ok
    has "$output" "$1"
}

@test "a thumbnailer: one file in, one directory out, no bus and no network" {
    DIRTY=1
    compare "${USR[@]}" --ro-bind /etc/ld.so.cache /etc/ld.so.cache --ro-bind-try /usr/share/none /usr/share/none \
        --proc /proc --dev /dev --chdir / --setenv GIO_USE_VFS local --unshare-all --die-with-parent \
        --bind "$W" /tmp --ro-bind "$T/data/in.png" /tmp/in.png sh -c "$LOOK; cat /tmp/in.png >/tmp/out.png"
    answers '/tmp/in.png ro'
    is "$(cat "$W/out.png")" image
}

@test "an image loader: a cleared environment, no /proc, little memory" {
    local line=(--unshare-all --die-with-parent --chdir / --ro-bind /usr /usr --dev /dev
        --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache --ro-bind-try /nix/store /nix/store --tmpfs /tmp-home
        --tmpfs /tmp-run --clearenv --setenv HOME /tmp-home --setenv XDG_RUNTIME_DIR /tmp-run
        --symlink /usr/lib64 /lib64 --symlink /usr/lib /lib --symlink /usr/bin /bin)

    compare "${line[@]}" sh -c "$LOOK"
    answers HOME=/tmp-home
    sanitized && return
    ulimit -v 4000000
    compare "${line[@]}" sh -c 'ulimit -v'
    answers 4000000
}

@test "a web engine: all options from a descriptor, data for files, devices that may be missing" {
    feed_args 7 --die-with-parent --unshare-pid --unshare-uts --unshare-net "${USR[@]}" --ro-bind-try /usr/local /usr/local \
        --dev /dev --proc /proc --tmpfs /tmp --unsetenv TMPDIR --perms 0700 --dir /run/user/1000 \
        --setenv XDG_RUNTIME_DIR /run/user/1000 --ro-bind-try /etc/fonts /etc/fonts --dev-bind-try /dev/dri /dev/dri \
        --dev-bind-try /dev/video0 /dev/video0 --symlink ../run /var/run --symlink ../tmp /var/tmp \
        --ro-bind-try /etc/machine-id /etc/machine-id --ro-bind-data 8 /.flatpak-info
    feed 8 '[Application]'
    compare --args 7 sh -c "$LOOK; cat /.flatpak-info; stat -c %a /run/user/1000"
    answers '[Application]700'
}

@test "a game's container: probes, and the host's tree below the container's own" {
    compare --bind / / true
    ok
    compare_since 0.12 --not-a-security-boundary --bind / / true
    ok
    compare_since 0.10 --level-prefix --bind / / true
    ok
    feed 9 data
    compare --new-session --ro-bind /usr /run/host/usr --symlink usr/share /run/host/share "${USR[@]}" --tmpfs /var \
        --tmpfs /run/container --bind "$T/home" "$T/home" --proc /proc --dev-bind /dev /dev --tmpfs /dev/shm \
        --ro-bind /sys /sys --unshare-pid --unshare-ipc --chdir "$T/home" --bind-data 9 /run/container/data \
        sh -c 'pwd; ls -A . / /dev/shm /run/container; cd /run/host/share && pwd -P; cat /run/container/data; set -- /proc/[0-9]*; echo " $#"'
    answers .secret
    has "$output" /run/host/usr/share
}

@test "a package's tree with links in it, made read-only" {
    compare --dev-bind /dev /dev --proc /proc --die-with-parent --tmpfs / --ro-bind /usr /nix/usr --tmpfs /nix/fhs \
        --symlink /etc/ld.so.cache /nix/fhs/ld.so.cache --remount-ro /nix/fhs --ro-bind /etc /etc "${USR[@]}" \
        --bind "$T" "$T" --chdir "$T/data" sh -c 'touch /nix/fhs/x; readlink /nix/fhs/ld.so.cache; pwd; ls; ls -A /'
    is "$status" 0
    has "$output" "$T/data"
    has "$stderr" 'Read-only file system'
}

@test "a jail with a first process of its own" {
    compare --as-pid-1 --unshare-user --unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup-try --die-with-parent \
        --new-session --clearenv --proc /proc --dev /dev --tmpfs /tmp --tmpfs /run "${USR[@]}" --setenv PATH /usr/bin \
        --dir /home/user --bind "$T/home" /home/user --ro-bind /etc/passwd /etc/passwd \
        sh -c "echo pid \$\$; ls -A /home/user; $LOOK"
    answers $'pid 1\n.secret'
}

@test "an agent's shell: the host read-only but for the project, secrets and directories hidden" {
    DIRTY=1
    compare --new-session --die-with-parent --unshare-net --ro-bind / / --bind "$W" "$W" --ro-bind /dev/null "$T/home/.secret" \
        --tmpfs "$T/data" --dev /dev --unshare-pid --proc /proc -- bash -c '
            cat "$1/home/.secret" 2>/dev/null || echo no secret; ls "$1/data"; echo made >made; echo x 2>/dev/null >"$1/home/new" || echo denied
            ls -A /dev' bash "$T"
    answers $'no secret\ndenied'
    is "$(cat "$W/made")" made
    [[ ! -e $T/home/new ]]
    compare --ro-bind / / --perms 000 --tmpfs "$T/data" --remount-ro "$T/data" ls "$T/data"
    fails 2 'Permission denied'
    feed 5 ''
    compare --ro-bind / / --perms 000 --ro-bind-data 5 "$T/home/.secret" cat "$T/home/.secret"
    fails 1 'Permission denied'
    compare_since 0.9 --new-session --die-with-parent --ro-bind / / --dev /dev --bind "$W" "$W" --unshare-user --unshare-pid \
        --unshare-net --proc /proc --argv0 agent-sandbox -- bash -c 'echo "$0"; touch made; id -u'
    answers "agent-sandbox"$'\n'"$(id -u)"
}

@test "a build root in a directory, as root by name" {
    DIRTY=1
    populate() {
        mkdir -p "$W/home/build"
        echo 'a file' >"$T/file"
        feed_file 6 "$T/file"
    }
    compare --bind "$W" / --ro-bind /usr /usr --symlink usr/bin bin --symlink usr/lib lib --symlink usr/lib64 lib64 \
        --unshare-pid --unshare-uts --unshare-user --uid 0 --gid 0 --dev /dev --proc /proc --dir var/lib --file 6 etc/conf \
        --chdir /home/build --clearenv --setenv HOME /home/build --hostname builder \
        sh -c 'uname -n; pwd; id -u; env | sort; cat /etc/conf; ls -A /; cat /proc/self/uid_map | tr -s " "'
    answers $'builder\n/home/build\n0'
}

# --- Flatpak ---------------------------------------------------------------------------------------

# A runtime and an app of one static program, installed from a repository in this directory.
flatpak_install() {
    local arch

    arch=$(flatpak --default-arch)
    mkdir -p runtime/usr/bin runtime/files app/files/bin app/export home run
    chmod 700 run
    cat >look.c <<'END'
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void show(const char *path)
{
        struct stat st;

        printf("%s %s\n", path, stat(path, &st) == 0 ? "there" : "not there");
}

static void copy(const char *path, const char *part)
{
        char line[4096];
        FILE *file = fopen(path, "r");

        while (file && fgets(line, sizeof(line), file))
                if (strstr(line, part))
                        fputs(line, stdout);
}

int main(int argc, char **argv)
{
        printf("%s, first process: %d\n", argc > 1 ? argv[1] : "no argument", getpid() == 1);
        show("/.flatpak-info");
        show("/app/bin/look");
        show("/etc/shadow");
        show("/usr/bin/env");
        copy("/proc/self/status", "Cap");
        copy("/proc/self/status", "NoNewPrivs");
        copy("/proc/self/status", "Seccomp:");
        copy("/proc/self/uid_map", "");
        copy("/proc/net/dev", ":");
        return 7;
}
END
    cc -static -o app/files/bin/look look.c
    printf '[Runtime]\nname=org.example.Runtime\nruntime=%s\nsdk=%s\n' \
        "org.example.Runtime/$arch/1" "org.example.Runtime/$arch/1" >runtime/metadata
    printf '[Application]\nname=org.example.Look\nruntime=%s\nsdk=%s\ncommand=look\n[Context]\nshared=network;\n' \
        "org.example.Runtime/$arch/1" "org.example.Runtime/$arch/1" >app/metadata
    flatpak build-export --runtime repo runtime 1
    flatpak build-export repo app 1
    flatpak --user remote-add --no-gpg-verify local repo
    flatpak --user install -y --noninteractive local "org.example.Runtime/$arch/1"
    flatpak --user install -y --noninteractive local "org.example.Look/$arch/1"
}

flatpak_runs() {
    local words

    for words in '--env=A=b' '--unshare=network' '--sandbox' '--command=missing'; do
        echo "-- $words"
        flatpak run --user "$words" org.example.Look//1 "$words" 2>&1 || echo "status $?"
    done
    echo '-- build'
    flatpak build app look build 2>&1 || echo "status $?"
}

@test "flatpak: an app of an own runtime is installed, built and run" {
    command -v cc >/dev/null || skip_cannot "no compiler, as in the guests"
    need_program flatpak dbus-run-session
    export HOME=$W/home XDG_DATA_HOME=$W/home/.local/share XDG_CACHE_HOME=$W/home/.cache XDG_RUNTIME_DIR=$W/run
    export -f flatpak_install flatpak_runs
    export BWRAP BWRAP_REF
    # a bus of its own stands for both: flatpak asks the system's whether anything is forbidden
    capture dbus-run-session -- bash -ec '
        export DBUS_SYSTEM_BUS_ADDRESS=$DBUS_SESSION_BUS_ADDRESS
        export FLATPAK_BWRAP=$BWRAP
        flatpak_install >install.log 2>&1 || { cat install.log; exit 1; }
        flatpak_runs >sbx.out
        FLATPAK_BWRAP=$BWRAP_REF flatpak_runs >bwrap.out'
    is "$status" 0
    diff -u bwrap.out sbx.out
    output=$(<sbx.out)
    has "$output" $'/.flatpak-info there\n/app/bin/look there\n/etc/shadow not there'
    has "$output" 'execvp missing: No such file or directory'
    has "$output" 'status 7'
}
