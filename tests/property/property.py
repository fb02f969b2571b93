#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random plans: what --dry-run promises, and what the payload finds.

A generator makes command lines; --dry-run says what each would do; a model of those lines says what
there must be; the probe of tests/faults says what there is: mounts and their flags, files, ids,
capabilities, namespaces, environment, descriptors.

PROPERTY_SECONDS bounds the time (default 15), PROPERTY_COUNT the number of plans (default 300),
PROPERTY_SEED makes the same plans again.
"""
import os
import random
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time

SBX = os.environ["SBX"]
TOOLS = os.path.join(os.environ["SBX_BUILDDIR"], "tests/faults")
NAMESPACES = {"user": "user", "mount": "mnt", "pid": "pid", "net": "net", "ipc": "ipc",
              "uts": "uts", "cgroup": "cgroup", "time": "time"}
CAPS = ["chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
        "setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
        "ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
        "sys_admin"]
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/home/none", "TERM": "dumb", "LANG": "C",
               "SECRET": "of the caller"}
NOSUID, NODEV, NOEXEC, RDONLY = "nosuid", "nodev", "noexec", "ro"
FIXED_DEV = {"null", "zero", "full", "random", "urandom", "tty", "pts", "console"}


class Generator:
    """Makes command lines that are accepted: places do not cover one another."""

    def __init__(self, rng, work):
        self.random, self.work = rng, work

    def place(self):
        """A path that lies in nothing of the host's, and above nothing that is there."""
        while True:
            parent = self.random.choice([""] + self.roots)
            path = f"{parent}/{self.random.choice('abcdefgh')}{self.random.randrange(100)}"
            if not any(used == path or used.startswith(path + "/") for used in self.used):
                self.used.append(path)
                return path

    def operation(self):
        kind = self.random.choice(["bind", "tmpfs", "dir", "symlink", "data", "chmod", "remount",
                                   "mask", "overlay", "mqueue", "proc", "dev", "file", "try"])
        if kind == "mqueue" and not self.ipc:
            kind = "dir"
        if kind in ("chmod", "remount") and not self.roots:
            kind = "tmpfs"
        if kind == "remount" and not self.tmpfs:
            kind = "tmpfs"
        if kind == "chmod":
            return ["--chmod", f"0{self.random.choice(['700', '755', '1777'])}",
                    self.random.choice(self.roots)]
        if kind == "remount":
            gone = self.random.choice(self.tmpfs)
            self.tmpfs.remove(gone)
            self.roots = [root for root in self.roots
                          if root != gone and not root.startswith(gone + "/")]
            return ["--remount-ro", gone]
        at = self.place()
        perms = self.random.choice([[], ["--perms", self.random.choice(["0700", "0751", "01777"])]])
        if kind == "tmpfs":
            self.roots.append(at)
            self.tmpfs.append(at)
            return perms + self.random.choice([[], ["--size", "1048576"]]) + ["--tmpfs", at]
        if kind == "dir":
            self.roots.append(at)
            return perms + ["--dir", at]
        return self.simple(kind, at, perms)

    def simple(self, kind, at, perms):
        source = self.work + self.random.choice(["", "/dir", "/file"])
        directory = self.work + self.random.choice(["", "/dir"])
        option = self.random.choice(["--bind", "--ro-bind", "--dev-bind", "--ro-bind-try"])
        return {
            "bind": [option, source, at],
            "try": ["--ro-bind-try", self.work + "/missing", at],
            "symlink": ["--symlink", self.random.choice(["..", "/nowhere", "a b"]), at],
            "data": perms + [self.random.choice(["--bind-data", "--ro-bind-data"]), "11", at],
            "file": perms + ["--file", "11", at],
            "mask": ["--bind", self.work, at, "--mask", at + self.random.choice(["/dir", "/file"])],
            "overlay": ["--overlay-src", TOOLS, "--overlay-src", directory,
                        self.random.choice(["--tmp-overlay", "--ro-overlay"]), at],
            "mqueue": ["--mqueue", at], "proc": ["--proc", at], "dev": ["--dev", at],
        }[kind]

    def command(self):
        self.used, self.roots, self.tmpfs = [], [], []
        rng = self.random
        personality = rng.choice(["sbx", "sbx", "bwrap"])
        args = [] if rng.random() < 0.5 else ["--unshare-all"]
        for option in ("ipc", "pid", "net", "uts", "cgroup", "user"):
            if rng.random() < 0.3:
                args.append("--unshare-" + option)
        args += rng.choice([[], [], ["--unshare-user", "--uid", "7", "--gid", "8"]])
        if personality == "sbx" and "--uid" not in args:
            args += rng.choice([[], ["--keep-id"]])
        if personality == "sbx":
            args += rng.choice([[], ["--seccomp-profile", "none"], ["--bare"]])
            args += rng.choice([[], ["--unshare-time"]])
        args += rng.choice([[], [], ["--unshare-user", "--disable-userns"]])
        args += rng.choice([[], ["--clearenv"]])
        args += rng.choice([[], ["--setenv", "A", "b c"], ["--unsetenv", "SECRET"]])
        for _ in range(rng.choice([0, 0, 1, 3])):
            args += rng.choice([["--cap-add"], ["--cap-drop"]]) + \
                ["ALL" if rng.random() < 0.2 else "CAP_" + rng.choice(CAPS).upper()]
        args += rng.choice([[], ["--new-session"]])
        if personality == "bwrap" or "--bare" in args:
            args += ["--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
                     "--proc", "/proc", "--dev", "/dev"]
        self.ipc = bool({"--unshare-ipc", "--unshare-all"} & set(args))
        args += ["--ro-bind", "/usr", "/usr", "--ro-bind", TOOLS, "/probe"]
        for _ in range(rng.randrange(8)):
            args += self.operation()
        if {"--unshare-uts", "--unshare-all"} & set(args):
            args += rng.choice([[], ["--hostname", "inside"]])
        args += ["--chdir", rng.choice(self.roots or ["/usr"])]
        return personality, args


