#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""--pty, on real terminals: each case is a terminal with a shell or sbx on it, and somebody typing."""
import fcntl
import hashlib
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

SBX = os.environ["SBX"]
ROOT = ["--ro-bind", "/usr", "/usr", "--unshare-all"]
LIMIT = 180  # seconds after which something hangs
COOKED = termios.ICANON | termios.ECHO | termios.ISIG


class Failed(Exception):
    pass


def check(truth, text):
    if not truth:
        raise Failed(text)


class Terminal:
    """A terminal as an emulator has it, with command as its session's leader."""

    def __init__(self, *command, size=(24, 80), env=None):
        go = os.pipe()
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.read(go[0], 1)
            os.environ.update({"TERM": "xterm", "PS1": "PROMPT ", "SBX": SBX, "ROOT": " ".join(ROOT),
                               "HISTFILE": "", **(env or {})})
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
            os.execvp(command[0], command)
        self.seen = ""
        self.status = None
        os.set_blocking(self.master, False)
        self.before = self.modes()
        os.write(go[1], b"x")
        os.close(go[0])
        os.close(go[1])

    @classmethod
    def sbx(cls, *args, **more):
        return cls(SBX, *ROOT, *args, **more)

    @classmethod
    def shell(cls, **more):
        new = cls("bash", "--norc", "--noprofile", "-i", **more)
        new.expect("PROMPT ")
        return new

    def read(self, wait=0.2):
        if not select.select([self.master], [], [], wait)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return None
        self.seen += data.decode(errors="replace")
        return True

    def expect(self, pattern):
        """Waits for what matches, and forgets all up to its end."""
        ends = time.monotonic() + LIMIT
        while True:
            match = re.search(pattern, self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return match
            check(time.monotonic() < ends, f"no '{pattern}' came, but {self.seen[-500:]!r}")
            check(self.read() is not None or re.search(pattern, self.seen),
                  f"the terminal ended without '{pattern}', with {self.seen[-500:]!r}")

    def type(self, text):
        data = text.encode()
        while data:
            select.select([], [self.master], [], LIMIT)
            try:
                data = data[os.write(self.master, data):]
            except BlockingIOError:
                self.read(0.01)

    def line(self, text):
        self.type(text + "\n")

    def modes(self):
        return termios.tcgetattr(self.master)

    def is_raw(self):
        return not self.modes()[3] & COOKED

    def until(self, what, text):
        ends = time.monotonic() + LIMIT
        while not what():
            check(time.monotonic() < ends, text)
            self.read(0.02)

    def until_raw(self):
        self.until(self.is_raw, "the terminal does not get raw")

    def until_sane(self):
        self.until(lambda: not self.is_raw(), "the terminal stays raw")

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait(self):
        """The exit status, and everything that came is in seen."""
        ends = time.monotonic() + LIMIT
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            else:
                check(time.monotonic() < ends, f"it does not end; {self.seen[-300:]!r}")
                self.read(0.05)
        while self.read(0.1):
            pass
        return self.status

    def close(self):
        if self.status is None:
            for pid in descendants(self.pid) + [self.pid]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            os.waitpid(self.pid, 0)
        if self.master >= 0:
            os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.close()


def descendants(pid):
    found = []
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            for child in map(int, file.read().split()):
                found += [child] + descendants(child)
    except OSError:
        pass
    return found


def run(*args, **more):
    return subprocess.run([SBX, *args], capture_output=True, text=True, check=False, timeout=LIMIT, **more)


def find_sbx(terminal):
    """The monitor below a shell."""
    ends = time.monotonic() + LIMIT
    while time.monotonic() < ends:
        for pid in descendants(terminal.pid):
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                    if file.read().startswith(SBX + "\0"):
                        return pid
            except OSError:
                pass
        time.sleep(0.02)
    raise Failed("sbx does not run")


def waits(terminal, command, foreground=True):
    """Whether one that was executed below waits, and has its terminal. Before, keys are somebody else's."""
    for pid in descendants(terminal.pid):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8") as file:
                words = file.read().replace("\0", " ")
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                state, _, group, _, _, owner = file.read().rpartition(")")[2].split()[:6]
        except OSError:
            continue
        if words.startswith(command) and state == "S" and (group == owner or not foreground):
            return True
    return False


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0]


