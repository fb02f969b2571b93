#!/usr/bin/env python3
"""Two ends of TCP connections that do to each other what TCP allows, and see that nothing is lost,
changed, put in or left open between them. What is in between, they do not know.

  talk.py serve PORT                  listens at PORT; at PORT + 1 with hardly a backlog; never at PORT + 2
  talk.py talk ADDR PORT CASE...      the cases, or groups of them (GROUPS below), all at once
  talk.py lossy ADDR PORT COUNT SIZE  COUNT connections at once, SIZE bytes both ways in each
  talk.py many ADDR PORT COUNT        COUNT connections one after another from a few source ports
  talk.py again ADDR PORT COUNT       COUNT connections from one source port, each reset
  talk.py burst ADDR PORT COUNT       COUNT connections at once, all open together
  talk.py shut ADDR PORT              nobody listens behind a published port
  talk.py peer ADDR PORT              prints whom the other end takes this one for
  talk.py errno ADDR PORT             prints the name of the error that connecting gives, or "ok"
  talk.py dns ADDR NAME COUNT         a name server's TCP side, of which NAME has COUNT addresses
  talk.py hold ADDR PORT TRIES        holds connections until no more can be had, and then lets go

Where one waits for the other, TIMEOUT seconds (240) of silence are a failure; how long anything
takes is no matter.
"""
import errno
import functools
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import threading
import time

TIMEOUT = float(os.environ.get('TIMEOUT', '240'))
PERIOD = 1048583  # of the stream: a prime, so that bytes that are off by any buffer's size are wrong ones
MIB = 1 << 20
# what has to be more than buffers hold, on a machine of which SBX_NET_MIB says that it is slow
LARGE = min(20, int(os.environ.get('SBX_NET_MIB', '100'))) * MIB
# more than any chain of buffers is to hold
BOUND = 128 * MIB
GONE = (errno.ECONNRESET, errno.EPIPE)


# ---------------------------------------------------------------- what is sent

@functools.lru_cache(maxsize=1)
def period():
    return random.Random(1).randbytes(PERIOD)


def part(at, limit=65536):
    """Bytes of the stream that every connection carries: up to limit from at on, at least one."""
    return period()[at % PERIOD:at % PERIOD + limit]


def send(s, size, at=0):
    end = at + size
    while at < end:
        data = part(at, min(65536, end - at))
        s.sendall(data)
        at += len(data)


def check(data, at):
    """data is what stands at at in the stream."""
    seen = 0
    while seen < len(data):
        want = part(at + seen, len(data) - seen)
        assert data[seen:seen + len(want)] == want, 'wrong bytes within %d of %d' % (len(want), at + seen)
        seen += len(want)


def receive(s, size=None, at=0, limit=262144):
    """The stream, to its end or size bytes of it: where it came to."""
    begin = at
    while size is None or at - begin < size:
        data = s.recv(limit if size is None else min(limit, size - (at - begin)))
        if not data:
            break
        check(data, at)
        at += len(data)
    assert size is None or at - begin == size, 'ended at %d of %d' % (at - begin, size)
    return at


def at_end(s):
    data = s.recv(1)
    assert data == b'', 'more than was sent: %r' % data


def fill(s):
    """Sends until nobody takes any more for two seconds: how much that was."""
    s.setblocking(False)
    at = 0
    while select.select([], [s], [], 2)[1]:
        try:
            at += s.send(part(at))
        except BlockingIOError:
            continue
        assert at < BOUND, 'no end to what is taken while nobody reads'
    s.settimeout(TIMEOUT)
    return at


