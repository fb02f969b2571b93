#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every system call of the set-up, made to fail, and every process killed at each.

Each command line is run once under tests/faults/inject, which logs the calls that sbx makes; then
again for each call and each way in which it can fail. Afterwards either the payload (probe) saw
exactly what it saw in the first run, or it did not run, and there was one message and the status of
an error of ours. Nothing hangs, crashes, or is left behind. The same again with KILL at each call: then the
payload saw no more than the beginning of that, and nothing looks like a success.

FAULTS_SECONDS bounds the time (default 30; 0: every fault), FAULTS_SEED chooses what is tried in it,
FAULTS_ERRORS the errors, FAULTS_SCOPE=1 the line that needs the user's systemd, FAULTS_WORKERS how many share
the work (default: one a processor), FAULTS_ONLY=LINE[:STAGE[:CALL[:N[:ERRNO]]]] names a line, or some of its faults.
"""
import errno
import json
import os
import pty
import random
import select
import shutil
import subprocess
import sys
import tempfile
import termios
import time
import traceback
import zlib

ERRORS = tuple((os.environ.get("FAULTS_ERRORS") or "EPERM ENOMEM EIO ENOSPC EINTR").split())
SHORT, KILL = -1, -2
OWN_STATUS = {"sbx": 125, "bwrap": 1}
PROBE_STATUS = 42
NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")

SBX = os.environ["SBX"]
TOOLS = os.path.join(os.environ["SBX_BUILDDIR"], "tests/faults")
INJECT = os.path.join(TOOLS, "inject")

FLATPAK = (
    "--unshare-user --unshare-pid --unshare-ipc --unshare-cgroup-try --die-with-parent "
    "--ro-bind /usr /usr --symlink usr/lib /lib --symlink usr/lib64 /lib64 --symlink usr/bin /bin "
    "--proc /proc --dev /dev --perms 0700 --dir /run/user/1000 --tmpfs /tmp --dir /app "
    "--bind {work} /work --remount-ro /app/../usr --ro-bind-data 11 /etc/passwd --file 12 /etc/group "
    "--bind-data 13 /run/user/1000/doc --symlink ../run /var/run --chmod 0750 /app "
    "--setenv XDG_RUNTIME_DIR /run/user/1000 --unsetenv DBUS_SESSION_BUS_ADDRESS --dir /etc/x "
    "--info-fd 14 --json-status-fd 15 --lock-file /usr/bin/env --sync-fd 16 --chdir /work")
NATIVE_FS = (
    "--ro-bind /usr /usr --bind {work} /work --ro-bind {work} /ro --dir /a/b/c --perms 0711 --dir /d "
    "--symlink c /a/b/link --tmpfs /a/b/link/t --perms 1777 --size 65536 --tmpfs /small "
    "--file 12 /etc/motd --ro-bind-data 11 /etc/issue --bind-data 13 /a/b/link/data "
    "--mask /work/file --mask /work/dir --chmod 0700 /a/b --remount-ro /a/b/link/t --proc /proc")

# name, personality, options, files to read from, files to write to
LINES = (
    ("card", "sbx", "--ro-bind /usr /usr --unshare-all", "", ""),
    ("shared", "sbx", "--ro-bind /usr /usr --keep-id --keep-fd 12 --forward-signals", "12", ""),
    ("files", "sbx", NATIVE_FS + " --unshare-all", "11 12 13", ""),
    ("walk", "sbx", "--debug-opt force-openat-fallback " + NATIVE_FS + " --unshare-all",
     "11 12 13", ""),
    ("old-mount", "sbx", "--debug-opt force-mount-setattr-fallback " + NATIVE_FS + " --unshare-all",
     "11 12 13", ""),
    ("old-both", "bwrap", "--debug-opt force-mount-setattr-fallback "
     "--debug-opt force-openat-fallback " + FLATPAK, "11 12 13", "14 15 16"),
    ("flatpak", "bwrap", FLATPAK, "11 12 13", "14 15 16"),
    ("as-pid-1", "bwrap", "--unshare-all --as-pid-1 --new-session --ro-bind / / --tmpfs /tmp --proc /proc "
     "--dev /dev --tmpfs /tmp --ro-bind {tools} /tmp/tools --bind {work} /tmp/work", "", ""),
    ("no-init", "bwrap", "--dev-bind / / --lock-file /etc/passwd --bind {work} /mnt", "", ""),
    ("overlays", "sbx", "--ro-bind /usr /usr --unshare-all --overlay-src {work} --tmp-overlay /over "
     "--overlay-src {work} --overlay-src {tools} --ro-overlay /ro-over", "", ""),
    ("caps", "sbx", "--ro-bind /usr /usr --unshare-all --cap-add ALL --cap-drop CAP_SYS_ADMIN "
     "--hostname inside --mqueue /mq --new-session", "", ""),
    ("no-userns", "sbx", "--ro-bind /usr /usr --unshare-all --unshare-user --disable-userns "
     "--assert-userns-disabled --uid 7 --gid 8", "", ""),
    ("clocks", "sbx", "--ro-bind /usr /usr --unshare-all --unshare-time --boottime-offset 86400 "
     "--monotonic-offset 3600.5 --add-seccomp-fd 17 --die-with-parent --cap-add CAP_SYS_ADMIN", "17", ""),
    ("refuse", "sbx", "--ro-bind /usr /usr --dest-symlinks refuse --debug-opt force-openat-fallback "
     "--unshare-all --dir /x/y --ro-bind-try /nowhere /z --bind-fd 18 /x/y --block-fd 12", "12 18", ""),
    ("walls", "sbx", "--ro-bind /usr /usr --unshare-all --bind {work} /work --landlock --timeout 60 "
     "--ulimit nofile=100:200 --report {dir}/report --seccomp-profile strict", "", ""),
    ("joined", "bwrap", "--userns 21 --pidns 22 --unshare-pid --ro-bind / / --proc /proc --dev /dev "
     "--tmpfs /tmp --ro-bind {tools} /tmp/tools --bind {work} /tmp/work", "21 22", ""),
    ("network", "sbx", "--ro-bind /usr /usr --unshare-all --net user", "", ""),
    ("terminal", "sbx", "--ro-bind /usr /usr --unshare-all", "", ""),
    ("locks", "sbx", "--ro-bind /usr /usr --unshare-all --cap-add CAP_SYS_ADMIN --bind {work} /work "
     "--mask /work/dir", "", ""),
    ("profile", "sbx", "--ro-bind /usr /usr --unshare-all --seccomp-profile {dir}/in23", "", ""),
)
# over a made-up cgroup tree, where what is written is what is read; the payload is shown all of it
LIMITS = "--ro-bind /usr /usr --cgroup cgroupfs --name x --ro-bind {cgroup} /cg "
LIMIT_LINES = (
    ("limits", "sbx", LIMITS + "--unshare-all --memory 64M --cpus 1.5 --pids-limit 50 --cpu-weight 10 "
     "--timeout 60 --report {dir}/report", "", ""),
    ("limits-bwrap", "bwrap", LIMITS + "--unshare-user --unshare-pid --memory-high 1G --proc /proc --dev /dev "
     "--symlink usr/lib /lib --symlink usr/lib64 /lib64 --json-status-fd 14", "", "14"),
)
# with a systemd of the user's, which FAULTS_SCOPE=1 says is there (tests/systemd/faults.bats)
SCOPE_LINES = (
    ("scope", "sbx", "--ro-bind /usr /usr --unshare-all --cgroup systemd --delegate-cgroup", "", ""),
)
# run by root, which gets no user namespace as bwrap, and whose mounts could reach the host
ROOT_LINES = (
    ("root", "bwrap", "--ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --ro-bind {tools} /tmp/tools "
     "--bind {work} /tmp/work --tmpfs /mnt", "", ""),
    ("root-old", "bwrap", "--debug-opt force-mount-setattr-fallback --unshare-pid --ro-bind / / "
     "--proc /proc --dev /dev --tmpfs /tmp --ro-bind {tools} /tmp/tools --cap-drop ALL", "", ""),
    ("root-sbx", "sbx", "--ro-bind /usr /usr --unshare-all --bind {work} /work", "", ""),
)


# whose set-up is killed at each call, as all else is in every line: the others' leaves no more behind
KILLED = {"card", "files", "no-init", "joined", "network", "terminal", "limits", "limits-bwrap", "scope", "root"}


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        return file.readlines()


def differences(one, other):
    return [sorted(set(map(str, a)) ^ set(map(str, b))) for a, b in zip(one, other)]


PROFILE = '''{"defaultAction": "SCMP_ACT_ALLOW",
"syscalls": [{"names": ["mount", "umount2"], "action": "SCMP_ACT_ERRNO"}]}'''
# what is not a file in{FD} of the line's own
SPECIAL = {"18": "{0}/work", "21": "/proc/{1}/ns/user", "22": "/proc/{1}/ns/pid_for_children"}


def find_cgroup():
    """Where sbx looks for its cgroup on this machine, or None."""
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = [line[3:].rstrip("\n") for line in file if line.startswith("0::")]
    points = [line.split()[4] for line in mounts() if " - cgroup2 " in line and line.split()[3] == "/"]
    return (points[0], points[0] + own[0].rstrip("/")) if own and points else None


def scopes():
    return [os.path.join(where, name) for where, names, _ in os.walk("/sys/fs/cgroup")
            for name in names if name.startswith("sbx-")]


def wait_for_scopes():
    """systemd removes them when it finds the time; sbx-scope has one that nothing moved into taken back."""
    for _ in range(1200):
        if not scopes():
            return True
        time.sleep(0.05)
    return False


class Line:
    """One command line, its reference run, and the counts of what became of its faults."""

    def __init__(self, name, personality, options, reads, writes, top, owner):
        self.name, self.personality = name, personality
        self.dir = os.path.join(top, name)
        self.work = os.path.join(self.dir, "work")
        self.make_files()
        self.cgroup = find_cgroup() if "{cgroup}" in options else None
        self.options = options.format(work=self.work, tools=TOOLS, dir=self.dir,
                                      cgroup=self.cgroup and self.cgroup[1]).split()
        self.at_tmp = "/tmp/tools" in options
        self.files = []
        for fd in reads.split():
            path = SPECIAL.get(fd, "{0}/in" + fd).format(self.dir, owner)
            self.files += ["-i", f"{fd}={path}"]
        for fd in writes.split():
            self.files += ["-w", f"{fd}={self.dir}/out{fd}"]
        self.counts = {"same": 0, "refused": 0, "late": 0, "unreached": 0, "bad": 0}
        self.bad = []
        self.master, self.terminal = pty.openpty()
        self.mountinfo = open("/proc/self/mountinfo", "rb")  # pylint: disable=consider-using-with
        self.host = select.poll()
        self.host.register(self.mountinfo, select.POLLPRI)
        # what it prints, and its messages: in memory
        self.said = (os.memfd_create("out"), os.memfd_create("err"))
        self.before = None
        self.injector = self.start()

    def make_files(self):
        os.makedirs(os.path.join(self.work, "dir"))
        for name, content in (("work/file", "secret\n"), ("work/dir/file", "secret\n"),
                              ("in11", "eleven\n" * 1000), ("in12", "twelve\n" * 20000),
                              ("in13", "thirteen\n"), ("in23", PROFILE)):
            with open(os.path.join(self.dir, name), "w", encoding="ascii") as file:
                file.write(content)
        # allows everything: one BPF_RET of SECCOMP_RET_ALLOW
        with open(os.path.join(self.dir, "in17"), "wb") as file:
            file.write(bytes((6, 0, 0, 0, 0, 0, 0xff, 0x7f)))

    def command(self):
        probe = "/probe/probe"
        bind = ["--ro-bind", TOOLS, "/probe"]
        if self.at_tmp:
            probe, bind = "/tmp/tools/probe", []
        elif self.name == "no-init":
            probe, bind = os.path.join(TOOLS, "probe"), []
        # the tree of a host's root changes by itself
        depth = [] if bind else ["depth=0"]
        host = depth + [f"{ns}={os.readlink('/proc/self/ns/' + ns)}" for ns in NAMESPACES]
        return [SBX, *self.options, *bind, "--", probe, *host]

    def start(self):
        """One injector for all runs."""
        terminal = self.name == "terminal"
        args = [INJECT, "-a", self.personality, "-i", "19=/dev/null",
                "-d" if terminal else "-i", f"0={self.terminal}" if terminal else "0=/dev/null",
                "-d", f"1={self.said[0]}", "-d", f"2={self.said[1]}"]
        if self.cgroup:
            args += ["-m", self.cgroup[0], "-c", self.cgroup[1]]
        return subprocess.Popen(args + self.files + ["--"] + self.command(), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, env=ENVIRONMENT, cwd=self.dir,
                                pass_fds=self.said + ((self.terminal,) if terminal else ()))

    def run(self, fault):
        """Returns (log lines, what the payload printed, messages)."""
        for fd in self.said:
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
        self.injector.stdin.write((":".join(map(str, fault)) if fault else "-").encode() + b"\n")
        self.injector.stdin.flush()
        log = []
        while not log or log[-1] != b"done\n":
            log.append(self.injector.stdout.readline())
            if not log[-1]:
                raise SystemExit(f"Bail out! {self.name}: the injector ends with {self.injector.wait()} at {fault}")
        out, err = (os.pread(fd, os.fstat(fd).st_size, 0).decode(errors="replace").splitlines()
                    for fd in self.said)
        return b"".join(log).decode().splitlines(), out, err

    def end(self):
        self.injector.stdin.close()
        self.injector.wait()

    def snapshot(self):
        """What a run could leave on the host."""
        names = []
        for where, dirs, files in os.walk(self.work):
            for name in sorted(dirs + files):
                path = os.path.join(where, name)
                if name.startswith(".probe."):
                    # a probe that is killed between two steps leaves its own file
                    os.unlink(path)
                else:
                    names.append((path, os.lstat(path).st_mode))
        # nobody but root could change them
        here = mounts() if os.getuid() == 0 else []
        return names, sorted(os.listdir(self.dir)), here, termios.tcgetattr(self.terminal)

    def refer(self):
        """The run without a fault. Returns the faults that can be tried."""
        while True:
            self.host_mounts_changed()
            log, self.reference, messages = self.run(None)
            if not self.host_mounts_changed():
                break
        status = [int(line.split()[1]) for line in log if line.startswith("status")]
        if not self.reference or self.reference[-1] != "end" or messages or \
                [os.waitstatus_to_exitcode(s) for s in status] != [PROBE_STATUS]:
            raise SystemExit(f"Bail out! {self.name}: the run without a fault fails: {status} "
                             + " ".join(messages + log[-5:]))
        self.before = self.before or self.snapshot()
        faults = []
        for line in log:
            word = line.split()
            if word[0] != "call":
                continue
            call = tuple(word[1:4])
            # a close() is not repeated and not asked for its reason
            errors = ERRORS[-1:] if call[1] == "close" else ERRORS
            faults += [call + (getattr(errno, error),) for error in errors]
            if word[4] == "short":
                faults.append(call + (SHORT,))
            # a killed sbx-scope calls nothing back: the empty scope is the manager's to keep
            if (call[0] != "setup" or self.name in KILLED) and call[0] != "sbx-scope":
                faults.append(call + (KILL,))
        return faults

    def judge(self, fault):
        log, out, messages = self.run(fault)
        events = {line.split()[0]: line for line in log}
        stage, call = fault[0], fault[1]
        for what in ("hang", "crash", "left", "leftcgroup"):
            if what in events:
                return events[what]
        if "injected" not in events:
            return None
        if self.name == "scope" and not wait_for_scopes():
            return f"a scope is left: {scopes()}"
        after = self.snapshot()
        if after != self.before:
            return f"something is left on the host: {differences(after, self.before)}"
        code = os.waitstatus_to_exitcode(int(events["status"].split()[1]))
        if fault[3] == KILL:
            return self.judge_killed(stage, code, out, messages)
        own = [OWN_STATUS[self.personality]]
        if (stage, call) in (("payload", "execve"), ("setup", "execve")):
            own.append(126)
        # an assertion of a library's in a helper has words of its own
        ours = [m for m in messages if not m.startswith("sbx: hint: ") and
                not ("aborted" in events and "Assertion" in m)]
        refused = len(ours) == 1 and ours[0].startswith(self.personality + ": ") and code in own
        if not out and refused:
            return "refused"
        if not out:
            return f"no payload, status {code}, messages {messages}"
        # one that is killed may have said only a part
        begins = "\n".join(self.reference).startswith("\n".join(out))
        if out != self.reference and not (refused and begins):
            return "another sandbox: " + "; ".join(
                sorted(set(out) ^ set(self.reference))[:6])
        # a library in a helper may warn of what it can do without
        if code == PROBE_STATUS and (not messages or stage.startswith("sbx-")):
            return "same"
        # after the start of the payload it can only be ended, with a message
        if refused and (stage in ("pid1", "monitor") or stage.startswith("sbx-")):
            return "late"
        # nor can a report be taken back that could not be written: the status stands, and it is told
        if (code == PROBE_STATUS and stage == "monitor" and len(ours) == 1 and
                ours[0].startswith(self.personality + ": --report")):
            return "late"
        return f"the payload ran, status {code}, messages {messages}"

    def judge_killed(self, stage, code, out, messages):
        """A process of ours was killed: what ran until then had all its walls, and nothing looks like a success
        that is none."""
        # a made-up cgroup kills nobody, so a payload that outlives its monitor may see the cleaner at work
        saw, wanted = ([line for line in lines if stage != "monitor" or not line.startswith("file /cg/")]
                       for lines in (out, self.reference))
        if not "\n".join(wanted).startswith("\n".join(saw)):
            return "another sandbox: " + "; ".join(sorted(set(saw) ^ set(wanted))[:6])
        whole = out == self.reference and code == PROBE_STATUS and not messages
        if stage in ("launcher", "monitor"):
            return "late" if out else "refused" if code == -9 else f"its status is {code}"
        if whole:
            return "same"
        if code in (0, PROBE_STATUS) or (code in OWN_STATUS.values() and not messages):
            return f"status {code}, messages {messages}"
        return "late" if out else "refused"

    def host_mounts_changed(self):
        """Whether somebody has mounted or unmounted something on the host since this was asked last
        (proc_pid_mounts(5)). Root has a mount namespace of its own: what happens there, we did."""
        return bool(self.host.poll(0)) and os.getuid() != 0

    def host_changed(self):
        """Whether a run without a fault has another outcome than it had: the payload is shown files
        and mounts of the host's, and somebody may install something meanwhile. What a run may leave
        behind is compared with what was there before the first one."""
        mounted, before = self.host_mounts_changed(), self.reference
        self.refer()
        return mounted or self.reference != before

    def attempt(self, fault):
        verdict = self.judge(fault)
        while verdict and verdict not in self.counts and self.host_changed():
            verdict = self.judge(fault)
        if verdict is None:
            verdict = "unreached"
        if verdict not in self.counts:
            text = ":".join(map(str, fault))
            self.bad.append(f"{text}: {verdict}")
            verdict = "bad"
        self.counts[verdict] += 1
        return verdict


ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/", "USER": "probe", "LANG": "C.UTF-8",
               "DBUS_SESSION_BUS_ADDRESS": "none"}
if os.environ.get("FAULTS_SCOPE"):
    ENVIRONMENT.update({name: os.environ[name] for name in ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
                        if name in os.environ})


def choose_lines():
    if os.environ.get("FAULTS_SCOPE"):
        return SCOPE_LINES
    return LINES + (LIMIT_LINES if find_cgroup() else ()) + (ROOT_LINES if os.getuid() == 0 else ())


def choose_faults(lines):
    """The faults to try, in the order in which they are tried: (line, fault)."""
    only = os.environ.get("FAULTS_ONLY")
    if only:
        name, _, fault = only.partition(":")
        line = [line for line in lines if line.name == name][0]
        wanted = tuple(fault.split(":")) if fault else ()
        return [(line, fault) for fault in line.refer()
                if tuple(map(str, fault))[:len(wanted)] == wanted]
    todo = [(line, fault) for line in lines for fault in line.refer()]
    random.Random(int(os.environ["FAULTS_SEED"])).shuffle(todo)
    return todo


def try_share(top, number, workers, seconds):
    """One worker: every workers-th fault. Returns what it found out, in plain data."""
    top = os.path.join(top, str(number))
    os.mkdir(top)
    # a traced process and its tracer take turns, which is dear when they wake each other's processor
    cpus = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cpus[number % len(cpus)]})
    # its namespaces are there to be joined, for as long as we are
    owner = subprocess.Popen(["unshare", "-Urpf", "--kill-child", "sh", "-c", "echo up; exec cat"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    owner.stdout.readline()
    try:
        lines = [Line(*args, top, owner.pid)
                 for args in choose_lines()]
        todo = choose_faults(lines)
        ends = time.monotonic() + seconds
        tried, complete = 0, True
        for line, fault in todo:
            # by its name: where threads run, no two workers see quite the same list
            if zlib.crc32(repr((line.name, fault)).encode()) % workers != number:
                continue
            if seconds and time.monotonic() > ends:
                complete = False
                break
            line.attempt(fault)
            tried += 1
        for line in lines:
            line.end()
    finally:
        owner.kill()
        owner.wait()
    return {"tried": tried, "of": len(todo), "complete": complete,
            "lines": [(line.name, line.counts, line.bad) for line in lines]}


def worker(top, number, workers, seconds):
    """Starts one. Its answer is a line of JSON; without one it has failed, and said why."""
    out, into = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        os.close(into)
        return pid, out
    status = 1
    try:
        answer = try_share(top, number, workers, seconds)
        with os.fdopen(into, "w", encoding="utf-8") as file:
            json.dump(answer, file)
        status = 0
    except SystemExit as error:
        print(error, flush=True)
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
    os._exit(status)


def try_all(top, workers, seconds):
    answers = []
    started = [worker(top, number, workers, seconds) for number in range(workers)]
    for pid, out in started:
        with os.fdopen(out, encoding="utf-8") as file:
            text = file.read()
        if os.waitpid(pid, 0)[1] or not text:
            raise SystemExit("Bail out! a worker failed")
        answers.append(json.loads(text))
    sums = {}
    for answer in answers:
        for name, counts, bad in answer["lines"]:
            known = sums.setdefault(name, ({}, []))
            for what, n in counts.items():
                known[0][what] = known[0].get(what, 0) + n
            known[1].extend(bad)
    return (sums, sum(answer["tried"] for answer in answers), answers[0]["of"],
            all(answer["complete"] for answer in answers))


def main():
    if os.environ.get("SBX_SANITIZERS"):
        print("1..0 # SKIP cannot run here: the sanitizers make calls of their own, and not under ptrace")
        return 0
    seconds = int(os.environ.get("FAULTS_SECONDS") or 30)
    # all of them, or one that somebody looks at, or that looks at what all would share
    workers = 1 if os.environ.get("FAULTS_ONLY") or os.environ.get("FAULTS_SCOPE") else \
        int(os.environ.get("FAULTS_WORKERS") or len(os.sched_getaffinity(0)))
    seed = os.environ.setdefault("FAULTS_SEED", str(int(time.time())))
    print(f"# seed {seed}: FAULTS_SEED={seed} tries the same faults first")
    top = tempfile.mkdtemp(prefix="sbx-faults.")
    began = time.monotonic()
    try:
        sums, tried, total, complete = try_all(top, workers, seconds)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    table = [["line"] + list(next(iter(sums.values()))[0])]
    sums = {name: found for name, found in sums.items() if any(found[0].values())}
    print(f"1..{len(sums)}")
    for i, (name, (counts, bad)) in enumerate(sums.items(), 1):
        print(f"{'not ok' if bad else 'ok'} {i} {name}: a failing call never weakens it, and is never silent")
        for text in bad[:20]:
            print(f"# {name}:{text}")
        table.append([name] + [str(n) for n in counts.values()])
    table.append(["sum"] + [str(sum(int(row[i]) for row in table[1:]))
                            for i in range(1, len(table[0]))])
    for row in table:
        print("# " + row[0].ljust(12) + "".join(cell.rjust(11) for cell in row[1:]))
    share = f"all {tried}" if complete else f"{tried} of {total}"
    print(f"# {share} faults tried, in {time.monotonic() - began:.0f} s by {workers} workers")
    return 1 if any(bad for _, bad in sums.values()) else 0


def leave_the_host_alone():
    """Root tries in a mount namespace of its own, shared within itself as that of a host would be."""
    if os.getuid() != 0 or os.environ.get("FAULTS_ALONE"):
        return
    os.environ["FAULTS_ALONE"] = "1"
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private", "sh", "-c",
                          'mount --make-rshared / && exec "$@"', "sh", sys.executable, *sys.argv])


if __name__ == "__main__":
    leave_the_host_alone()
    sys.exit(main())
