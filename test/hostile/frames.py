# SPDX-License-Identifier: GPL-2.0-or-later
"""The protocol of doc/PROTOCOL.md: frames with right checks, and a peer that sends what it likes."""
import ctypes
import os
import socket
import struct

from program import Failed

PREFACE = b"mpnc/1\r\n"
HEAD_LEN = 24
BODY_MAX = 4096
DATA_MAX = 1 << 20
EDGE = 1 << 26
(HELLO, WELCOME, REFUSE, DATA, ACK, END, CONFIRM, STOP, ABORT, PING, PONG, DONE, LINKS, LANE, DRAIN,
 FACTS) = range(1, 17)
NEW, JOIN, QUERY, MEASURE, WARM = range(5)
NO_INPUT, SEND_ONLY, RECV_ONLY = 1, 2, 4
REASON_NO_SESSION, REASON_LIMIT, REASON_SIGNAL = 2, 4, 9
U64_MAX = 2**64 - 1

xxhash = ctypes.CDLL("libxxhash.so.0")
xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
xxhash.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


xxhash.XXH3_128bits.restype = Hash128
xxhash.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def digest(stream):
    """What END says of a whole stream."""
    h = xxhash.XXH3_128bits(stream, len(stream))
    return struct.pack(">QQ", h.high, h.low)


def check(head, body):
    """head: the first 16 bytes of a header."""
    seed = xxhash.XXH3_64bits_withSeed(head, len(head), 0)
    return xxhash.XXH3_64bits_withSeed(body, len(body), seed)


def frame(kind, value=0, body=b"", length=None, sealed=False):
    """length: what the header claims, if not the truth. sealed: DATA as within TLS, without a check of its body."""
    head = struct.pack(">BBHIQ", kind, 0, 0, len(body) if length is None else length, value & U64_MAX)
    return head + struct.pack(">Q", check(head, b"" if sealed and kind == DATA else body)) + body


def hello(kind=NEW, side=0, n=1, session=None, edge=EDGE, items=b"", versions=(1, 1)):
    session = os.urandom(16) if session is None else session
    return frame(HELLO, 0, struct.pack(">HHIBBH", *versions, 0, kind, side, n) + session +
                 struct.pack(">Q", edge & U64_MAX) + items)


def welcome(side=0, n=0, edge=EDGE, items=b"", version=1):
    return frame(WELCOME, 0, struct.pack(">HBBIHHQ", version, side, 0, 0, n, 0, edge & U64_MAX) + items)


def data(offset, body, sealed=False):
    return frame(DATA, offset, body, sealed=sealed)


def ack(received, taken, edge, ranges=()):
    return frame(ACK, received, struct.pack(">QQII", taken & U64_MAX, edge & U64_MAX, len(ranges), 0) +
                 b"".join(struct.pack(">QQ", a & U64_MAX, b & U64_MAX) for a, b in ranges))


def end(stream):
    return frame(END, len(stream), digest(stream))


def notice(kind, reason, text=b"", offset=0):
    """REFUSE or ABORT."""
    return frame(kind, offset, struct.pack(">HH", reason, 0) + text)


def item(kind, body):
    return struct.pack(">HH", kind, len(body)) + body


def short(text):
    return bytes([len(text)]) + text


def facts(kind=2, flags=14, mode=4, policy=1, variant=6, active=255, links=(), name=b"bond0"):
    """links: (Mbit/s, name) of each."""
    every = (1 << min(len(links), 32)) - 1
    return item(1, struct.pack(">8BHHII", kind, flags, mode, policy, variant, 0, active, len(links), 0, 0,
                               every, every) + bytes(12) + short(name) +
                b"".join(struct.pack(">I", speed) + short(link) for speed, link in links))


def addresses(hosts):
    body = struct.pack(">I", len(hosts))
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        raw = socket.inet_pton(family, host)
        body += struct.pack(">I", 6 if ":" in host else 4) + raw.ljust(16, b"\0")
    return item(4, body)


def target(name):
    return item(5, short(name))


class Closed(Failed):

    def __init__(self):
        super().__init__("the program has closed the connection")


class Peer:
    """One connection to the program, or from it. What it sends may be lost: a hostile peer does not care."""

    def __init__(self, port=None, sock=None, host="127.0.0.1", timeout=10):
        self.sock = sock or socket.create_connection((host, port), timeout)
        self.sock.settimeout(timeout)
        self.waiting = b""

    def send(self, *frames):
        try:
            self.sock.sendall(b"".join(frames))
            return True
        except OSError:
            return False

    def bytes(self, n):
        while len(self.waiting) < n:
            try:
                got = self.sock.recv(1 << 16)
            except TimeoutError:
                raise
            except OSError as e:
                raise Closed from e
            if not got:
                raise Closed
            self.waiting += got
        said, self.waiting = self.waiting[:n], self.waiting[n:]
        return said

    def frame(self):
        """(type, value, body); raises Closed, or TimeoutError."""
        kind, _, _, length, value, _ = struct.unpack(">BBHIQQ", self.bytes(HEAD_LEN))
        return kind, value, self.bytes(length)

    def until(self, *kinds):
        while True:
            said = self.frame()
            if said[0] in kinds:
                return said

    def open(self, *frames):
        """Says the preface and these frames; returns the first frame that answers."""
        self.send(PREFACE, *frames)
        if self.bytes(len(PREFACE)) != PREFACE:
            raise Closed
        return self.frame()

    def listen_out(self, seconds):
        """Takes all that comes until it is silent for so long or closed; returns the types, and whether it is open."""
        self.sock.settimeout(seconds)
        kinds = []
        try:
            while True:
                kinds.append(self.frame()[0])
        except Closed:
            return kinds, False
        except TimeoutError:
            return kinds, True

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


def reason(said):
    """Of a REFUSE or ABORT."""
    return struct.unpack(">H", said[2][:2])[0]