def abort(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    s.close()


def write_until_refused(s):
    try:
        for at in range(0, BOUND, 65536):
            s.sendall(part(at))
    except OSError as e:
        return errno.errorcode[e.errno]
    return 'everything taken'


def read_until_reset(s, size=0):
    """Sends and then reads: how that ended, "end" or the error's name."""
    try:
        send(s, size)
        while s.recv(262144):
            pass
    except OSError as e:
        return errno.errorcode[e.errno]
    return 'end'


def seen_gone(name):
    assert name in [errno.errorcode[e] for e in GONE], name


# ---------------------------------------------------------------- the server's half

class Server:
    def __init__(self, port):
        self.port = port
        self.results = {}
        self.flags = set()
        self.changed = threading.Condition()
        self.late = self.listen(port + 1, 1)
        self.late.settimeout(TIMEOUT)

    @staticmethod
    def listen(port, backlog):
        s = socket.socket(socket.AF_INET6)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(('::', port))
        s.listen(backlog)
        return s

    def run(self):
        s = self.listen(self.port, 1024)
        print('listening', flush=True)
        while True:
            threading.Thread(target=self.one, args=(s.accept()[0],), daemon=True).start()

    def one(self, s):
        s.settimeout(TIMEOUT)
        line = self.command(s)
        if not line:
            s.close()
            return
        name, token, *args = line.decode().split()
        try:
            result = getattr(self, 'serve_' + name)(s, token, *map(int, args))
        except (OSError, AssertionError) as e:
            result = '%s: %s' % (type(e).__name__, e)
        s.close()
        if name not in ('result', 'go'):
            self.put(token, str(result))

    @staticmethod
    def command(s):
        """The line that a connection begins with, without what comes after it; nothing when it ends before."""
        line = b''
        try:
            while not line.endswith(b'\n'):
                # a byte at a time is a turn of all the other threads each
                more = s.recv(256, socket.MSG_PEEK)
                if not more:
                    return b''
                line += s.recv(more.find(b'\n') + 1 or len(more))
        except OSError:
            return b''
        return line

    def put(self, token, result):
        with self.changed:
            self.results[token] = result
            self.changed.notify_all()

    def wait(self, what):
        with self.changed:
            assert self.changed.wait_for(what, TIMEOUT), 'nobody said a word'

    # how the ends talk about a connection beside it

    def serve_result(self, s, token):
        self.wait(lambda: token in self.results)
        s.sendall(self.results[token].encode())

    def serve_go(self, s, token):
        with self.changed:
            self.flags.add(token)
            self.changed.notify_all()
        s.sendall(b'ok')

    def gone_ahead(self, token):
        self.wait(lambda: token in self.flags)

    # the cases

    def serve_hello(self, s, _token):
        s.sendall(b'hello')
        s.shutdown(socket.SHUT_WR)
        at_end(s)

    def serve_peer(self, s, _token):
        s.sendall(s.getpeername()[0].encode())

    def serve_up(self, s, _token):
        return receive(s)

    def serve_down(self, s, _token, size):
        send(s, size)

    def serve_both(self, s, _token, size):
        sender = threading.Thread(target=lambda: (send(s, size), s.shutdown(socket.SHUT_WR)))
        sender.start()
        at = receive(s)
        sender.join()
        return at

    def serve_echo(self, s, _token):
        while data := s.recv(65536):
            s.sendall(data)

    def serve_stopped_reader(self, s, token):
        self.gone_ahead(token)
        at = 0
        for n in (1, 1, 1000, 1460, 4096, 70000):
            at = receive(s, n, at)
            time.sleep(0.02)
        return receive(s, at=at)

    def serve_filled(self, s, token):
        at = fill(s)
        self.put(token + '-full', 'full')
        send(s, 3 * MIB, at)
        return at + 3 * MIB

    def serve_endless(self, s, _token):
        return write_until_refused(s)

    def serve_leaver(self, s, _token):
        receive(s, MIB)

    def serve_aborted(self, s, _token, size):
        receive(s, size)
        s.sendall(b'!')
        return read_until_reset(s)

    def serve_aborter(self, s, _token):
        assert s.recv(1) == b'!'
        abort(s)

    def serve_half_closed(self, s, _token, size):
        at = receive(s)
        time.sleep(0.5)
        send(s, size)
        return at

    def serve_half_closer(self, s, _token, size):
        send(s, size)
        s.shutdown(socket.SHUT_WR)
        return receive(s)

    def serve_fin_with_data(self, s, _token, size):
        at = receive(s)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        send(s, size)
        s.shutdown(socket.SHUT_WR)
        return at

    def serve_together(self, s, _token):
        s.sendall(b'?')
        assert s.recv(1) == b'!'
        s.shutdown(socket.SHUT_WR)
        at_end(s)
        return 'end'

    def serve_unread(self, s, _token):
        return read_until_reset(s, 100000)

    def serve_not_reading(self, s, _token):
        assert select.select([s], [], [], TIMEOUT)[0]
        time.sleep(0.2)

    def serve_urgent(self, s, _token, size):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        at = receive(s, size)
        urgent(s, size)
        return at

    def serve_accept(self, s, _token, count):
        s.sendall(b'?')
        assert s.recv(1) == b'!'
        for _ in range(count):
            c = self.late.accept()[0]
            c.settimeout(TIMEOUT)
            threading.Thread(target=self.serve_echo, args=(c, ''), daemon=True).start()
        s.sendall(b'.')


def urgent(s, size):
    for at in range(0, size, 500):
        s.sendall(part(at, 499))
        s.send(part(at + 499, 1), socket.MSG_OOB)


# ---------------------------------------------------------------- the client's half

class Client:
    run = os.urandom(8).hex()
    tokens = 0
    lock = threading.Lock()

    def __init__(self, addr, port):
        self.addr, self.port = addr, port

    def connect(self, more=0, source=None):
        s = socket.socket(socket.AF_INET6 if ':' in self.addr else socket.AF_INET)
        s.settimeout(TIMEOUT)
        if source:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('', source))
        try:
            s.connect((self.addr, self.port + more))
        except OSError:
            s.close()
            raise
        return s

    def call(self, name, *args, source=None):
        with Client.lock:
            Client.tokens += 1
            token = '%s-%d' % (Client.run, Client.tokens)
        s = self.connect(source=source)
        s.sendall(' '.join([name, token, *map(str, args)]).encode() + b'\n')
        return s, token

    def tell(self, name, *args):
        with self.connect() as s:
            s.sendall(' '.join([name, *map(str, args)]).encode() + b'\n')
            return s.makefile().read()

    def result(self, token):
        return self.tell('result', token)

    def expect(self, token, wanted):
        got = self.result(token)
        assert got == str(wanted), 'the server: %s instead of %s' % (got, wanted)

    def hello(self):
        s, token = self.call('hello')
        with s:
            assert s.makefile().read() == 'hello'
        self.expect(token, None)

    # each case is a method

    def up(self, size=LARGE):
        s, token = self.call('up')
        send(s, size)
        s.shutdown(socket.SHUT_WR)
        at_end(s)
        self.expect(token, size)
        s.close()

    def down(self, size=LARGE):
        s, _ = self.call('down', size)
        assert receive(s) == size
        s.close()

    def both(self, size=8 * MIB):
        s, token = self.call('both', size)
        sender = threading.Thread(target=lambda: (send(s, size), s.shutdown(socket.SHUT_WR)))
        sender.start()
        got = receive(s)
        assert got == size, 'ended at %d of %d' % (got, size)
        sender.join()
        self.expect(token, size)
        s.close()

    def server_stops_reading(self):
        s, token = self.call('stopped_reader')
        at = fill(s)
        self.tell('go', token)
        send(s, 3 * MIB, at)
        s.shutdown(socket.SHUT_WR)
        self.expect(token, at + 3 * MIB)
        s.close()

    def client_stops_reading(self):
        s, token = self.call('filled')
        self.expect(token + '-full', 'full')
        at = 0
        for n in (1, 1, 1000, 1460, 4096, 70000):
            at = receive(s, n, at)
            time.sleep(0.02)
        at = receive(s, at=at)
        self.expect(token, at)
        s.close()

    def client_leaves_reading(self):
        s, token = self.call('endless')
        receive(s, MIB)
        s.close()
        seen_gone(self.result(token))

    def server_leaves_reading(self):
        s, _ = self.call('leaver')
        seen_gone(write_until_refused(s))
        s.close()

    def writer_is_killed(self):
        """What it wrote arrives, whole: its kernel ends the connection in order."""
        s, token = self.call('up')
        pid = os.fork()
        if pid == 0:
            send(s, 4 * MIB)
            os.kill(os.getpid(), signal.SIGKILL)
        s.close()
        os.waitpid(pid, 0)
        self.expect(token, 4 * MIB)

    def client_aborts(self):
        s, token = self.call('aborted', 300000)
        send(s, 300000)
        assert s.recv(1) == b'!'
        abort(s)
        self.expect(token, 'ECONNRESET')

    def server_aborts(self):
        s, _ = self.call('aborter')
        s.sendall(b'!')
        got = read_until_reset(s)
        assert got == 'ECONNRESET', got
        s.close()

    def aborts_at_once(self):
        for _ in range(100):
            abort(self.connect())
        self.hello()

    def client_half_closes(self):
        s, token = self.call('half_closed', 5 * MIB)
        send(s, 100000)
        s.shutdown(socket.SHUT_WR)
        assert receive(s) == 5 * MIB
        self.expect(token, 100000)
        s.close()

    def server_half_closes(self):
        s, token = self.call('half_closer', 100000)
        assert receive(s) == 100000
        time.sleep(0.5)
        send(s, 5 * MIB)
        s.shutdown(socket.SHUT_WR)
        self.expect(token, 5 * MIB)
        s.close()

    def fin_with_data(self):
        for size in (0, 1, 100, 1460, 70000, 200000):
            s, token = self.call('fin_with_data', size)
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            send(s, size)
            s.shutdown(socket.SHUT_WR)
            assert receive(s) == size
            self.expect(token, size)
            s.close()

    def both_close_together(self):
        for _ in range(30):
            s, token = self.call('together')
            assert s.recv(1) == b'?'
            s.sendall(b'!')
            s.shutdown(socket.SHUT_WR)
            at_end(s)
            self.expect(token, 'end')
            s.close()

    def client_closes_unread(self):
        s, token = self.call('unread')
        assert select.select([s], [], [], TIMEOUT)[0]
        s.close()
        self.expect(token, 'ECONNRESET')

    def server_closes_unread(self):
        s, _ = self.call('not_reading')
        got = read_until_reset(s, 100000)
        assert got == 'ECONNRESET', got
        s.close()

    def urgent_bytes(self):
        size = 100000
        s, token = self.call('urgent', size)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        urgent(s, size)
        receive(s, size)
        at_end(s)
        self.expect(token, size)
        s.close()

    def keepalive(self):
        """An idle connection's probe is answered: an acknowledgement comes though nothing is sent."""
        s, _ = self.call('echo')
        s.sendall(b'x')
        assert s.recv(1) == b'x'
        for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 20)):
            s.setsockopt(socket.IPPROTO_TCP, option, value)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        before = -1
        for _ in range(int(TIMEOUT * 10)):
            # tcpi_last_ack_recv: milliseconds since the last one
            ago = struct.unpack_from('I', s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 56)[0]
            if ago < before:
                break
            before = ago
            time.sleep(0.1)
        else:
            raise AssertionError('no probe was ever answered')
        s.sendall(b'y')
        assert s.recv(1) == b'y'
        s.close()

    def single_bytes(self):
        s, _ = self.call('echo')
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(500):
            s.sendall(part(at, 1))
            assert s.recv(1) == part(at, 1)
        sender = threading.Thread(target=lambda: [s.sendall(part(at, 1)) for at in range(500, 10500)])
        sender.start()
        receive(s, 10000, 500)
        sender.join()
        s.shutdown(socket.SHUT_WR)
        at_end(s)
        s.close()

    def accepted_late(self):
        """The server is ready before they come: who waits for long waits longer each time, and for two minutes at most.
        Where other cases keep it busy, that is not enough on every machine."""
        count = 8
        s, _ = self.call('accept', count)
        assert s.recv(1) == b'?'
        replies = Crowd()
        crowd = [threading.Thread(target=replies.run, args=(self.late_one, n)) for n in range(count)]
        for t in crowd:
            t.start()
        time.sleep(0.5)
        s.sendall(b'!')
        assert s.recv(1) == b'.'
        for t in crowd:
            t.join()
        s.close()
        replies.judge(count)

    def late_one(self, n):
        with self.connect(more=1) as s:
            s.sendall(b'%d\n' % n)
            assert s.makefile().readline() == '%d\n' % n

    def refused(self):
        for _ in range(20):
            try:
                self.connect(more=2).close()
                raise AssertionError('connected to nobody')
            except ConnectionRefusedError:
                pass
        self.hello()

    def shut(self):
        """Behind a published port nobody listens: whoever comes is told, with whatever error, and not with data."""
        try:
            with self.connect(more=2) as s:
                assert s.recv(1) == b''
        except (ConnectionResetError, ConnectionRefusedError):
            pass