def caller_caps(name):
    with open("/proc/self/status", encoding="ascii") as file:
        return int([line for line in file if line.startswith(name + ":")][0].split()[1], 16)


class Model:
    """What the lines of --dry-run mean."""

    def __init__(self, personality):
        self.personality = personality
        self.mounts = {"/": ("tmpfs", {NOSUID, NODEV})}
        self.files = {}    # path: (type, mode or None, link target or None)
        self.optional = set()
        self.new = set()
        self.env, self.cleared, self.unset = {}, False, set()
        self.cwd = self.host = self.caps = None
        # root as bwrap gets no user namespace unless it asks for one
        self.ids = (str(os.getuid()), str(os.getgid()))
        self.seccomp, self.session, self.skeleton, self.inherits = False, False, False, False
        self.unknown = []

    def mount(self, at, fstype, *flags):
        self.mounts[at] = (fstype, set(flags))

    def line(self, text):
        words = shlex.split(text)
        handler = getattr(self, "do_" + words[0].replace("-", "_"), None)
        if handler:
            handler(words[1:])
        else:
            self.unknown.append(text)

    def do_new(self, w):
        if w[0] == "session":
            self.session = True
        elif w[0] == "namespaces":
            self.new |= set(w[1:])
        else:  # user namespace, map uid U gid G
            at = w.index("uid")
            self.ids = (w[at + 1], w[at + 3])

    def do_map(self, w):
        self.ids = (w[1], w[3])

    def do_bind(self, w):
        flags = {NOSUID} | ({RDONLY} if "ro" in w[3:] else set()) | \
            (set() if "dev" in w[3:] else {NODEV})
        if "if-exists" in w and not os.path.exists(w[0]):
            return
        self.mount(w[2], None, *flags)

    def do_bind_data(self, w):
        self.mount(w[3], "tmpfs", NOSUID, NODEV, *({RDONLY} & set(w)))
        self.files[w[3]] = ("file", w[w.index("mode") + 1] if "mode" in w else "0600", None)

    def do_file(self, w):
        self.files[w[3]] = ("file", w[w.index("mode") + 1] if "mode" in w else None, None)

    def do_write(self, w):
        self.files[w[0]] = ("file", w[2], None)

    def do_tmpfs(self, w):
        self.mount(w[0], "tmpfs", NOSUID, NODEV)
        self.files[w[0]] = ("dir", w[w.index("mode") + 1] if "mode" in w else "0755", None)

    def do_dir(self, w):
        self.files[w[0]] = ("dir", w[w.index("mode") + 1] if "mode" in w else "0755", None)

    def do_chmod(self, w):
        self.files[w[0]] = ("dir", w[2], None)

    def do_symlink(self, w):
        self.files[w[0]] = ("link", None, w[2])

    def do_proc(self, w):
        """A new one with a new pid namespace, else the host's, on which bwrap adds no noexec."""
        noexec = ("pid" in self.new or self.personality == "sbx" or
                  os.statvfs("/proc").f_flag & os.ST_NOEXEC)
        self.mount(w[0], "proc", NOSUID, NODEV, *({NOEXEC} if noexec else ()))

    def do_dev(self, w):
        self.mount(w[0], "tmpfs", NOSUID, NODEV)
        self.mount(w[0] + "/pts", "devpts", NOSUID, NOEXEC)
        for name in FIXED_DEV - {"pts", "console"}:
            self.mount(f"{w[0]}/{name}", None, NOSUID)

    def do_mqueue(self, w):
        self.mount(w[0], "mqueue")

    def do_remount(self, w):
        self.mounts[w[0]] = (self.mounts[w[0]][0], {RDONLY, NOSUID, NODEV})

    def do_mask(self, w):
        self.mount(w[0], "tmpfs", RDONLY, NOSUID, NODEV, NOEXEC)

    def do_tmp_overlay(self, w):
        self.mount(w[0], "overlay", NOSUID, NODEV)

    def do_ro_overlay(self, w):
        self.mount(w[0], "overlay", NOSUID, NODEV, RDONLY)

    def do_hostname(self, w):
        self.host = w[0]

    def do_environment(self, w):
        self.skeleton = True

    def do_setenv(self, w):
        self.env[w[0]] = w[1]
        self.unset.discard(w[0])

    def do_unsetenv(self, w):
        self.env.pop(w[0], None)
        self.unset.add(w[0])

    def do_clearenv(self, _):
        self.env, self.cleared = {}, True

    def do_capabilities(self, w):
        with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
            every = (1 << (int(file.read()) + 1)) - 1
        self.caps = 0
        for word in w:
            if word == "inherited":
                self.caps = caller_caps("CapEff")
                self.inherits = len(w) == 1
            elif word != "none":
                bits = every if word[1:] == "all" else 1 << CAPS.index(word[5:])
                self.caps = self.caps | bits if word[0] == "+" else self.caps & ~bits
        if "user" not in self.new:
            self.caps &= caller_caps("CapPrm")

    def caps_of(self, kind):
        """Those that nobody changes, root has by being root, and by nothing else."""
        if self.inherits and (kind in "ia" or (kind in "ep" and self.ids[0] != "0")):
            return 0
        return self.caps

    def do_chdir(self, w):
        self.cwd = w[0]

    def do_seccomp(self, _):
        self.seccomp = True

    def ignore(self, _):
        """Said, and seen in nothing that the probe prints."""

    do_forward = do_check = do_root = do_pivot = do_start = do_exec = do_loopback = do_join = do_lock = ignore


