#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many sandboxes, one after another and at once, and KILL at random moments to any process of ours,
or STOP, and CONT some time later.

No process is left, no mount, no file, and the caller's terminal is as it was. A run that nobody
disturbed has the payload's status, and so has one that went on; one with a process killed never
looks like a success.

STORM_SECONDS bounds each of the two parts (default 8; 0: no bound), STORM_COUNT and STORM_PARALLEL
are how many runs there are of each (2000 and 200), STORM_SEED chooses the victims.
"""
import ctypes
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time

SBX = os.environ["SBX"]
PAYLOAD_STATUS = 42
# generous: a machine that stands still for a moment is no fault of ours
GRACE_SECONDS = 60
HANG_SECONDS = 300
PR_SET_CHILD_SUBREAPER = 36
PAYLOAD = ["sh", "-c", f"sleep 0.02 & sleep 0.03; wait; exit {PAYLOAD_STATUS}"]
DATA_FD = 11

# personality and options; none of these sandboxes may outlive its monitor
LINES = (
    ("sbx", "--ro-bind /usr /usr --unshare-all"),
    ("sbx", "--ro-bind /usr /usr --keep-id --unshare-all --bind {work} /work --tmpfs /work/dir"),
    ("sbx", "--ro-bind /usr /usr --unshare-all --ro-bind-data 11 /work/data --bind {work} /work "
     "--forward-signals --new-session"),
    ("sbx", "--ro-bind /usr /usr --unshare-all --cap-add ALL --overlay-src {work} --tmp-overlay /over"),
    ("bwrap", "--unshare-user --unshare-pid --die-with-parent --ro-bind / / --proc /proc --dev /dev"),
    ("bwrap", "--unshare-all --die-with-parent --as-pid-1 --ro-bind / / --json-status-fd 2"),
)


class Storm:
    def __init__(self, top, seed, parallel):
        self.random = random.Random(seed)
        self.span = 0.06 * (1 + parallel / 20)  # seconds; what many at once take
        self.top = top
        self.work = os.path.join(top, "work")
        os.makedirs(os.path.join(self.work, "dir"))
        with open(os.path.join(top, "data"), "w", encoding="ascii") as file:
            file.write("data\n" * 1000)
        self.master, self.terminal = pty.openpty()
        self.terminal_before = termios.tcgetattr(self.terminal)
        self.files_before = self.files()
        self.bad = []
        self.counts = {}

    def files(self):
        return sorted(os.path.join(where, name)
                      for where, dirs, files in os.walk(self.top) for name in dirs + files
                      if not name.startswith("log."))

    def start(self, number):
        personality, options = self.random.choice(LINES)
        options = options.format(work=self.work).split()
        log = open(os.path.join(self.top, f"log.{number}"), "w+b")
        def give_data():
            fd = os.open(os.path.join(self.top, "data"), os.O_RDONLY)
            os.dup2(fd, DATA_FD)
            os.set_inheritable(DATA_FD, True)
        # with its output there, too, sbx sets the terminal to raw mode
        stdout = self.terminal if self.random.random() < 0.4 else log
        # pylint: disable=subprocess-popen-preexec-fn
        process = subprocess.Popen([personality, *options, "--", *PAYLOAD], executable=SBX,
                                   stdin=self.terminal, stdout=stdout, stderr=log, cwd="/",
                                   preexec_fn=give_data, close_fds=False)
        disturbed = self.random.random() < 0.8
        when = time.monotonic() + self.random.random() * self.span if disturbed else None
        return {"number": number, "process": process, "log": log, "when": when, "hit": None,
                "stops": self.random.random() < 0.3, "stopped": None,
                "personality": personality, "deadline": time.monotonic() + HANG_SECONDS}

    def hit(self, run):
        """KILL or STOP for one of its processes, any of them."""
        launcher = run["process"].pid
        victim = self.random.choice(family_of(launcher))
        try:
            # the launcher itself is only reaped by us, so its number is still its own
            if not run["stops"]:
                os.kill(victim, signal.SIGKILL)
            else:
                run["stopped"] = os.pidfd_open(victim)
                signal.pidfd_send_signal(run["stopped"], signal.SIGSTOP)
                run["when"] = time.monotonic() + self.random.random() * self.span
        except ProcessLookupError:
            run["hit"] = "gone"
            return
        run["hit"] = ("launcher" if victim == launcher else "inside") + " stops" * run["stops"]

    def go_on(self, run):
        """A payload that stops takes the monitor along, as a job of a shell's, and maybe only now:
        whoever sees that lets it go on, as the shell would."""
        try:
            run["process"].send_signal(signal.SIGCONT)
            signal.pidfd_send_signal(run["stopped"], signal.SIGCONT)
        except ProcessLookupError:
            pass
        run["when"] = time.monotonic() + 0.05

    def finish(self, run):
        status = run["process"].returncode
        run["log"].seek(0)
        text = run["log"].read().decode(errors="replace")
        lines = [line for line in text.splitlines() if not line.startswith("{")]
        run["log"].close()
        os.unlink(run["log"].name)
        what = run["hit"] or "undisturbed"
        if run["stopped"]:
            self.go_on(run)
            os.close(run["stopped"])
            if status != PAYLOAD_STATUS or lines:
                self.bad.append(f"a process ({what}) stopped and went on, status {status}, {lines}")
        key = (what, status)
        self.counts[key] = self.counts.get(key, 0) + 1
        if what == "undisturbed" and (status != PAYLOAD_STATUS or lines):
            self.bad.append(f"undisturbed, but status {status}, {lines}")
        # a helper's death may be none of the payload's business (sleep), a success needs its end
        if what == "inside" and status == 0:
            self.bad.append(f"a process was killed, and the status is 0: {lines}")
        if what == "inside" and status in (1, 125) and not lines:
            self.bad.append(f"a process was killed, status {status}, and nobody says so")

    def run(self, count, parallel, seconds):
        ends = time.monotonic() + seconds
        running, started = [], 0
        while running or started < count:
            now = time.monotonic()
            if started < count and len(running) < parallel and (not seconds or now < ends):
                running.append(self.start(started))
                started += 1
            if not running:
                break
            for run in list(running):
                if run["process"].poll() is not None:
                    running.remove(run)
                    self.finish(run)
                elif now > run["deadline"]:
                    self.end(run)
                    running.remove(run)
                elif run["when"] and now >= run["when"]:
                    run["when"] = None
                    if run["stopped"]:
                        self.go_on(run)
                    else:
                        self.hit(run)
            time.sleep(0.001 if len(running) == parallel else 0)
        self.check_leftovers()
        return started

    def end(self, run):
        """One that hangs."""
        family = family_of(run["process"].pid)
        self.bad.append(f"it hangs: {run['hit']}, {[(pid, name_of(pid)) for pid in family]}")
        kill_all(family)
        run["process"].wait()
        run["log"].close()
        os.unlink(run["log"].name)

    def check_leftovers(self):
        """Orphans come to us, as their subreaper."""
        ends = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < ends:
            try:
                if os.waitpid(-1, os.WNOHANG) == (0, 0):
                    time.sleep(0.01)
            except ChildProcessError:
                break
        else:
            left = [(pid, name_of(pid)) for pid in family_of(os.getpid())[1:]]
            self.bad.append(f"processes are left: {left}")
            kill_all(pid for pid, _ in left)
        if self.files() != self.files_before:
            self.bad.append(f"files are left: {set(self.files()) ^ set(self.files_before)}")
        if termios.tcgetattr(self.terminal) != self.terminal_before:
            self.bad.append("the terminal is not as it was")
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            mounts = [line for line in file if self.top in line]
        if mounts:
            self.bad.append(f"mounts are left: {mounts}")


def kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def name_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().replace("\0", " ")[:100]
    except OSError:
        return "?"


def family_of(pid):
    found = [pid]
    for member in found:
        try:
            with open(f"/proc/{member}/task/{member}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
        except OSError:
            pass
    return found


def main():
    seed = int(os.environ.get("STORM_SEED") or time.time())
    seconds = int(os.environ.get("STORM_SECONDS") or 8)
    count = int(os.environ.get("STORM_COUNT") or 2000)
    parallel = int(os.environ.get("STORM_PARALLEL") or 200)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    print(f"# seed {seed}")
    print("1..2")
    failed = 0
    for number, (name, width) in enumerate((("one after another", 1),
                                            (f"up to {parallel} at once", parallel)), 1):
        top = tempfile.mkdtemp(prefix="sbx-storm.")
        try:
            storm = Storm(top, seed + number, width)
            started = storm.run(count, width, seconds)
        finally:
            shutil.rmtree(top, ignore_errors=True)
        failed += bool(storm.bad)
        print(f"{'not ok' if storm.bad else 'ok'} {number} sandboxes {name} leave nothing behind")
        print(f"# {started} sandboxes; killed, status: how often")
        for key in sorted(storm.counts, key=str):
            print(f"# {key[0]:15} {key[1]:5} {storm.counts[key]:6}")
        for text in sorted(set(storm.bad))[:20]:
            print("# " + text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