WHERE = r'''
import fcntl, os, stat, struct, sys, termios
dev = lambda fd: struct.unpack("I", fcntl.ioctl(fd, 0x80045432, bytes(4)))[0]
for fd in range(3):
    print("fd", fd, dev(fd) if os.isatty(fd) else "none", file=sys.stderr)
for name in ("/dev/tty", "/dev/console"):
    fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
    print(name, dev(fd), file=sys.stderr)
    os.close(fd)
print("open", sorted(map(int, os.listdir("/proc/self/fd")))[:4], "sid", os.getsid(0),
      "group", os.getpgrp() == os.tcgetpgrp(2), file=sys.stderr)
'''


def when_it_is_there(_):
    """the plan has a terminal when standard input is one, and nobody says otherwise"""
    own = "terminal of its own"
    for options, expected in (((), True), (("--no-pty",), False), (("--new-session",), False),
                              (("--pty", "--new-session"), True), (("--no-pty", "--pty"), True),
                              (("--pty", "--no-pty"), False)):
        with Terminal.sbx(*options, "--dry-run", "true") as terminal:
            check(terminal.wait() == 0, terminal.seen)
            check((own in terminal.seen) == expected, f"{options}: {terminal.seen}")
    for options, expected in (((), False), (("--pty",), True)):
        with Terminal("bash", "-c", 'exec -a bwrap "$SBX" --unshare-user ' + " ".join(options) +
                      " --ro-bind / / --dry-run true") as terminal:
            check(terminal.wait() == 0, terminal.seen)
            check((own in terminal.seen) == expected, f"bwrap {options}: {terminal.seen}")
    for options in ((), ("--no-pty",)):
        check(own not in run(*ROOT, *options, "--dry-run", "true", stdin=subprocess.DEVNULL).stdout, options)
    refused = run(*ROOT, "--pty", "true", stdin=subprocess.DEVNULL)
    check(refused.returncode == 125 and "--pty needs a terminal as standard input" in refused.stderr,
          refused.stderr)


def not_the_callers(_):
    """the payload has its own terminal under every name, and no descriptor of the caller's"""
    for options in ((), ("--as-pid-1",), ("--net", "host"), ("--new-session", "--pty")):
        with Terminal.sbx(*options, "python3", "-c", WHERE) as terminal:
            check(terminal.wait() == 0, terminal.seen)
            caller = os.fstat(terminal.master) and struct.unpack(
                "I", fcntl.ioctl(terminal.master, 0x80045430, bytes(4)))[0]
            found = dict(re.findall(r"(fd \d|/dev/\w+) (\w+)", terminal.seen))
            check(len(set(found.values())) == 1 and len(found) == 5, terminal.seen)
            check(int(found["fd 0"]) != (136 << 8 | caller), "it is the caller's")
            check("open [0, 1, 2, 3]" in terminal.seen and "group True" in terminal.seen, terminal.seen)


def without_a_namespace(_):
    """the same with the host's processes, ids and root"""
    with Terminal(SBX, "--keep-id", "--bind", "/", "/", "sh", "-c", "test -t 0 && tty; echo $$; exit 7") as terminal:
        check(terminal.wait() == 7, terminal.seen)


def sizes(_):
    """the window's size, at the start and when it changes"""
    with Terminal.sbx("bash", "-c", 'trap "stty size; echo now" WINCH; stty size; echo up; '
                      "while :; do read -t 0.1 x || :; done", size=(33, 101)) as terminal:
        terminal.expect("33 101\r\nup")
        terminal.resize(44, 120)
        terminal.expect("44 120\r\nnow")


def modes_at_the_start(_):
    """the payload's terminal begins with the caller's modes"""
    with Terminal.shell() as terminal:
        terminal.line("stty erase @ -echoctl; $SBX $ROOT stty -a; echo done$?")
        check("erase = @" in terminal.expect("(?s)(.*)done0").group(1), "erase")


