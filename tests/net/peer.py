#!/usr/bin/env python3
"""The other ends of sbx-net's tests.

  peer.py world [READYFILE]          servers of the lab's world (see lab.sh): TCP echo 7, discard-and-hash
                                     9, hello 80, source 19, slow reader 8009, UDP echo 7, DNS 53
  peer.py tcp ADDR PORT [echo BYTES|hash BYTES|source BYTES|hello|half]
  peer.py udp ADDR PORT SIZE [COUNT]
  peer.py udp-ports ADDR PORT COUNT  one datagram from each of COUNT ports
  peer.py burst ADDR PORT COUNT      COUNT connections at once
  peer.py server PORT ADDR...        TCP echo, hash, source, hello from PORT on; UDP echo
  peer.py catcher PORT               tells everybody who comes how many have come, by TCP and UDP
  peer.py uncaught PORT              fails when somebody came to the catcher here before
  peer.py martians PORT              frames from the sandbox that no kernel would send
  peer.py oddities                   frames that libslirp is not to see, and a connection with urgent data
  peer.py sent | listener-port       what the sandbox's kernel says about itself

TIMEOUT is how many seconds a client waits before it gives up; STALLS=0 lets tcp fail when nothing
moved for seconds while this machine was quick enough to do something about it.
"""
import hashlib
import os
import signal
import socket
import socketserver
import struct
import sys
import threading
import time


# longer than the slowest machine takes: who expects silence says how long to listen to it
TIMEOUT = float(os.environ.get('TIMEOUT', '120'))

# ---------------------------------------------------------------- world

def family(addr):
    return socket.AF_INET6 if ':' in addr else socket.AF_INET