def read_probe(lines):
    """The facts by their first word."""
    facts = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        facts.setdefault(word, []).append(rest)
    return facts


def compare(model, facts, inherits):
    """Returns what differs, as text. The descriptor is the payload's where nothing consumes it."""
    wrong = []

    def want(what, expected, found):
        if expected != found:
            wrong.append(f"{what}: promised {expected!r}, found {found!r}")

    want("steps that the model knows", [], model.unknown)
    compare_mounts(model, facts, want)
    compare_files(model, facts, want)
    for name, link in NAMESPACES.items():
        state = [f.split()[1] for f in facts["namespace"] if f.split()[0].endswith("/" + link)]
        want(name + " namespace", ["new" if name in model.new else "host"], state)
    want("ids", "{0} {0} {1} {1}".format(*model.ids), facts["ids"][0])
    words = facts["caps"][0].split()
    for kind in "epiab":
        want("capabilities " + kind, model.caps_of(kind), int(words[words.index(kind) + 1], 16))
    words = facts["no_new_privs"][0].split()
    want("no_new_privs", "1", words[0])
    want("seccomp", "2" if model.seccomp else "0", words[2])
    want("working directory", model.cwd, facts["cwd"][0])
    want("descriptors", ["0", "1", "2"] + ["11"] * inherits,
         [fd.split()[0] for fd in facts["fd"]])
    if model.host:
        want("host name", model.host, facts["host"][0])
    compare_env(model, facts, want)
    return wrong


def compare_mounts(model, facts, want):
    found = {}
    for line in facts["mount"]:
        before, _, after = line.partition(" - ")
        words = before.split()
        found[words[1]] = (after.split()[0], set(words[2].split(",")) & {NOSUID, NODEV, NOEXEC, RDONLY})
    covers = {at for at in found if at.rpartition("/")[0] in
              {path for path, what in model.mounts.items() if what[0] == "proc"}}
    want("mounts", sorted(model.mounts), sorted(set(found) - covers))
    for at, (fstype, flags) in model.mounts.items():
        if at in found:
            want("mount " + at, (fstype or found[at][0], flags), found[at])