def restored(_):
    """raw while it runs, and as before afterwards: exit, error, signal, KILL"""
    for what, expected in (("exit 3", 3), ("kill -KILL $$", 137), ("exec /nonexistent", 127)):
        with Terminal.shell() as terminal:
            before = terminal.modes()
            terminal.line(f"$SBX $ROOT bash -c 'echo r{'eady'}; read x; {what}'; echo status $?")
            terminal.expect("ready")
            terminal.until_raw()
            terminal.type("\n")
            terminal.expect(f"status {expected}\r")
            terminal.expect("PROMPT ")
            terminal.line("stty -a; echo do''ne")
            terminal.expect("done")
            check(terminal.modes()[:4] == before[:4] or not terminal.is_raw(), "the modes have changed")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        # without a shell that would tidy up
        with Terminal("sh", "-c", f"trap '' 1 2 3 15; (trap - 1 2 3 15; exec $SBX $ROOT sh -c 'echo r{'eady'}; "
                      "exec sleep 1000'); echo status $?; read x") as terminal:
            terminal.expect("ready")
            terminal.until_raw()
            os.kill(find_sbx(terminal), number)
            terminal.expect(f"status {128 + number}")
            terminal.until_sane()
            check(terminal.modes() == terminal.before, f"signal {number}: other modes")


def two_at_once(_):
    """two on one terminal restore it, whichever ends first"""
    for first in (0.2, 0.6):
        with Terminal("sh", "-c", f"$SBX $ROOT sleep {first} </dev/tty & $SBX $ROOT sleep 0.4; wait; echo e''nd; read x"
                      ) as terminal:
            terminal.expect("end")
            check(terminal.modes() == terminal.before, "other modes")


def keys(_):
    """Ctrl-C, Ctrl-\\ and Ctrl-D are the payload's"""
    with Terminal.sbx("bash", "-c", "trap 'echo int' INT; trap 'echo quit' QUIT; echo up; "
                      "while read x; do echo \"<$x>\"; done; cat; exit 5") as terminal:
        terminal.expect("up")
        terminal.until_raw()
        terminal.type("\x03")
        terminal.expect("int")
        terminal.type("\x1c")
        terminal.expect("quit")
        terminal.line("word")
        terminal.expect("<word>")
        terminal.type("\x04\x04")
        check(terminal.wait() == 5, terminal.seen)


def control_z(_):
    """Ctrl-Z on a payload without job control stops sbx; fg goes on, bg too, and fg after bg"""
    with Terminal.shell() as terminal:
        terminal.line("$SBX $ROOT sh -c 'echo r''eady; read x; echo \"<$x>\"; sh -c \"read y; echo {\\$y}\"; exit 9'")
        terminal.expect("ready")
        for _ in range(3):
            terminal.until_raw()
            terminal.type("\x1a")
            terminal.expect("Stopped")
            terminal.expect("PROMPT ")
            check(not terminal.is_raw(), "raw for the shell")
            terminal.line("jobs; echo 'a word'")
            terminal.expect("Stopped.*\r\na word")
            check(state_of(find_sbx(terminal)) == "T", "sbx is not stopped")
            terminal.line("fg")
        terminal.until_raw()
        terminal.line("first")
        terminal.expect("<first>")
        # in the middle of a vfork(2) no shell could be stopped
        terminal.until(lambda: waits(terminal, "sh -c read y"), "the second shell does not read")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect("PROMPT ")
        terminal.line("bg")
        terminal.expect("PROMPT ")
        terminal.line("echo still $((40+2))")
        terminal.expect("still 42")
        terminal.line("fg")
        terminal.until_raw()
        terminal.line("second")
        terminal.expect("{second}")
        terminal.expect("PROMPT ")
        terminal.line("echo status $?")
        terminal.expect("status 9")