class Crowd:
    """Threads' failures, kept for the one that waits for them."""
    def __init__(self):
        self.failures = []

    def run(self, fn, *args):
        try:
            fn(*args)
        except (OSError, AssertionError, struct.error) as e:
            name = getattr(fn, '__name__', '')
            line = e.__traceback__
            while line.tb_next:
                line = line.tb_next
            self.failures.append('%s: %s: %s (line %d)' % (name, type(e).__name__, e, line.tb_lineno))

    def judge(self, of):
        if self.failures:
            raise AssertionError('%d of %d failed: %s' % (len(self.failures), of, '; '.join(sorted(self.failures)[:40])))


BULK = ['up', 'down', 'both', 'server_stops_reading', 'client_stops_reading']
QUICK = ['client_leaves_reading', 'server_leaves_reading', 'writer_is_killed', 'aborts_at_once', 'client_half_closes',
         'server_half_closes', 'fin_with_data', 'both_close_together', 'urgent_bytes', 'keepalive', 'single_bytes']
CLIENT_RESETS = ['client_aborts', 'client_closes_unread']
SERVER_RESETS = ['server_aborts', 'server_closes_unread']
GROUPS = {'bulk': BULK, 'quick': QUICK, 'client-resets': CLIENT_RESETS, 'server-resets': SERVER_RESETS}


