#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Speed of sbx's own network, as ratios in one run: tests/net/lab.sh python3 bench/net.py

Each pair is measured in turns, so that a busy machine hurts both alike; the ratio is that of the
medians. SBX and SBX_SLIRP name the programs (default: the current directory's). Needs iperf3, and
slirp4netns, bwrap and pasta for the pairs with them. ROUNDS (5), SECONDS (2, whole ones) and STARTS
(30) make it longer, CASES ("device fast start") shorter. The last it prints is the table in Markdown."""
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time

SBX = os.environ.get('SBX', os.path.abspath('sbx'))
SBX_SLIRP = os.environ.get('SBX_SLIRP', os.path.join(os.path.dirname(SBX), 'slirp4netns'))
HERE = os.path.abspath(__file__)
ROUNDS = int(os.environ.get('ROUNDS', '5'))
SECONDS = os.environ.get('SECONDS', '2')
STARTS = int(os.environ.get('STARTS', '30'))
CASES = os.environ.get('CASES', 'device fast start').split()
WORLD = '203.0.113.10'
BOX = ['--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc', '--proc', '/proc', '--dev', '/dev',
       '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64']


def iperf(prefix, *args):
    """Gigabits a second."""
    for _ in range(5):
        out = subprocess.run([*prefix, 'iperf3', '-c', WORLD, '-t', SECONDS, '-J', *args], capture_output=True,
                             text=True).stdout
        received = json.loads(out or '{}').get('end', {}).get('sum_received')
        if received:
            return received['bits_per_second'] / 1e9
        time.sleep(0.5)  # the server still has the last one, or a busy machine was too slow for it
    sys.exit('iperf3 over %s: %s' % (' '.join(prefix) or 'the host', out[:300]))


class Slirp:
    """A network namespace behind slirp4netns, or behind what takes its place."""
    count = 0

    def __init__(self, program, mtu):
        Slirp.count += 1
        self.name = 'bench%d' % Slirp.count
        subprocess.run(['ip', 'netns', 'add', self.name], check=True)
        ready, theirs = os.pipe()
        self.process = subprocess.Popen(
            [program, '--configure', '--mtu=%d' % mtu, '--ready-fd=%d' % theirs, '--netns-type=path',
             '/run/netns/' + self.name, 'tap0'], pass_fds=[theirs], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(theirs)
        if os.read(ready, 1) != b'1':
            sys.exit('%s did not start' % program)
        os.close(ready)
        self.prefix = ['ip', 'netns', 'exec', self.name]

    def status(self, key):
        with open('/proc/%d/status' % self.process.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith(key))

    def memory(self):
        return self.status('VmRSS')

    def switches(self):
        return self.status('voluntary_ctxt_switches')

    def close(self):
        self.process.terminate()
        self.process.wait()
        subprocess.run(['ip', 'netns', 'del', self.name], check=True)


# ---------------------------------------------------------------- clients, run inside

def requests(end):
    """One byte there and back, over one connection."""
    count = 0
    with socket.create_connection((WORLD, 7)) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < end:
            s.sendall(b'x')
            s.recv(1)
            count += 1
    return count


def connects(end):
    """The same over a new connection each time."""
    count = 0
    while time.monotonic() < end:
        with socket.create_connection((WORLD, 7)) as s:
            s.sendall(b'x')
            s.recv(1)
        count += 1
    return count


def datagrams(end):
    """Packets there and back, 32 on the way."""
    count = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((WORLD, 7))
        s.settimeout(0.2)
        for _ in range(32):
            s.send(b'x' * 100)
        while time.monotonic() < end:
            try:
                s.recv(200)
                count += 1
            except OSError:
                pass
            s.send(b'x' * 100)
    return count


CLIENTS = {'requests': requests, 'connects': connects, 'datagrams': datagrams}


def rate(prefix, what):
    """Thousands a second."""
    out = subprocess.run([*prefix, 'python3', HERE, what], capture_output=True, check=True, text=True).stdout
    return float(out) / 1000


# ---------------------------------------------------------------- pairs

TABLE = []


def report(name, a, b, unit, better='more'):
    """The ratio of the medians, and the middle half of the ratios of each round."""
    ratios = sorted(x / y for x, y in zip(a, b) if y)
    if not ratios:
        print('%s: nothing was measured' % name, flush=True)
        return
    ratio = statistics.median(a) / statistics.median(b)
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    TABLE.append('| %s | %.2f | %.2f to %.2f | %s |' % (name, ratio, low, high, better))
    print('%-58s %8.2f : %8.2f %-5s ratio %5.2f, %.2f to %.2f (%s is better)' % (
        name, statistics.median(a), statistics.median(b), unit, ratio, low, high, better), flush=True)


def pair(name, ours, theirs, unit='Gb/s', better='more', rounds=None):
    a, b = [], []
    for turn in range(rounds or ROUNDS):
        # who begins changes, for what the machine does in between
        for mine in ((True, False) if turn % 2 else (False, True)):
            (a if mine else b).append((ours if mine else theirs)())
    report(name, a, b, unit, better)


STREAMS = (('out, 1 stream', []), ('in, 1 stream', ['-R']), ('out, 16 streams', ['-P', '16']),
           ('in, 16 streams', ['-R', '-P', '16']))


def device_pairs():
    if not shutil.which('slirp4netns'):
        print('slirp4netns is not installed: no comparison with it')
        return
    for mtu in (1500, 65520):
        a, b = Slirp(SBX_SLIRP, mtu), Slirp('slirp4netns', mtu)
        for title, args in STREAMS:
            pair('device, MTU %d, %s, against slirp4netns' % (mtu, title), lambda: iperf(a.prefix, *args),
                 lambda: iperf(b.prefix, *args))
        if mtu == 65520:
            for what in CLIENTS:
                pair('device, %s per second, against slirp4netns' % what, lambda: rate(a.prefix, what),
                     lambda: rate(b.prefix, what), 'k')
            report('memory of the helper after that, against slirp4netns', [a.memory()], [b.memory()], 'KiB', 'less')
            time.sleep(3)
            report('wake-ups of an idle helper, against slirp4netns', *idle(a, b), 'in 5s', 'less')
        a.close()
        b.close()


def idle(*helpers):
    before = [helper.switches() for helper in helpers]
    time.sleep(5)
    # none at all is the aim: count one more, so that there is a ratio
    return [[helper.switches() - count + 1] for helper, count in zip(helpers, before)]


def fast_pairs():
    box = [SBX, '--ro-bind', '/usr', '/usr', '--ro-bind', os.path.dirname(HERE), os.path.dirname(HERE),
           '--unshare-all', '--net', 'user']
    for title, args in STREAMS:
        pair('fast path, %s, against the host' % title, lambda: iperf(box, *args), lambda: iperf([], *args))
    for what in ('requests', 'connects'):
        pair('fast path, %s per second, against the host' % what, lambda: rate(box, what), lambda: rate([], what), 'k')
    if not shutil.which('pasta'):
        print('pasta is not installed: no comparison with it')
        return
    pasta = ['pasta', '--config-net', '-q', '-f', '--']
    for title, args in STREAMS:
        pair('fast path, %s, against pasta' % title, lambda: iperf(box, *args), lambda: iperf(pasta, *args))
    for what in CLIENTS:
        pair('%s per second, against pasta' % what, lambda: rate(box, what), lambda: rate(pasta, what), 'k')


# Programs that say when they have got the first of an answer; how long the sandbox takes to end does not count. The one
# of our own costs next to nothing itself, with musl least of all; bash is what a script would use.
BUILD = os.path.dirname(SBX)
FIRST = next((f for f in ('first-musl', 'first') if os.path.exists(os.path.join(BUILD, 'bench', f))), 'first')
FETCHES = {
    'a client of our own': ['/bench/' + FIRST, WORLD, '80'],
    'bash': ['bash', '-c', 'exec 3<>/dev/tcp/%s/80; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; read -r line <&3; '
             'echo $EPOCHREALTIME' % WORLD],
}
AT_BENCH = ['--ro-bind', os.path.join(BUILD, 'bench'), '/bench']


def first_byte_sbx(fetch):
    begin = time.time()
    end = subprocess.run([SBX, '--ro-bind', '/usr', '/usr', *AT_BENCH, '--unshare-all', '--net', 'user', *fetch],
                         check=True, stdout=subprocess.PIPE).stdout
    return (float(end) - begin) * 1000


def first_byte_bwrap(fetch):
    begin = time.time()
    info, theirs = os.pipe()
    block, go = os.pipe()
    bwrap = subprocess.Popen(['bwrap', *BOX, *AT_BENCH, '--unshare-all', '--info-fd', str(theirs), '--block-fd',
                              str(block), *fetch], pass_fds=[theirs, block], stdout=subprocess.PIPE)
    os.close(theirs)
    with os.fdopen(info) as f:
        pid = json.load(f)['child-pid']
    ready, theirs = os.pipe()
    slirp = subprocess.Popen(['slirp4netns', '--configure', '--mtu=65520', '--ready-fd=%d' % theirs, str(pid), 'tap0'],
                             pass_fds=[theirs], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(theirs)
    os.read(ready, 1)
    os.close(ready)
    os.write(go, b'x')
    end = bwrap.communicate()[0]
    for fd in (block, go):
        os.close(fd)
    slirp.terminate()
    slirp.wait()
    # bwrap 0.8 now and then loses its own network set-up's answer and says "No child processes"
    return (float(end) - begin) * 1000 if end else first_byte_bwrap(fetch)


def start_pairs():
    if not shutil.which('bwrap') or not shutil.which('slirp4netns'):
        print('bwrap or slirp4netns is not installed: no comparison with them')
        return
    for name, fetch in FETCHES.items():
        pair('start to first byte, %s, against bwrap and slirp4netns' % name, lambda: first_byte_sbx(fetch),
             lambda: first_byte_bwrap(fetch), 'ms', 'less', STARTS)


MEASURE = {'device': device_pairs, 'fast': fast_pairs, 'start': start_pairs}


def main():
    if len(sys.argv) == 2 and sys.argv[1] in CLIENTS:
        begin = time.monotonic()
        count = CLIENTS[sys.argv[1]](begin + float(SECONDS))
        print(count / (time.monotonic() - begin))
        return
    server = subprocess.Popen(['ip', 'netns', 'exec', 'world', 'iperf3', '-s'], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        for case in CASES:
            MEASURE[case]()
    finally:
        server.terminate()
    print('\n| what | ratio | middle half | better |\n|---|---|---|---|\n' + '\n'.join(TABLE))


main()
