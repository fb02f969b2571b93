#!/usr/bin/env python3
"""TCP segments that no kernel sends, from a sandbox with CAP_NET_RAW and CAP_NET_ADMIN and nft.

  wild.py ADDR DENIED CASE...   ADDR has echo at 7 and hash at 9 (peer.py world); DENIED, where
                                the sandbox may not go, a catcher at 9099. CASE: see CASES, below

What a case sends may fail or not; what was acknowledged in order is to arrive, and nothing else. In
all of them ordinary connections go on beside it.
"""
import ctypes
import hashlib
import os
import random
import socket
import struct
import subprocess
import sys
import time

from peer import checksum, family, TIMEOUT

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
GUEST = {socket.AF_INET: '10.0.2.100', socket.AF_INET6: 'fd73:6278:6e65:74::100'}
MSS = b'\x02\x04\x05\xb4'
SCALE = b'\x01\x03\x03\x07'
# the kernel knows nothing of these ports and is not to reset what comes for them
RULES = '''table inet wild { chain out { type filter hook output priority 0
    tcp sport 30000-39999 tcp flags rst drop
}
}
'''


class Link:
    def __init__(self):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.s.bind(('tap0', 0))
        # only what comes for our ports, in either family
        code = b''.join(struct.pack('HBBI', *i) for i in (
            (0x28, 0, 0, 12), (0x15, 2, 0, 0x0800), (0x15, 3, 0, 0x86dd), (0x06, 0, 0, 0), (0x28, 0, 0, 36), (0x05, 0, 0, 1),
            (0x28, 0, 0, 56), (0x35, 0, 2, 30000), (0x35, 1, 0, 40000), (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0)))
        buf = ctypes.create_string_buffer(code)
        self.s.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HL', len(code) // 8, ctypes.addressof(buf))) # SO_ATTACH_FILTER
        self.mac = self.s.getsockname()[4]

    def send(self, v6, packet):
        self.s.send(bytes.fromhex('52550a000202') + self.mac + (b'\x86\xdd' if v6 else b'\x08\x00') + packet)

    def receive(self, deadline):
        """A TCP segment for this end: (sport, dport, rest of it)."""
        while True:
            self.s.settimeout(max(0.001, deadline - time.monotonic()))
            frame, whence = self.s.recvfrom(1 << 17)
            if whence[2] == socket.PACKET_OUTGOING:
                continue
            if frame[12:14] == b'\x08\x00' and frame[23] == 6:
                tcp = frame[34:14 + struct.unpack('!H', frame[16:18])[0]]
            elif frame[12:14] == b'\x86\xdd' and frame[20] == 6:
                tcp = frame[54:54 + struct.unpack('!H', frame[18:20])[0]]
            else:
                continue
            return struct.unpack('!HH', tcp[:4]) + (tcp,)