def all_at_once(fns):
    crowd = Crowd()
    threads = [threading.Thread(target=crowd.run, args=fn, daemon=True) for fn in fns]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    crowd.judge(len(threads))
    print('ok')


def talk(addr, port, *names):
    client = Client(addr, int(port))
    wanted = []
    for name in names:
        wanted += GROUPS.get(name, [name])
    all_at_once([(getattr(client, name),) for name in wanted])


def lossy(addr, port, count, size):
    client = Client(addr, int(port))
    all_at_once([(client.both, int(size))] * int(count))


def many(addr, port, count):
    """The same few source ports again and again: whoever closes first, and with a reset."""
    client = Client(addr, int(port))
    first = 20000
    for n in range(int(count)):
        s, _ = client.call('hello', source=first + n % 40)
        assert s.recv(100) == b'hello'
        if n % 40 < 20:
            at_end(s)
            s.close()
        else:
            abort(s)
    print('ok')


def again(addr, port, count):
    client = Client(addr, int(port))
    for _ in range(int(count)):
        s, _ = client.call('hello', source=20100)
        assert s.recv(100) == b'hello'
        abort(s)
    print('ok')


def burst(addr, port, count):
    client = Client(addr, int(port))
    count = int(count)
    barrier = threading.Barrier(count)

    def one():
        s, _ = client.call('echo')
        barrier.wait(TIMEOUT)
        send(s, 1000)
        receive(s, 1000)
        s.shutdown(socket.SHUT_WR)
        at_end(s)
        s.close()
    all_at_once([(one,)] * count)