def stopped_from_outside(_):
    """SIGSTOP and SIGTSTP of somebody else, and SIGCONT"""
    for number in (signal.SIGSTOP, signal.SIGTSTP):
        with Terminal.shell() as terminal:
            terminal.line("$SBX $ROOT sh -c 'echo r''eady; read x; echo \"<$x>\"'; echo status $?")
            terminal.expect("ready")
            terminal.until_raw()
            os.kill(find_sbx(terminal), number)
            terminal.expect("Stopped")
            terminal.expect("PROMPT ")
            terminal.line("echo he''re; fg")
            terminal.expect("here")
            terminal.until_raw()
            terminal.line("on")
            terminal.expect("<on>")


def job_control_inside(_):
    """a shell inside stops and continues its own jobs, and sbx does not stop"""
    with Terminal.sbx("--setenv", "PS1", "INSIDE ", "bash", "--norc", "--noprofile", "-i") as terminal:
        terminal.expect("INSIDE ")
        check("job control" not in terminal.seen, terminal.seen)
        terminal.line("sleep 1000")
        # a key before that would be the shell's, and take what was typed along
        terminal.until(lambda: waits(terminal, "sleep 1000"), "nothing sleeps")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.expect("INSIDE ")
        terminal.line("jobs")
        terminal.expect("Stopped.*sleep 1000")
        terminal.line("fg")
        terminal.expect("sleep 1000")
        terminal.until(lambda: waits(terminal, "sleep 1000"), "nothing sleeps again")
        terminal.type("\x03")
        terminal.expect("INSIDE ")
        terminal.line("exit 4")
        check(terminal.wait() == 4, terminal.seen)


def nobody_to_wake_us(_):
    """Ctrl-Z where no shell would continue us is only a pause"""
    with Terminal.sbx("sh", "-c", "echo up; read x; echo \"<$x>\"") as terminal:
        terminal.expect("up")
        terminal.until_raw()
        terminal.type("\x1a")
        time.sleep(0.3)
        terminal.line("on")
        terminal.expect("<on>")
        check(terminal.wait() == 0, terminal.seen)


def background(_):
    """in the background nothing happens to the terminal; who reads is stopped, and gets it with fg"""
    with Terminal.shell() as terminal:
        terminal.line("$SBX $ROOT sh -c 'echo r''eady; sleep 0.3; read x; echo \"<$x>\"' & ")
        terminal.expect("ready")
        check(not terminal.is_raw(), "raw in the background")
        terminal.line("")
        terminal.expect(r"Stopped|PROMPT ")
        terminal.until(lambda: state_of(find_sbx(terminal)) == "T", "sbx is not stopped")
        terminal.line("fg")
        terminal.until_raw()
        terminal.line("hello")
        terminal.expect("<hello>")
        terminal.expect("PROMPT ")
        terminal.line("echo status $?")
        terminal.expect("status 0")
        terminal.line("$SBX $ROOT sh -c 'sleep 0.2; exit 6' & wait $!; echo status $?")
        terminal.expect("status 6")


def all_output(_):
    """what was written before the exit appears, all of it"""
    for _ in range(5):
        with Terminal.sbx("python3", "-c", "print('x' * 79 + '\\n' * 1, end='', flush=True); "
                          "print(('y' * 79 + '\\n') * 700 + 'the end')") as terminal:
            time.sleep(0.5)  # nobody reads meanwhile
            check(terminal.wait() == 0, "status")
            check(terminal.seen.count("y") == 79 * 700 and terminal.seen.endswith("the end\r\n"),
                  f"{len(terminal.seen)} bytes came")


def pastes(_):
    """a megabyte in both directions at once"""
    text = "".join(f"{i:07d}\n" for i in range(131072))
    code = ("import hashlib, sys\nh = hashlib.sha256()\nprint('up', flush=True)\n"
            "for line in sys.stdin:\n h.update(line.encode())\n if line == '0131071\\n': break\n"
            "print('hash', h.hexdigest())")
    with Terminal.sbx("python3", "-c", code) as terminal:
        terminal.expect("up")
        terminal.until_raw()
        terminal.type(text)
        terminal.expect("hash " + hashlib.sha256(text.encode()).hexdigest())
        check(terminal.wait() == 0, "status")