class Conn:
    """One end that sends what it is told to."""
    next_port = 30000

    def __init__(self, link, addr, port):
        self.link, self.addr, self.port = link, addr, port
        self.sport = Conn.next_port
        Conn.next_port += 1
        self.seq = self.una = random.getrandbits(32)
        self.ack = 0
        self.got = b''
        self.fin = self.reset = self.open = False
        self.window = 60000
        self.scale = 0

    def segment(self, flags, data=b'', seq=None, ack=None, options=b'', offset=None, spoil=False, urgent=0, window=None):
        v6 = ':' in self.addr
        af = family(self.addr)
        src, dst = socket.inet_pton(af, GUEST[af]), socket.inet_pton(af, self.addr)
        seq = self.seq if seq is None else seq
        ack = self.ack if ack is None else ack
        if offset is None:
            offset = 5 + len(options) // 4
        body = struct.pack('!HHIIBBHHH', self.sport, self.port, seq & 0xffffffff, ack & 0xffffffff, offset << 4, flags,
                           self.window if window is None else window, 0, urgent) + options + data
        total = checksum(src + dst + struct.pack('!IHBB', len(body), 0, 0, 6) + body)
        if spoil:
            total ^= 0x1234
        body = body[:16] + struct.pack('!H', total) + body[18:]
        if v6:
            head = struct.pack('!IHBB', 6 << 28, len(body), 6, 64) + src + dst
        else:
            head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(body), 1, 0, 64, 6, 0) + src + dst
            head = head[:10] + struct.pack('!H', checksum(head)) + head[12:]
        self.link.send(v6, head + body)

    def take(self, tcp):
        """What a well-behaved end does with a segment, but for lost or shuffled ones."""
        seq, ack, offset, flags = struct.unpack('!IIBB', tcp[4:14])
        data = tcp[(offset >> 4) * 4:]
        if flags & RST:
            self.reset = True
            return
        if flags & SYN:
            if flags & ACK and ack == (self.seq + 1) & 0xffffffff and not self.open:
                self.open = True
                self.seq = self.una = ack
                self.ack = (seq + 1) & 0xffffffff
            if self.open:
                self.segment(ACK)
            return
        if (ack - self.una) & 0xffffffff <= (self.seq - self.una) & 0xffffffff:
            self.una = ack
        skip = (self.ack - seq) & 0xffffffff
        if skip <= len(data):
            self.got += data[skip:]
            self.ack = (self.ack + len(data) - skip) & 0xffffffff
            if flags & FIN and not self.fin:
                self.fin = True
                self.ack = (self.ack + 1) & 0xffffffff
        if data or flags & FIN:
            self.segment(ACK)

    def until(self, what, again=None, limit=TIMEOUT):
        """Answers segments until what() or a reset; calls again() now and then."""
        end = time.monotonic() + limit
        while not what() and not self.reset:
            assert time.monotonic() < end, 'waited in vain'
            try:
                _, dport, tcp = self.link.receive(time.monotonic() + 0.3)
            except OSError:
                if again:
                    again()
                continue
            if dport == self.sport:
                self.take(tcp)
        return what()

    def connect(self, options=MSS + SCALE):
        def syn():
            self.segment(SYN, options=options)
        syn()
        assert self.until(lambda: self.open, syn), 'refused'
        return self

    def say(self, data, flags=ACK | PSH):
        """Sends data, again until it is acknowledged."""
        begin = self.seq

        def send():
            self.segment(flags, data, seq=begin)
        send()
        self.seq = (self.seq + len(data) + (1 if flags & FIN else 0)) & 0xffffffff
        assert self.until(lambda: self.una == self.seq, send), 'reset while sending'

    def hear(self, data):
        assert self.until(lambda: len(self.got) >= len(data)), 'reset while listening'
        assert self.got == data, 'got %r instead of %r' % (self.got[:80], data[:80])

    def echoes(self, data):
        self.got = b''
        self.say(data)
        self.hear(data)


# ---------------------------------------------------------------- cases

def noise_on_a_connection(link, addr, _denied):
    """What is not for the connection's window, or not whole, changes nothing."""
    c = Conn(link, addr, 7).connect()
    c.echoes(b'before')
    noises = [
        dict(flags=ACK, ack=c.ack + 100000), dict(flags=ACK, ack=c.ack - 100000),
        dict(flags=ACK | PSH, data=b'evil', seq=c.seq + 10000000), dict(flags=ACK | PSH, data=b'evil', seq=c.seq - 100000),
        dict(flags=FIN | ACK, seq=c.seq + 10000000), dict(flags=0, data=b'evil'), dict(flags=0), dict(flags=PSH, data=b'evil'),
        dict(flags=FIN), dict(flags=FIN | PSH | URG, seq=c.seq + 5),
        dict(flags=ACK | PSH, data=b'evil', spoil=True), dict(flags=RST, spoil=True), dict(flags=FIN | ACK, spoil=True),
        dict(flags=ACK, data=b'evil', offset=0), dict(flags=ACK, data=b'evil', offset=4), dict(flags=ACK, data=b'evil', offset=15),
        dict(flags=ACK, options=b'\x02\x04\x05\xb4\x03\x03\x0f\x00'), dict(flags=ACK, options=b'\x05\xff\x01\x02'),
        dict(flags=ACK, urgent=60000),
    ]
    for n, noise in enumerate(noises):
        c.segment(**noise)
        try:
            c.echoes(b'after %d' % n)
        except AssertionError as e:
            raise AssertionError('after %r: %s' % (noise, e)) from e
    for noise in noises * 3:
        c.segment(**noise)
    c.echoes(b'at last')