def peer(addr, port):
    print(Client(addr, int(port)).tell('peer', '-'))


def connect_errno(addr, port):
    try:
        Client(addr, int(port)).connect().close()
        print('ok')
    except OSError as e:
        print(errno.errorcode.get(e.errno, 'ETIMEDOUT'))


def read_message(f):
    size = struct.unpack('>H', f.read(2))[0]
    return f.read(size)


def dns(addr, name, count):
    """Questions one after another, together, byte by byte, with half a connection; and half questions."""
    client = Client(addr, 53)
    question = struct.pack('>HHHHHH', 7, 0x0100, 1, 0, 0, 0) + \
        b''.join(bytes([len(label)]) + label.encode() for label in name.split('.')) + b'\0' + struct.pack('>HH', 1, 1)
    question = struct.pack('>H', len(question)) + question

    def asks(how):
        with client.connect() as s:
            f = s.makefile('rb')
            for answers in how(s):
                for _ in range(answers):
                    got = read_message(f)
                    assert got[:2] == question[2:4] and struct.unpack('>H', got[6:8])[0] == int(count), got[:12]

    def in_turn(s):
        for _ in range(3):
            s.sendall(question)
            yield 1

    def together(s):
        s.sendall(question * 3)
        yield 3

    def bytewise(s):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for n in range(len(question)):
            s.sendall(question[n:n + 1])
        yield 1

    def half_closed(s):
        s.sendall(question)
        s.shutdown(socket.SHUT_WR)
        yield 1

    def half_asked(s):
        s.sendall(question[:9])
        yield 0

    def aborted(s):
        s.sendall(question)
        abort(s)
        yield 0
    ways = (in_turn, together, bytewise, half_closed, half_asked, aborted)
    all_at_once([(asks, how) for how in ways] * 2)
    all_at_once([(asks, how) for how in ways])
    try:
        Client(addr, 54).connect().close()
        raise AssertionError('there is something at port 54')
    except ConnectionRefusedError:
        pass