def compare_files(model, facts, want):
    found = {}
    for line in facts["file"]:
        words = line.split(" ", 4)
        found[words[0]] = (int(words[1], 8), words[4])
    for path, (kind, mode, target) in model.files.items():
        if path not in found:
            # deeper than the probe looks, or in what may not be read
            continue
        test = {"file": stat.S_ISREG, "dir": stat.S_ISDIR, "link": stat.S_ISLNK}[kind]
        want("type of " + path, True, test(found[path][0]))
        if mode:
            want("mode of " + path, int(mode, 8), found[path][0] & 0o7777)
        if target:
            want("target of " + path, target, found[path][1].rstrip())
        if kind == "file" and not mode:
            want("size of " + path, True, found[path][1].split()[0] == "7000")


def compare_env(model, facts, want):
    env = dict(line.partition("=")[::2] for line in facts["env"])
    env.pop("PWD", None)
    for name, value in model.env.items():
        want("variable " + name, value, env.get(name))
    for name in model.unset:
        want("variable " + name, None, env.get(name))
    if model.cleared:
        want("variables", sorted(model.env), sorted(env))
    elif model.skeleton:
        want("variables", [], sorted(set(env) - set(model.env) -
                                     {"HOME", "USER", "PATH", "TERM", "LANG"}))
    else:
        want("variables", sorted((set(ENVIRONMENT) | set(model.env)) - model.unset), sorted(env))


def run(personality, args, data):
    with open(data, "rb") as file:
        os.dup2(file.fileno(), 11)
    try:
        return subprocess.run([personality, *args], executable=SBX, env=ENVIRONMENT, pass_fds=(11,),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=300, check=False, cwd="/")
    finally:
        os.close(11)


def try_plan(personality, args, data):
    """Returns (kind, what is wrong)."""
    host = [f"{ns}={os.readlink('/proc/self/ns/' + ns)}" for ns in NAMESPACES.values()]
    payload = ["--", "/probe/probe", *host]
    dry = run(personality, ["--dry-run", *args, *payload], data)
    real = run(personality, [*args, *payload], data)
    if dry.returncode != 0:
        text = dry.stderr.decode()
        wrong = [] if real.stderr.decode() == text and not real.stdout else [
            f"refused by --dry-run ({text}) but not by the run"]
        return "refused", [text.strip()] + wrong
    if real.returncode != 42:
        return "failed", [f"status {real.returncode}: {real.stderr.decode()}"]
    model = Model(personality)
    for line in dry.stdout.decode().splitlines():
        model.line(line)
    inherits = personality == "bwrap" and "11" not in args
    return "ran", compare(model, read_probe(real.stdout.decode().splitlines()), inherits)


def main():
    seed = int(os.environ.get("PROPERTY_SEED") or time.time())
    seconds = int(os.environ.get("PROPERTY_SECONDS") or 15)
    count = int(os.environ.get("PROPERTY_COUNT") or 300)
    top = tempfile.mkdtemp(prefix="sbx-property.")
    counts, bad, refused = {}, [], set()
    try:
        work = os.path.join(top, "work")
        os.makedirs(os.path.join(work, "dir"))
        data = os.path.join(top, "data")
        for path, text in ((data, "d" * 7000), (work + "/file", "f"), (work + "/dir/file", "f")):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        generator = Generator(random.Random(seed), work)
        ends = time.monotonic() + seconds
        for _ in range(count):
            if seconds and time.monotonic() > ends:
                break
            personality, args = generator.command()
            kind, wrong = try_plan(personality, args, data)
            if kind == "refused":
                refused.add(wrong.pop(0))
            counts[kind] = counts.get(kind, 0) + 1
            if wrong:
                bad.append((personality, args, wrong))
        left = sorted(name for _, dirs, files in os.walk(top) for name in dirs + files)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    print(f"1..2\n# seed {seed}; plans: {counts}")
    for text in sorted(refused):
        print("# refused: " + text.replace("\n", " "))
    print(f"{'not ok' if bad else 'ok'} 1 the sandbox is what --dry-run promised")
    for personality, args, wrong in bad[:10]:
        print(f"# {personality} {shlex.join(args)}")
        for text in wrong[:8]:
            print("#    " + text.strip().replace("\n", " "))
    clean = left == sorted(["work", "dir", "file", "file", "data"])
    print(f"{'ok' if clean else 'not ok'} 2 nothing is left in what was bound")
    if not clean:
        print(f"# {left}")
    return 1 if bad or not clean else 0


if __name__ == "__main__":
    sys.exit(main())