def vanished(work):
    """when the caller's terminal goes, the payload hears of it, and sbx ends with it"""
    for options in ((), ("--as-pid-1",)):
        said = os.path.join(work, "said")
        terminal = Terminal.sbx(*options, "--bind", work, "/work", "bash", "-c",
                                "trap 'echo hup >/work/said; exit 3' HUP; echo up; while :; do sleep 0.05; done")
        with terminal:
            terminal.expect("up")
            os.close(terminal.master)
            terminal.master = -1
            ends = time.monotonic() + LIMIT
            while os.waitpid(terminal.pid, os.WNOHANG)[0] == 0:
                check(time.monotonic() < ends, "it does not end")
                time.sleep(0.05)
            terminal.status = 0
            with open(said, encoding="utf-8") as file:
                check(file.read() == "hup\n", "the payload heard nothing")
        os.unlink(said)


def ticks_of(pid):
    """The processor's time that it has used, in hundredths of a second."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


def ignores_the_end(work):
    """a payload that ignores SIGHUP goes on without a terminal, and sbx sleeps"""
    terminal = Terminal.sbx("--bind", work, "/work", "sh", "-c",
                            "trap '' HUP; echo up; sleep 2; echo lost; touch /work/done; exit 0")
    with terminal:
        terminal.expect("up")
        os.close(terminal.master)
        terminal.master = -1
        before = ticks_of(terminal.pid)
        time.sleep(1)
        ticks = ticks_of(terminal.pid) - before
        check(ticks < 30, f"sbx used {ticks} ticks in a second")
        os.waitpid(terminal.pid, 0)
        terminal.status = 0
        check(os.path.exists(os.path.join(work, "done")), "it did not go on")


def closes_its_terminal(_):
    """a payload without descriptors of its terminal: sbx sleeps"""
    for options in ((), ("--as-pid-1",)):
        with Terminal.sbx(*options, "sh", "-c", "exec <&- >&- 2>&-; sleep 1.5; exit 8") as terminal:
            before = ticks_of(terminal.pid)
            time.sleep(1)
            ticks = ticks_of(terminal.pid) - before
            check(ticks < 30, f"sbx used {ticks} ticks in a second")
            check(terminal.wait() == 8, "status")


def time_limits(_):
    """--timeout ends a payload that has stopped sbx, and one whose output nobody reads"""
    for command in ("kill -STOP $$; exit 3", "trap 'kill -STOP $$' TERM; kill -STOP $$; kill -STOP $$",
                    "yes", "trap '' TERM; yes"):
        with Terminal.sbx("--timeout", "1", "--kill-after", "0.5", "sh", "-c", command) as terminal:
            ends = time.monotonic() + LIMIT
            pid = 0
            while pid == 0:
                check(time.monotonic() < ends, f"it does not end: {command}")
                time.sleep(0.05)
                pid, status = os.waitpid(terminal.pid, os.WNOHANG)
            terminal.status = os.waitstatus_to_exitcode(status)
            check(terminal.status == 124, f"status {terminal.status}: {command}")


def redirections(work):
    """what is no terminal stays as it is; keys stay the caller's until the payload asks"""
    with Terminal.shell() as terminal:
        terminal.line(f"$SBX $ROOT sh -c 'test -t 0 && test -t 2 && ! test -t 1 && echo o''ut' >{work}/out; "
                      f"cat {work}/out; echo do''ne")
        terminal.expect("out\r\n")
        terminal.expect("done")
        terminal.line("$SBX $ROOT sh -c 'echo l''ine; sleep 0.5; exit 3' | (read x; stty -a </dev/tty; echo \"[$x]\"); "
                      "echo ${PIPESTATUS[0]} e''nd")
        found = terminal.expect(r"(?s)(.*)\[line\]").group(1)
        check(" icanon" in found and "-icanon" not in found, "raw beside a pager")
        terminal.expect("3 end")
        terminal.line("x=$($SBX $ROOT bash -c 'read -p \"na\"\"me? \" a; echo \"<$a>\"'); echo \"got $x\"")
        terminal.expect(r"name\? ")
        terminal.until_raw()
        terminal.line("me")
        terminal.expect("got <me>")
        for _ in range(5):
            terminal.line("$SBX $ROOT sleep 1000 | cat; echo en''ded ${PIPESTATUS[0]}")
            find_sbx(terminal)
            terminal.type("\x03")
            terminal.expect("ended|\\^C\r\n")
            terminal.expect("PROMPT ")
        terminal.line("$SBX $ROOT sh -c 'echo r''un; sleep 1000; exit 4' | cat; echo sta''tus")
        terminal.expect("run")
        # in the middle of a vfork(2) no shell could be stopped
        terminal.until(lambda: waits(terminal, "sleep 1000", foreground=False), "nothing sleeps")
        terminal.type("\x1a")
        terminal.expect("Stopped")
        terminal.line("kill %1; fg; echo en''ded")
        terminal.expect("ended")