def hold(addr, port, tries):
    """There is an end to what can be had, those that are there go on all the while, and later there is more."""
    client = Client(addr, int(port))
    held = []

    def works(s):
        s.sendall(b'x')
        return s.recv(1) == b'x'
    for _ in range(int(tries)):
        try:
            s, _ = client.call('echo')
            if works(s):
                held.append(s)
        except OSError:
            break
    assert 20 < len(held) < int(tries), 'had %d' % len(held)
    for s in held:
        assert works(s)
        s.close()
    for _ in range(int(TIMEOUT * 10)):
        try:
            client.hello()
            break
        except (OSError, AssertionError):
            time.sleep(0.1)
    else:
        raise AssertionError('nothing works any more')
    print('ok')


def main(argv):
    roles = {'serve': lambda port: Server(int(port)).run(), 'talk': talk, 'lossy': lossy, 'many': many, 'again': again, 'burst': burst,
             'peer': peer, 'errno': connect_errno, 'dns': dns, 'hold': hold, 'shut': lambda addr, port: Client(addr, int(port)).shut()}
    if len(argv) < 2 or argv[0] not in roles:
        sys.exit(__doc__)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    threading.stack_size(256 * 1024)
    try:
        roles[argv[0]](*argv[1:])
    except (OSError, AssertionError) as e:
        sys.exit('%s: %s' % (type(e).__name__, e))


if __name__ == '__main__':
    main(sys.argv[1:])
