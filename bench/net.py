#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Speed of sbx's own network, as ratios in one run: tests/net/lab.sh python3 bench/net.py

Each pair is measured in turns, so that a busy machine hurts both alike; the ratio is that of the
medians. SBX and SBX_NET name the programs (default: the current directory's). Needs iperf3, and
slirp4netns and bwrap for the pairs with them. ROUNDS (5) and SECONDS (2) make it longer."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SBX = os.environ.get('SBX', os.path.abspath('sbx'))
SBX_NET = os.environ.get('SBX_NET', os.path.join(os.path.dirname(SBX), 'sbx-net'))
ROUNDS = int(os.environ.get('ROUNDS', '5'))
SECONDS = os.environ.get('SECONDS', '2')
WORLD = '203.0.113.10'
BOX = ['--ro-bind', '/usr', '/usr', '--ro-bind', '/etc', '/etc', '--proc', '/proc', '--dev', '/dev',
       '--symlink', 'usr/bin', '/bin', '--symlink', 'usr/lib', '/lib', '--symlink', 'usr/lib64', '/lib64']


def iperf(prefix, *args):
    """Gigabits a second."""
    out = subprocess.run([*prefix, 'iperf3', '-c', WORLD, '-t', SECONDS, '-J', *args],
                         capture_output=True, check=True, text=True).stdout
    end = json.loads(out)['end']
    return end.get('sum_received', end.get('sum'))['bits_per_second'] / 1e9


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

    def memory(self):
        with open('/proc/%d/status' % self.process.pid) as f:
            return next(int(line.split()[1]) for line in f if line.startswith('VmRSS'))

    def close(self):
        self.process.terminate()
        self.process.wait()
        subprocess.run(['ip', 'netns', 'del', self.name], check=True)


def report(name, ours, theirs, unit, better='more'):
    a, b = statistics.median(ours), statistics.median(theirs)
    ratio = a / b if b else 0
    print('%-52s %8.2f : %8.2f %-5s ratio %5.2f (%s is better)' % (name, a, b, unit, ratio, better), flush=True)


def pair(name, ours, theirs, unit='Gb/s', better='more'):
    a, b = [], []
    for _ in range(ROUNDS):
        a.append(ours())
        b.append(theirs())
    report(name, a, b, unit, better)


def tap_pairs(own):
    for mtu in (1500, 65520):
        a, b = Slirp(own, mtu), Slirp('slirp4netns', mtu)
        for title, args in (('out, 1 stream', []), ('in, 1 stream', ['-R']), ('out, 16 streams', ['-P', '16']),
                            ('in, 16 streams', ['-R', '-P', '16'])):
            pair('tap, MTU %d, %s, against slirp4netns' % (mtu, title), lambda: iperf(a.prefix, *args),
                 lambda: iperf(b.prefix, *args))
        print('memory after that: %d : %d KiB' % (a.memory(), b.memory()))
        a.close()
        b.close()


def fast_pairs():
    box = [SBX, '--ro-bind', '/usr', '/usr', '--unshare-all', '--net', 'user']
    for title, args in (('out, 1 stream', []), ('in, 1 stream', ['-R']), ('out, 16 streams', ['-P', '16'])):
        pair('fast path, %s, against the host' % title, lambda: iperf(box, *args), lambda: iperf([], *args))


# a program that says when it has got its first line; how long the sandbox takes to end does not count
FETCH = ['bash', '-c', 'exec 3<>/dev/tcp/%s/80; printf "GET / HTTP/1.0\\r\\n\\r\\n" >&3; read -r line <&3; '
         'echo $EPOCHREALTIME' % WORLD]


def first_byte_sbx():
    begin = time.time()
    end = subprocess.run([SBX, '--ro-bind', '/usr', '/usr', '--unshare-all', '--net', 'user', *FETCH], check=True,
                         stdout=subprocess.PIPE).stdout
    return (float(end) - begin) * 1000


def first_byte_bwrap():
    begin = time.time()
    info, theirs = os.pipe()
    block, go = os.pipe()
    bwrap = subprocess.Popen(['bwrap', *BOX, '--unshare-all', '--info-fd', str(theirs), '--block-fd', str(block),
                              *FETCH], pass_fds=[theirs, block], stdout=subprocess.PIPE)
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
    elapsed = (float(bwrap.communicate()[0]) - begin) * 1000
    for fd in (block, go):
        os.close(fd)
    slirp.terminate()
    slirp.wait()
    return elapsed


def main():
    server = subprocess.Popen(['ip', 'netns', 'exec', 'world', 'iperf3', '-s'], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        with tempfile.TemporaryDirectory() as work:
            own = os.path.join(work, 'slirp4netns')
            os.symlink(SBX_NET, own)
            if shutil.which('slirp4netns'):
                tap_pairs(own)
            else:
                print('slirp4netns is not installed: no comparison with it')
            fast_pairs()
            if shutil.which('bwrap') and shutil.which('slirp4netns'):
                pair('start to first byte, against bwrap and slirp4netns', first_byte_sbx, first_byte_bwrap, 'ms', 'less')
    finally:
        server.terminate()


main()
