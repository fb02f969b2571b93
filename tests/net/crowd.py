#!/usr/bin/env python3
"""More connections than there may be.

  crowd.py serve PORT             sends back what comes, to however many
  crowd.py fill ADDR PORT ROOM    ROOM connections are served and more are refused, at once and while the others
                                  go on; datagrams pass all the while; when all have gone, there is room again

TIMEOUT seconds (240) of silence are a failure; how long anything takes is no matter.
"""
import errno
import os
import resource
import selectors
import socket
import sys

TIMEOUT = float(os.environ.get('TIMEOUT', '240'))
EXTRA = 200
AT_ONCE = 100  # or the device's queue overflows, and it is TCP's timers that are tried
REFUSED = (errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE)


def serve(port):
    waiting = selectors.DefaultSelector()
    listener = socket.socket(socket.AF_INET6)
    listener.bind(('::', port))
    listener.listen(4096)
    waiting.register(listener, selectors.EVENT_READ)
    print('listening', flush=True)
    while True:
        for key, _ in waiting.select():
            s = key.fileobj
            if s is listener:
                waiting.register(s.accept()[0], selectors.EVENT_READ)
                continue
            try:
                data = s.recv(4096)
                s.sendall(data)
            except OSError:
                data = b''
            if not data:
                waiting.unregister(s)
                s.close()


class Crowd:
    def __init__(self, addr, port):
        self.addr, self.port = addr, port
        self.waiting = selectors.DefaultSelector()
        self.served, self.refused = [], 0

    def begin(self):
        s = socket.socket(socket.AF_INET6 if ':' in self.addr else socket.AF_INET)
        s.setblocking(False)
        num = s.connect_ex((self.addr, self.port))
        if num == errno.EINPROGRESS:
            self.waiting.register(s, selectors.EVENT_WRITE)
        else:
            self.end(s, num)

    def end(self, s, num):
        s.close()
        assert num in REFUSED, 'number %d: %s' % (len(self.served) + self.refused + 1, os.strerror(num))
        self.refused += 1

    def go_on(self, s, events):
        """One that is connected asks; one that has its answer is served."""
        try:
            if events & selectors.EVENT_READ:
                if s.recv(1) != b'x':
                    raise ConnectionResetError(errno.ECONNRESET, 'the end')
                self.served.append(s)
                self.waiting.unregister(s)
                return
            num = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if num:
                raise OSError(num, 'connect')
            s.send(b'x')
            self.waiting.modify(s, selectors.EVENT_READ)
        except OSError as e:
            self.waiting.unregister(s)
            self.end(s, e.errno)

    def turn(self):
        ready = self.waiting.select(TIMEOUT)
        assert ready, '%d wait for ever, %d are served and %d refused' % (
            len(self.waiting.get_map()), len(self.served), self.refused)
        for key, events in ready:
            self.go_on(key.fileobj, events)

    def come(self, count):
        for _ in range(count):
            while len(self.waiting.get_map()) >= AT_ONCE:
                self.turn()
            self.begin()
        while self.waiting.get_map():
            self.turn()

    def parts(self):
        for at in range(0, len(self.served), AT_ONCE):
            yield self.served[at:at + AT_ONCE]

    def works(self):
        for part in self.parts():
            for s in part:
                s.setblocking(True)
                s.settimeout(TIMEOUT)
                s.sendall(b'y')
            for s in part:
                assert s.recv(1) == b'y'

    def go(self):
        """Frames are worked on in turn: the datagram's answer comes when the others have been."""
        for part in self.parts():
            for s in part:
                s.close()
            datagram(self.addr)
        self.served = []


def datagram(addr):
    with socket.socket(socket.AF_INET6 if ':' in addr else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(TIMEOUT)
        s.connect((addr, 7))
        s.send(b'x')
        assert s.recv(1) == b'x'


def fill(addr, port, room):
    crowd = Crowd(addr, port)
    crowd.come(room + EXTRA)
    print('%d served, %d refused' % (len(crowd.served), crowd.refused))
    assert len(crowd.served) == room and crowd.refused == EXTRA
    crowd.works()
    datagram(addr)
    crowd.go()
    # the helper learns of their ends one by one
    while not crowd.served:
        crowd.come(1)
    crowd.works()


def main(argv):
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    try:
        if argv[0] == 'serve':
            serve(int(argv[1]))
        fill(argv[1], int(argv[2]), int(argv[3]))
    except (OSError, AssertionError) as e:
        sys.exit('%s: %s' % (type(e).__name__, e))


if __name__ == '__main__':
    main(sys.argv[1:])
