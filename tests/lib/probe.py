#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a shell cannot look at from outside a sandbox. probe.py VERB ARGS..., see the functions."""
import fcntl
import json
import os
import signal
import struct
import sys


def lock(path):
    """Prints the pid that holds a lock on PATH against a writer, or free."""
    with open(path, "rb+") as file:
        want = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, start, length, pid = struct.unpack(
            "hhqqi4x", fcntl.fcntl(file, fcntl.F_GETLK, want))
    print("free" if kind == fcntl.F_UNLCK else f"held {start} {length} {pid > 0}")


def packets(*command):
    """Runs COMMAND with % replaced by a descriptor, and prints each write() to it on a line."""
    reader, writer = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    os.set_inheritable(writer, True)
    pid = os.spawnvp(os.P_NOWAIT, command[0],
                     [str(writer) if word == "%" else word for word in command])
    os.close(writer)
    while True:
        data = os.read(reader, 65536)
        if not data:
            break
        print(repr(data.decode()))
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def keys(path):
    """The keys of each JSON document in PATH, one document a line."""
    text = open(path).read()
    decoder = json.JSONDecoder()
    while text.strip():
        document, end = decoder.raw_decode(text.lstrip())
        print(*document)
        text = text.lstrip()[end:]


def get(path, key):
    """The value of KEY in the JSON documents of PATH; missing when there is none."""
    text = open(path).read()
    decoder = json.JSONDecoder()
    value = "missing"
    while text.strip():
        document, end = decoder.raw_decode(text.lstrip())
        value = document.get(key, value)
        text = text.lstrip()[end:]
    print(value)


def signals(ignored, masked, *command):
    """Runs COMMAND with the signals of the comma list IGNORED ignored, those of MASKED blocked,
    and all others at their defaults."""
    def named(words):
        return [signal.Signals["SIG" + word] for word in words.split(",") if word]

    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    for number in named(ignored):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, named(masked))
    os.execvp(command[0], command)


def cmd(name, *command):
    """Runs COMMAND under the argv[0] NAME."""
    os.execvp(command[0], [name, *command[1:]])


def raw(words, environment=""):
    """Executes the first of the lines WORDS, with them as argv (none: without an argv[0]) and with
    the lines ENVIRONMENT as they are, well formed or not."""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    argv = [os.fsencode(word) for word in words.split("\n")]
    env = [os.fsencode(entry) for entry in environment.split("\n") if entry]
    vector = lambda items: (ctypes.c_char_p * (len(items) + 1))(*items, None)
    libc.execve(argv[0], vector(argv if len(argv) > 1 else []), vector(env))
    sys.exit(99)


def pty(*command):
    """Runs COMMAND on a pseudo terminal of its own and copies what it says."""
    import pty as pseudo
    pid, fd = pseudo.fork()
    if pid == 0:
        os.execvp(command[0], command)
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
    sys.stdout.flush()
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def bpf(path, default, *rules):
    """Writes a seccomp filter: RULES are NAME=ACTION, actions are allow, kill, trap and eN."""
    import platform
    numbers = {
        "x86_64": {"write": 1, "close": 3, "wait4": 61, "execve": 59, "exit_group": 231,
                   "exit": 60, "uname": 63, "mkdir": 83, "mkdirat": 258, "sethostname": 170,
                   "getppid": 110, "syslog": 103, "statx": 332},
        "aarch64": {"write": 64, "close": 57, "wait4": 260, "execve": 221, "exit_group": 94,
                    "exit": 93, "uname": 160, "mkdir": 34, "mkdirat": 34, "sethostname": 161,
                    "getppid": 173, "syslog": 116, "statx": 291},
    }[platform.machine()]
    # those since Linux 5.1 have one number everywhere
    numbers.update(pidfd_send_signal=424, open_tree=428, move_mount=429, fsopen=430, fsconfig=431, fsmount=432,
                   pidfd_open=434, clone3=435, close_range=436, openat2=437, faccessat2=439, mount_setattr=442)

    def action(word):
        return {"allow": 0x7fff0000, "kill": 0x80000000, "trap": 0x00030000}.get(
            word, 0x00050000 | int(word[1:]) if word[0] == "e" else 0)

    program = struct.pack("=HBBI", 0x20, 0, 0, 0)  # load the system call's number
    for rule in rules:
        name, what = rule.split("=")
        program += struct.pack("=HBBI", 0x15, 0, 1, numbers[name])
        program += struct.pack("=HBBI", 0x06, 0, 0, action(what))
    program += struct.pack("=HBBI", 0x06, 0, 0, action(default))
    with open(path, "wb") as file:
        file.write(program)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