def resets_and_syns(link, addr, _denied):
    """RFC 5961: a SYN, or a reset that is not the very next byte, is only answered."""
    c = Conn(link, addr, 7).connect()
    for noise in (dict(flags=SYN), dict(flags=SYN, seq=c.seq + 100, data=b'evil'), dict(flags=SYN | FIN), dict(flags=SYN | ACK),
                  dict(flags=SYN, seq=c.seq - 100000), dict(flags=SYN | ACK, seq=c.seq - 1),
                  dict(flags=RST, seq=c.seq + 100), dict(flags=RST | ACK, seq=c.seq + 1), dict(flags=RST, seq=c.seq - 1),
                  dict(flags=RST, seq=c.seq - 1000), dict(flags=RST | ACK, seq=c.seq + 100000000)):
        c.segment(**noise)
        try:
            c.echoes(b'after')
        except AssertionError as e:
            raise AssertionError('after %r: %s' % (noise, e)) from e


def shuffled(link, addr, _denied):
    """A stream in any order, in pieces that overlap, all of it several times."""
    rng = random.Random(1)
    data = rng.randbytes(200000)
    c = Conn(link, addr, 9).connect()
    first = c.seq
    c.seq += len(data)

    def push():
        at = (c.una - first) & 0xffffffff
        ahead = data[at:at + 30000]
        pieces = [(n, rng.randint(1, 1400)) for n in range(0, len(ahead), 500)]
        rng.shuffle(pieces)
        for n, size in pieces + pieces[:3]:
            c.segment(ACK, ahead[n:n + size], seq=first + at + n)
    mark = 0
    while (c.una - first) & 0xffffffff < len(data):
        push()
        assert c.until(lambda: (c.una - first) & 0xffffffff > mark, push)
        mark = (c.una - first) & 0xffffffff
    c.say(b'', FIN | ACK)
    assert c.until(lambda: c.fin)
    assert c.got == hashlib.sha256(data).hexdigest().encode(), c.got


def other_bytes(link, addr, _denied):
    """Sent again with other bytes: what was acknowledged stays what it was."""
    c = Conn(link, addr, 7).connect()
    first = c.seq
    c.say(b'A' * 1000)
    c.segment(ACK | PSH, b'B' * 1500, seq=first)
    c.seq += 500
    assert c.until(lambda: c.una == c.seq, lambda: c.segment(ACK | PSH, b'B' * 1500, seq=first))
    c.segment(ACK | PSH, b'C' * 1500, seq=first)
    c.segment(ACK | PSH, b'C' * 2000, seq=first - 1000)
    c.say(b'D')
    c.hear(b'A' * 1000 + b'B' * 500 + b'D')


def odd_beginnings(link, addr, _denied):
    """SYNs with odd options lead to a connection that works."""
    for options in (b'', b'\x03\x03\x0f\x01', b'\x03\x03\xff\x01', b'\x02\x04\0\0', b'\x02\x04\0\1', b'\x02\x04\xff\xff',
                    b'\x01' * 40, b'\0' * 40, b'\0\x02\x04\0', b'\x02\x03\1\1', b'\x03\x02\x01\x01', b'\x02\x00\x05\xb4',
                    b'\x02\x01\x05\xb4', b'\x02\xff\x05\xb4', b'\x05\x02\x02\x04', b'\x01\x01\x01\x02', b'\x01\x01\x01\x03',
                    b'\x01\x01\x03\x03', b'\xfd\x04\xf9\x89', MSS + b'\x08\x0a' + b'\xff' * 8 + b'\x01\x01', MSS * 10):
        c = Conn(link, addr, 7).connect(options)
        try:
            c.echoes(b'x' * 300)
        except AssertionError as e:
            raise AssertionError('after options %r: %s' % (options, e)) from e
        c.segment(RST, seq=c.seq)


def broken_beginnings(link, addr, _denied):
    """Handshakes that end otherwise than they should: whatever becomes of them, it is not the end of more."""
    for then in (dict(flags=FIN | ACK), dict(flags=FIN), dict(flags=RST), dict(flags=RST | ACK), dict(flags=SYN | FIN),
                 dict(flags=ACK, ack=5), dict(flags=0), dict(flags=ACK, data=b'x' * 1000), dict(flags=SYN), dict(flags=URG | ACK, urgent=9),
                 dict(flags=PSH, data=b'x')):
        c = Conn(link, addr, 7)
        c.segment(SYN, options=MSS + SCALE)
        c.segment(seq=c.seq + 1, **then) # the other end's SYN is not here yet
        c = Conn(link, addr, 7)
        c.segment(SYN, options=MSS + SCALE)
        c.take = lambda tcp, c=c: setattr(c, 'synack', tcp)
        c.synack = None
        c.until(lambda c=c: c.synack)
        c.ack = struct.unpack('!I', c.synack[4:8])[0] + 1
        c.segment(**{'seq': c.seq + 1, **then})
        c.segment(RST, seq=c.seq + 1)
    for flags in (SYN | FIN, SYN | RST, SYN | URG, SYN | PSH | URG | FIN, SYN | ACK, SYN | 0xc0):
        Conn(link, addr, 7).segment(flags, b'x' * 100, urgent=5)
    Conn(link, addr, 7).connect().echoes(b'fine')