def other_options(work):
    """the report, the time limit, --as-pid-1, a filter of four calls: as without"""
    report = os.path.join(work, "report")
    with Terminal.sbx("--report", report, "sh", "-c", "exit 11") as terminal:
        check(terminal.wait() == 11, terminal.seen)
    with open(report, encoding="utf-8") as file:
        check('"exit"' in file.read(), "report")
    with Terminal.sbx("--timeout", "0.5", "sleep", "1000") as terminal:
        check(terminal.wait() == 124, terminal.seen)
    with Terminal.sbx("--as-pid-1", "sh", "-c", "echo pid $$; exit 12") as terminal:
        check(terminal.wait() == 12 and "pid 1" in terminal.seen, terminal.seen)
    with Terminal.sbx("--seccomp-profile", "strict", "sh", "-c", "tty; exit 13") as terminal:
        check(terminal.wait() == 13 and "/dev/console" in terminal.seen, terminal.seen)
    with Terminal.sbx("--disable-userns", "--unshare-user", "--uid", "7", "sh", "-c", "tty; exit 14") as terminal:
        check(terminal.wait() == 14 and "/dev/console" in terminal.seen, terminal.seen)
    with Terminal("bash", "-c", 'exec -a bwrap "$SBX" --pty --unshare-all --ro-bind / / --dev /dev --proc /proc '
                  "sh -c 'tty; exit 15'") as terminal:
        check(terminal.wait() == 15 and "/dev/console" in terminal.seen, terminal.seen)


def somebody_elses(_):
    """a terminal whose file may not be opened, as after su"""
    if os.getuid() != 0:
        return "cannot run here: a case for root"
    code = ("import os, sys; os.fchmod(0, 0o600); os.setgroups([]); os.setgid(65534); os.setuid(65534); "
            "os.execv(sys.argv[1], sys.argv[1:])")
    with Terminal("python3", "-c", code, SBX, *ROOT, "sh", "-c", "read x; echo \"<$x>\"; exit 4") as terminal:
        terminal.until_raw()
        terminal.line("key")
        check(terminal.wait() == 4 and "<key>" in terminal.seen, terminal.seen)
    return None


CASES = (when_it_is_there, not_the_callers, without_a_namespace, sizes, modes_at_the_start, restored, two_at_once,
         keys, control_z, stopped_from_outside, job_control_inside, nobody_to_wake_us, background, all_output,
         pastes, vanished, ignores_the_end, closes_its_terminal, time_limits,
         redirections, other_options, somebody_elses)


def main():
    cases = [case for case in CASES if case.__name__ in sys.argv[1:] or len(sys.argv) == 1]
    print(f"1..{len(cases)}", flush=True)
    failed = 0
    for number, case in enumerate(cases, 1):
        work = tempfile.mkdtemp(prefix="sbx-pty.")
        os.chmod(work, 0o755)
        try:
            skipped = case(work)
            print(f"ok {number} {case.__doc__}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except (Failed, OSError) as error:
            failed += 1
            print(f"not ok {number} {case.__doc__}\n# {case.__name__}: {error!r}", flush=True)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