class Server6(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def handle_error(self, request, client_address):
        pass


def handler(fn):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            fn(self.request)
    return Handler


def tcp_echo(s):
    while data := s.recv(65536):
        s.sendall(data)


def tcp_hash(s):
    h = hashlib.sha256()
    while data := s.recv(1 << 20):
        h.update(data)
    s.sendall(h.hexdigest().encode())


def tcp_slow(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    n = 0
    while data := s.recv(65536):
        n += len(data)
        time.sleep(0.002)
    s.sendall(str(n).encode())


def pattern(size):
    block = hashlib.sha256(b'sbx').digest() * 2048
    return (block * (size // len(block) + 1))[:size]


def tcp_source(s):
    size = int(s.makefile().readline())
    s.sendall(pattern(size))


def tcp_hello(s):
    s.settimeout(TIMEOUT)
    data = b''
    try:
        while b'\r\n\r\n' not in data:
            part = s.recv(4096)
            if not part:
                break
            data += part
    except OSError:
        pass
    body = b'hello from the world\n'
    s.sendall(b'HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n' % len(body) + body)


ZONE = {
    b'mirror.example.org': ['203.0.113.10', '2001:db8:2::10'],
    b'other.example.org': ['203.0.113.20'],
    b'a.b.example.net': ['203.0.113.20'],
    b'rebind.example.org': ['127.0.0.1'],
    b'mixed.example.org': ['203.0.113.10', '169.254.169.254'],
    b'mapped.example.org': ['::ffff:127.0.0.1'],
    b'self.example.org': ['198.51.100.1'],
    b'six.example.org': ['2001:db8:2::10'],
    b'big.example.org': ['203.0.113.%d' % i for i in range(1, 120)],
}


ALIASES = {b'www.example.org': b'edge.example.net', b'edge.example.net': b'mirror.example.org',
           b'inward.example.org': b'rebind.example.org'}


def dns_name(name):
    return b''.join(bytes([len(label)]) + label for label in name.split(b'.')) + b'\0'


def dns_reply(query, tcp):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    qtype = struct.unpack('>H', query[at + 1:at + 3])[0]
    question = query[12:at + 5]
    name = b'.'.join(labels).lower()
    if name == b'silent.example.org':
        return None
    answers = []
    owner = b'\xc0\x0c'
    known = name in ZONE or name in ALIASES
    while name in ALIASES:
        name = ALIASES[name]
        raw = dns_name(name)
        answers.append(owner + struct.pack('>HHIH', 5, 1, 5, len(raw)) + raw)
        owner = raw
    for addr in ZONE.get(name, []):
        v6 = ':' in addr
        if qtype == (28 if v6 else 1):
            raw = socket.inet_pton(family(addr), addr)
            answers.append(owner + struct.pack('>HHIH', qtype, 1, 5, len(raw)) + raw)
    flags = 0x8180 | (0 if known else 3)
    if not tcp and len(answers) > 20:
        flags, answers = flags | 0x0200, []
    return query[:2] + struct.pack('>HHHHH', flags, 1, len(answers), 0, 0) + question + b''.join(answers)


def tcp_dns(s):
    f = s.makefile('rb')
    while head := f.read(2):
        reply = dns_reply(f.read(struct.unpack('>H', head)[0]), True)
        s.sendall(struct.pack('>H', len(reply)) + reply)


def udp_server(port, reply, addrs=None):
    # one socket for each address, so that an answer comes from where the question went
    addrs = addrs or ['198.51.100.2', '203.0.113.10', '203.0.113.20', '10.9.9.9', '169.254.169.254',
                      '2001:db8:1::2', '2001:db8:2::10']
    for addr in addrs:
        s = socket.socket(family(addr), socket.SOCK_DGRAM)
        s.bind((addr, port))

        def run(s=s):
            while True:
                data, peer = s.recvfrom(65536)
                answer = reply(data)
                if answer is not None:
                    s.sendto(answer, peer)
        threading.Thread(target=run, daemon=True).start()


def world(argv):
    for port, fn in ((7, tcp_echo), (9, tcp_hash), (19, tcp_source), (80, tcp_hello), (443, tcp_hello),
                     (8009, tcp_slow), (53, tcp_dns)):
        server = Server6(('::', port), handler(fn))
        threading.Thread(target=server.serve_forever, daemon=True).start()
    udp_server(7, lambda data: data)
    udp_server(53, lambda data: dns_reply(data, False))
    if argv:
        open(argv[0], 'w').close()
    signal.pause()


# ---------------------------------------------------------------- clients

class Beats:
    """What a stall is measured in: how often a sleep of 20 ms ended since something moved last. On a
    machine that is slow, or stands still, the beats are slow, too."""
    LIMIT = 200

    def __init__(self):
        self.since = self.longest = 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            time.sleep(0.02)
            self.since += 1
            self.longest = max(self.longest, self.since)

    def moved(self):
        self.since = 0


def tcp(argv):
    beats = Beats()
    tcp_client(argv, beats.moved)
    if os.environ.get('STALLS') == '0':
        assert beats.longest < Beats.LIMIT, 'nothing moved for %d beats' % beats.longest


def tcp_client(argv, moved):
    addr, port = argv[0], int(argv[1])
    what, size = (argv[2:] + ['hello', '0'])[:2] if len(argv) < 4 else argv[2:4]
    size = int(size) if size.isdigit() else 0
    begin = time.monotonic()
    s = socket.create_connection((addr, port), timeout=TIMEOUT)
    moved()
    if what == 'hello':
        s.sendall(b'GET / HTTP/1.0\r\n\r\n')
        data = s.makefile('rb').read()
        assert data.endswith(b'hello from the world\n'), data
    elif what == 'hash' or what == 'count':
        data = pattern(size)
        for at in range(0, size, 65536):
            s.sendall(data[at:at + 65536])
            moved()
        s.shutdown(socket.SHUT_WR)
        wanted = hashlib.sha256(data).hexdigest() if what == 'hash' else str(size)
        assert s.makefile().read() == wanted
    elif what == 'source':
        s.sendall(b'%d\n' % size)
        h, n = hashlib.sha256(), 0
        while data := s.recv(1 << 20):
            moved()
            h.update(data)
            n += len(data)
        assert n == size and h.hexdigest() == hashlib.sha256(pattern(size)).hexdigest(), n
    elif what == 'echo':
        data = pattern(size)
        threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)), daemon=True).start()
        assert s.makefile('rb').read() == data
    print('ok %.3f' % (time.monotonic() - begin))


def udp(argv):
    addr, port, size = argv[0], int(argv[1]), int(argv[2])
    s = socket.socket(family(addr), socket.SOCK_DGRAM)
    s.settimeout(TIMEOUT)
    s.connect((addr, port))
    data = pattern(size)
    for _ in range(int(argv[3]) if len(argv) > 3 else 1):
        s.send(data)
        assert s.recv(65536) == data
    print('ok')


def udp_ports(argv):
    """One datagram from each of COUNT source ports."""
    addr, port, count = argv[0], int(argv[1]), int(argv[2])
    for _ in range(count):
        with socket.socket(family(addr), socket.SOCK_DGRAM) as s:
            s.sendto(b'x', (addr, port))
    print('ok')


def echo_server(argv):
    """TCP echo, hash, source and UDP echo on PORT.. in the sandbox."""
    port = int(argv[0])
    for n, fn in enumerate((tcp_echo, tcp_hash, tcp_source, tcp_hello)):
        server = Server6(('::', port + n), handler(fn))
        threading.Thread(target=server.serve_forever, daemon=True).start()
    udp_server(port, lambda data: data, [argv[1] if len(argv) > 1 else '10.0.2.100'] + argv[2:])
    print('listening', flush=True)
    signal.pause()


def burst(argv):
    """COUNT connections at once to hello."""
    addr, port, count = argv[0], int(argv[1]), int(argv[2])
    bad = []

    def one():
        try:
            with socket.create_connection((addr, port), timeout=TIMEOUT) as s:
                s.sendall(b'GET / HTTP/1.0\r\n\r\n')
                if not s.makefile('rb').read().endswith(b'hello from the world\n'):
                    bad.append('short')
        except OSError as e:
            bad.append(str(e))
    threads = [threading.Thread(target=one) for _ in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if bad:
        sys.exit('%d of %d failed: %s' % (len(bad), count, bad[0]))
    print('ok')


def sent(argv):
    """Bytes sent through tap0 so far."""
    for line in open('/proc/net/dev'):
        if line.strip().startswith('tap0:'):
            print(line.split(':')[1].split()[8])


def listener_port(argv):
    """The port of the only TCP listener on the loopback."""
    for line in open('/proc/net/tcp'):
        fields = line.split()
        if fields[3] == '0A':
            print(int(fields[1].split(':')[1], 16))


def catch(s, answer):
    count = 0
    while True:
        count += 1
        try:
            answer(s, count)
        except OSError:
            pass


def catch_tcp(s, count):
    with s.accept()[0] as c:
        c.sendall(b'%d' % count)


def catch_udp(s, count):
    s.sendto(b'%d' % count, s.recvfrom(100)[1])


def catcher(argv):
    for kind, answer in ((socket.SOCK_STREAM, catch_tcp), (socket.SOCK_DGRAM, catch_udp)):
        for addr in ('0.0.0.0', '::'):
            s = socket.socket(family(addr), kind)
            if addr == '::':
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            s.bind((addr, int(argv[0])))
            if kind == socket.SOCK_STREAM:
                s.listen()
            threading.Thread(target=catch, args=(s, answer), daemon=True).start()
    print('listening', flush=True)
    signal.pause()


def uncaught(argv):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        for addr in ('127.0.0.1', '::1'):
            with socket.socket(family(addr), kind) as s:
                s.settimeout(TIMEOUT)
                s.connect((addr, int(argv[0])))
                if kind == socket.SOCK_DGRAM:
                    s.send(b'x')
                count = s.recv(10)
                assert count == b'1', '%s is the caller number %s of %s, %s' % (addr, count, addr, kind)
    print('ok')


def checksum(data):
    data += b'\0' * (len(data) % 2)
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def martians(argv):
    """Right frames from the sandbox's own address to PORT of addresses that mean the host."""
    port = int(argv[0])
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(('tap0', 0))
    mac, gateway = s.getsockname()[4], bytes.fromhex('52550a000202')
    for dst in ('127.0.0.1', '0.0.0.0', '127.1.2.3', '10.0.2.50', '198.51.100.1', '255.255.255.255',
                '::1', '::', '::ffff:127.0.0.1', '::127.0.0.1', 'fd73:6278:6e65:74::50'):
        v6 = ':' in dst
        src = socket.inet_pton(family(dst), 'fd73:6278:6e65:74::100' if v6 else '10.0.2.100')
        raw_dst = socket.inet_pton(family(dst), dst)
        for proto in (6, 17):
            if proto == 6:
                body = struct.pack('!HHIIBBHHH', 4000, port, 1, 0, 0x50, 2, 65535, 0, 0)
            else:
                body = struct.pack('!HHHH', 4000, port, 9, 0) + b'x'
            pseudo = src + raw_dst + struct.pack('!IHBB', len(body), 0, 0, proto)
            at = 16 if proto == 6 else 6
            body = body[:at] + struct.pack('!H', checksum(pseudo + body)) + body[at + 2:]
            if v6:
                ip = struct.pack('!IHBB', 6 << 28, len(body), proto, 64) + src + raw_dst
            else:
                ip = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(body), 1, 0, 64, proto, 0) + src + raw_dst
                ip = ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:]
            s.send(gateway + mac + (b'\x86\xdd' if v6 else b'\x08\x00') + ip + body)
    # frames are worked on in turn, so all of those have been when this has its answer
    udp(['203.0.113.10', '7', '10'])