def strays(link, addr, denied):
    """Every set of flags, to where there is no connection; nobody comes by at the place that is denied."""
    for flags in range(256):
        for dst, port in ((denied, 9099), (denied, 7), (addr, 9), (addr, 81)):
            c = Conn(link, dst, port)
            c.ack = 1
            c.segment(flags, b'x' if flags & 1 else b'', options=MSS if flags & 2 else b'')
            if flags & SYN:
                c.segment(ACK, b'more', seq=c.seq + 1)
                c.segment(RST, seq=c.seq + 1)
    Conn(link, addr, 7).connect().echoes(b'fine')


def closed_windows(link, addr, _denied):
    """Ends that take nothing, or a byte at a time, or take back what they offered."""
    kept = []
    for window in (0, 0, 0, 1, 1, 5):
        c = Conn(link, addr, 7)
        c.window = window
        c.connect()
        for n in range(4):
            c.segment(ACK | PSH, b'y' * 1000, seq=c.seq + n * 1000)
        kept.append(c)
    c = Conn(link, addr, 7).connect()
    c.say(b'z' * 5000)
    for window in (3, 0, 100, 0, 60000):
        c.segment(ACK, window=window)
    c.hear(b'z' * 5000)
    for c in kept[1:3]:
        c.seq += 4000
        c.window = 60000
        assert c.until(lambda c=c: len(c.got) >= 1000, lambda c=c: c.segment(ACK, seq=c.una)), 'reset'
        assert set(c.got) == {ord('y')}


def junk(link, addr, denied):
    """Segments of random fields near those of connections that are there."""
    rng = random.Random(2)
    conns = [Conn(link, addr, 7).connect() for _ in range(5)]
    for n in range(4000):
        c = rng.choice(conns)
        if n % 200 == 199:
            conns[rng.randrange(5)] = Conn(link, addr, 7).connect()
        near = rng.choice((0, 1, -1, 1000, -1000, 65536, 1 << 31, rng.getrandbits(32)))
        c.segment(rng.choice((rng.getrandbits(8), ACK, ACK, FIN | ACK, SYN, RST)), rng.randbytes(rng.choice((0, 1, 100, 1400))),
                  seq=c.seq + near, ack=c.ack + rng.choice((0, 0, 1, -1, 1 << 20, rng.getrandbits(32))),
                  options=rng.randbytes(4 * rng.randint(0, 10)) if rng.random() < 0.3 else b'',
                  offset=rng.choice((None, None, None, rng.randint(0, 15))), window=rng.choice((0, 1, 1000, 65535)),
                  urgent=rng.choice((0, 0, 1, 65535)), spoil=rng.random() < 0.1)
    c = Conn(link, denied, 9099)
    c.segment(SYN)
    Conn(link, addr, 7).connect().echoes(b'fine')


CASES = [noise_on_a_connection, resets_and_syns, shuffled, other_bytes, odd_beginnings, broken_beginnings, strays,
         closed_windows, junk]


def main(addr, denied, *names):
    random.seed(3)
    subprocess.run(['nft', '-f', '-'], input=RULES.encode(), check=True)
    talk = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'talk.py')
    link = Link()
    failed = []
    for case in CASES:
        if names and case.__name__ not in names:
            continue
        beside = subprocess.Popen([talk, 'lossy', addr, '7000', '3', '1000000'], stdout=subprocess.DEVNULL)
        try:
            case(link, addr, denied)
        except AssertionError as e:
            failed.append('%s: %s' % (case.__name__, e))
        if beside.wait():
            failed.append('%s: the connections beside it failed' % case.__name__)
    if failed:
        sys.exit('\n'.join(failed))
    print('ok')


if __name__ == '__main__':
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
