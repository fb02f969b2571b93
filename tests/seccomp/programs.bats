#!/usr/bin/env bats
# Real programs under the built-in profiles: what ordinary work needs is not refused.

setup() {
    UNDER="$SBX_BUILDDIR/tests/seccomp/run-under"
    cd "$BATS_TEST_TMPDIR" || exit
    export HOME="$BATS_TEST_TMPDIR"
}

need() {
    local program
    for program; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

# both COMMAND...: succeeds under default and under strict.
both() {
    local profile
    for profile in default strict; do
        run "$UNDER" "$profile" "$@"
        echo "# $profile: $output" >&2
        [[ $status -eq 0 ]] || return 1
    done
}

# shellcheck disable=SC2016 # for the inner shell
@test "a shell: pipes, jobs, redirections, traps" {
    both bash -c 'set -e; trap "echo bye" EXIT; seq 9 | sort -r | head -1 | grep -q 9
        sleep 0 & wait $!; echo x >file; read -r y <file; [ "$y" = x ]; (exit 3) || [ $? = 3 ]'
}

@test "gcc compiles, links and the result runs" {
    need gcc
    echo 'int main(void) { return 0; }' >main.c
    both sh -c 'gcc -O2 -pipe main.c -o main && ./main'
}

@test "git makes, commits and clones a repository" {
    need git
    both sh -c 'rm -rf a b && git init -q a && cd a && echo x >x && git add x &&
        git -c user.name=n -c user.email=e@example.org commit -qm m && git gc -q && git clone -q . ../b'
}

@test "python3: threads, processes, sockets, temporary files" {
    need python3
    cat >t.py <<'PY'
import multiprocessing, socket, subprocess, tempfile, threading, asyncio, sqlite3

def work(q):
    q.put(6 * 7)

if __name__ == "__main__":
    t = threading.Thread(target=lambda: None)
    t.start()
    t.join()
    q = multiprocessing.Queue()
    p = multiprocessing.Process(target=work, args=(q,))
    p.start()
    assert q.get() == 42
    p.join()
    a = socket.create_server(("127.0.0.1", 0))
    b = socket.create_connection(a.getsockname())
    b.sendall(b"x")
    assert a.accept()[0].recv(1) == b"x"
    assert subprocess.check_output(["echo", "x"]) == b"x\n"
    with tempfile.NamedTemporaryFile() as f:
        f.write(b"x")
    asyncio.run(asyncio.sleep(0))
    sqlite3.connect("t.db").execute("create table if not exists t(x)")
PY
    both python3 t.py
}

@test "node: workers, a server, files without io_uring" {
    need node
    cat >t.js <<'JS'
const { Worker } = require('worker_threads'), http = require('http'), fs = require('fs');
require('child_process').execSync('true');
fs.promises.writeFile('f', 'x').then(() => fs.promises.readFile('f')).then(() => {
  new Worker('process.exit(0)', { eval: true }).on('exit', () => {
    const s = http.createServer((q, r) => r.end('x')).listen(0, '127.0.0.1', () =>
      http.get({ port: s.address().port, host: '127.0.0.1' }, r => r.resume().on('end', () => process.exit(0))));
  });
});
JS
    both node t.js
}

@test "a JVM compiles and runs threads" {
    need java
    cat >T.java <<'JAVA'
public class T {
    public static void main(String[] a) throws Exception {
        Thread[] t = new Thread[8];
        for (int i = 0; i < t.length; i++) (t[i] = new Thread(() -> System.gc())).start();
        for (Thread x : t) x.join();
        new ProcessBuilder("true").start().waitFor();
        new java.net.ServerSocket(0).close();
    }
}
JAVA
    both java T.java
}

@test "apt-get reads its lists and simulates an installation, as root of a map" {
    need apt-get unshare
    # the map is made outside, for strict makes none
    local profile
    for profile in default strict; do
        run unshare -r "$UNDER" "$profile" apt-get -s -o Debug::NoLocking=1 install bash
        echo "# $profile: $output" >&2
        [[ $status -eq 0 ]]
    done
}

@test "dpkg-deb packs and unpacks, tar keeps owners in a map" {
    need dpkg-deb unshare
    mkdir -p p/DEBIAN p/usr
    printf 'Package: p\nVersion: 1\nArchitecture: all\nMaintainer: m\nDescription: d\n' >p/DEBIAN/control
    local profile
    for profile in default strict; do
        unshare -r "$UNDER" "$profile" sh -c 'dpkg-deb -b p p.deb && dpkg-deb -x p.deb out'
    done
}

@test "strace and a debugger's calls work on a child under default, and not under strict" {
    need strace
    run "$UNDER" default strace -f -o log sh -c 'true; true'
    [[ $status -eq 0 ]]
    grep -q execve log
    run "$UNDER" strict strace -o log true
    [[ $status -ne 0 ]]
}

@test "what a browser's own sandbox does works under default: user, pid and net namespace, chroot" {
    need unshare
    run "$UNDER" default unshare -r --pid --net --fork chroot / true
    echo "# $output" >&2
    [[ $status -eq 0 ]]
    run "$UNDER" strict unshare -r true
    [[ $status -ne 0 ]]
}

@test "mounts in a namespace of one's own: nested allows what default refuses" {
    need unshare mount
    run "$UNDER" nested unshare -r -m mount -t tmpfs none /mnt
    echo "# $output" >&2
    [[ $status -eq 0 ]]
    run "$UNDER" default unshare -r -m --propagation unchanged mount -t tmpfs none /mnt
    [[ $status -ne 0 ]]
}

@test "without a program to find: a user namespace still gives no packet filter under default" {
    need unshare python3
    run "$UNDER" default unshare -r -n python3 -c '
import socket
try:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
except OSError as e:
    print(e.errno)'
    [[ $output = 93 ]]
}