def ip4(proto, body, dst='203.0.113.10', flags=0):
    head = struct.pack('!BBHHHBBH', 0x45, 0, 20 + len(body), 1, flags, 64, proto, 0) + \
        socket.inet_aton('10.0.2.100') + socket.inet_aton(dst)
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body


def oddities(_argv):
    """NC-SI, BOOTP, TFTP, fragments, a lying source, junk; then a connection with urgent data."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(('tap0', 0))
    mac, gateway = s.getsockname()[4], bytes.fromhex('52550a000202')

    def udp_to(port):
        return struct.pack('!HHHH', 4000, port, 8 + 300, 0) + bytes(300)
    ncsi = bytes.fromhex('000100010000000000000000') + bytes(40)
    for kind, frame in ((b'\x88\xf8', ncsi), (b'\x88\xf8', b''), (b'\x08\x00', ip4(17, udp_to(67), '255.255.255.255')),
                        (b'\x08\x00', ip4(17, udp_to(69), '10.0.2.2')), (b'\x08\x00', ip4(17, udp_to(7), flags=0x2000)),
                        (b'\x08\x00', ip4(17, udp_to(7), flags=0x0010)), (b'\x08\x00', ip4(6, b'\x50' * 19)),
                        (b'\x08\x00', ip4(17, udp_to(7)).replace(b'\x0a\0\2\x64', b'\x0a\0\2\x65')),
                        (b'\x08\x00', b''), (b'\x86\xdd', b'\x60'), (b'\x08\x06', bytes(28)), (b'\x88\xb5', bytes(64))):
        for size in (0, 60, 1400):
            s.send(gateway + mac + kind + frame + bytes(max(0, size - len(frame))))
    s.close()
    with socket.create_connection(('203.0.113.10', 7), timeout=TIMEOUT) as c:
        for i in range(200):
            c.send(b'a' * 1000 + b'b', socket.MSG_OOB if i % 2 else 0)
        c.shutdown(socket.SHUT_WR)
        got = c.makefile('rb').read()
        # what was urgent is data like any other at the far end
        assert len(got) == 200 * 1001, len(got)
    print('ok')


if __name__ == '__main__':
    roles = {'world': world, 'tcp': tcp, 'catcher': catcher, 'uncaught': uncaught, 'udp': udp, 'udp-ports': udp_ports,
             'server': echo_server, 'burst': burst, 'martians': martians, 'oddities': oddities, 'sent': sent,
             'listener-port': listener_port}
    if len(sys.argv) < 2 or sys.argv[1] not in roles:
        sys.exit(__doc__)
    try:
        roles[sys.argv[1]](sys.argv[2:])
    except (OSError, AssertionError) as e:
        sys.exit('%s: %s' % (type(e).__name__, str(e)[:200]))
