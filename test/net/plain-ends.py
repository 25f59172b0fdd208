#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""plain-ends.py SCENARIO NEAR TARGET [N] - both plain ends of a relay, in one process

Connects to NEAR and accepts what then comes to TARGET: each is 127.0.0.1's PORT, or the path of a unix
socket. Exits 0 if everything went through as it would have over one connection.
"""
import os
import random
import select
import selectors
import socket
import struct
import sys

PATIENCE = 30 * int(os.environ.get("MPNC_TEST_PATIENCE", "1"))
BULK = 8 << 20


def address(word):
    return word if "/" in word else ("127.0.0.1", int(word))


def new_socket(word):
    s = socket.socket(socket.AF_UNIX if "/" in word else socket.AF_INET)
    s.settimeout(PATIENCE)
    return s


class Ends:
    def __init__(self, near, target):
        self.near, self.target = near, target
        self.is_unix = "/" in near
        self.server = new_socket(target)
        if "/" in target and os.path.exists(target):
            os.unlink(target)
        self.server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.server.bind(address(target))
        self.server.listen(4096)

    def connect(self):
        s = new_socket(self.near)
        s.connect(address(self.near))
        return s

    def pair(self):
        """The two ends of one connection through the relay."""
        s = self.connect()
        t, _ = self.server.accept()
        t.settimeout(PATIENCE)
        return s, t


def read_exactly(s, n):
    parts = []
    while n:
        b = s.recv(min(n, 1 << 20))
        assert b, f"end of file, {n} bytes too early"
        parts.append(b)
        n -= len(b)
    return b"".join(parts)


def expect_end(s):
    b = s.recv(1)
    assert b == b"", f"{b!r} instead of the end of file"


def expect_reset(s):
    try:
        while s.recv(1 << 16):
            pass
    except ConnectionResetError:
        return
    raise AssertionError("an end of file instead of a reset")


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def exchange(flows, end=True):
    """Each (from, to, bytes) at the same time; then, with end, each from's end of file reaches its to. A fourth
    part are the bytes that come, if some were sent before."""
    sel = selectors.DefaultSelector()
    sent = [0] * len(flows)
    got = [bytearray() for _ in flows]
    ended = [False] * len(flows)
    masks = {}
    for i, (a, b, *_) in enumerate(flows):
        masks.setdefault(a, [None, None])[1] = i
        masks.setdefault(b, [None, None])[0] = i
    for s, (reads, writes) in masks.items():
        s.setblocking(False)
        sel.register(s, (reads is not None) * selectors.EVENT_READ
                     | (writes is not None) * selectors.EVENT_WRITE)
    while not all(ended):
        ready = sel.select(PATIENCE)
        assert ready, f"nothing moves: {sum(map(len, got))} of {sum(len(f[2]) for f in flows)} bytes"
        for key, events in ready:
            s, (reads, writes) = key.fileobj, masks[key.fileobj]
            if events & selectors.EVENT_WRITE:
                data = flows[writes][2]
                if sent[writes] < len(data):
                    sent[writes] += s.send(memoryview(data)[sent[writes]:sent[writes] + (1 << 18)])
                else:
                    if end:
                        s.shutdown(socket.SHUT_WR)
                    masks[s][1] = None
            if events & selectors.EVENT_READ:
                b = s.recv(1 << 18)
                got[reads] += b
                if not b or (not end and len(got[reads]) >= len(flows[reads][-1])):
                    ended[reads] = True
                    masks[s][0] = None
            mask = ((masks[s][0] is not None) * selectors.EVENT_READ
                    | (masks[s][1] is not None) * selectors.EVENT_WRITE)
            if mask:
                sel.modify(s, mask)
            else:
                sel.unregister(s)
    for (*_, data), g in zip(flows, got):
        assert g == data, "other bytes than were sent"


def both_ways(ends):
    s, t = ends.pair()
    exchange([(s, t, random.randbytes(BULK)), (t, s, random.randbytes(BULK // 2 + 1))])


def half_close(ends):
    question, answer = random.randbytes(1 << 20), random.randbytes(3 << 20)
    for first in (0, 1):
        pair = ends.pair()
        a, b = pair[first], pair[1 - first]
        a.sendall(b"?")
        a.sendall(question)
        a.shutdown(socket.SHUT_WR)
        assert read_exactly(b, len(question) + 1) == b"?" + question
        expect_end(b)
        # In pieces: the other way goes on.
        exchange([(b, a, answer)])


def nothing(ends):
    s, t = ends.pair()
    s.close()
    expect_end(t)
    t.close()
    s, t = ends.pair()
    t.close()
    expect_end(s)


def small(ends):
    """Each byte leaves at once, or its answer does not come."""
    s, t = ends.pair()
    for i in range(300):
        s.send(bytes([i % 256]))
        assert t.recv(1) == bytes([i % 256])
        t.send(b"ab")
        assert read_exactly(s, 2) == b"ab"


def resets(ends):
    for first in (0, 1):
        # While idle; with bytes on their way; and after one direction has ended.
        for before in (None, b"x" * 100000, b"end"):
            pair = ends.pair()
            a, b = pair[first], pair[1 - first]
            a.sendall(b"hello")
            read_exactly(b, 5)
            if before == b"end":
                b.shutdown(socket.SHUT_WR)
                expect_end(a)
            elif before:
                a.sendall(before)
            reset(a)
            expect_reset(b)


def pressure(ends):
    """A reader that does not read stops the writer, and gets all of it later."""
    s, t = ends.pair()
    data = random.randbytes(64 << 20)
    sent = 0
    s.setblocking(False)
    while sent < len(data) and select.select([], [s], [], 1)[1]:
        sent += s.send(memoryview(data)[sent:sent + (1 << 18)])
    assert sent < len(data), "all was taken, although nobody reads"
    # The other way is not held up.
    t.sendall(b"still here")
    s.setblocking(True)
    s.settimeout(PATIENCE)
    assert read_exactly(s, 10) == b"still here"
    s.shutdown(socket.SHUT_WR)
    assert read_exactly(t, sent) == data[:sent]
    expect_end(t)


def squeeze(ends):
    """N at once that have moved much, and whose readers then rest until no writer can go on; all is exact."""
    n = int(sys.argv[4])
    ends.server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    pairs = [ends.pair() for _ in range(n)]
    first = random.randbytes(2 << 20)
    exchange([(s, t, first) for s, t in pairs], end=False)
    data = random.randbytes(64 << 20)
    sent = dict.fromkeys((s for s, _ in pairs), 0)
    while ready := select.select([], [s for s in sent if sent[s] < len(data)], [], 1)[1]:
        for s in ready:
            sent[s] += s.send(memoryview(data)[sent[s]:sent[s] + (1 << 18)])
    assert max(sent.values()) < len(data), "all was taken, although nobody reads"
    exchange([(s, t, b"", data[:sent[s]]) for s, t in pairs])


def refused(ends):
    ends.server.close()
    try:
        s = ends.connect()
        expect_reset(s)
    except ConnectionResetError:
        pass
    except AssertionError:
        # A unix socket has no resets.
        assert ends.is_unix


def several(ends):
    pairs = [ends.pair() for _ in range(20)]
    flows = []
    for s, t in pairs:
        flows.append((s, t, random.randbytes(random.randrange(1 << 20))))
        flows.append((t, s, random.randbytes(random.randrange(1 << 20))))
    exchange(flows)


def crowd(ends):
    """N at once, each exact; they stay until a line comes on standard input."""
    n = int(sys.argv[4])
    near = []
    for _ in range(n):
        near.append(ends.connect())
    # The order in which they arrive is not ours: each says who it is.
    for i, s in enumerate(near):
        s.sendall(struct.pack("!I", i))
    flows = []
    for _ in range(n):
        t, _ = ends.server.accept()
        t.settimeout(PATIENCE)
        i, = struct.unpack("!I", read_exactly(t, 4))
        flows.append((near[i], t))
    for round_ in range(2):
        for s, t in flows:
            data = random.randbytes(random.randrange(1, 8192))
            s.sendall(data)
            t.sendall(data[::-1])
            assert read_exactly(t, len(data)) == data
            assert read_exactly(s, len(data)) == data[::-1]
    print("idle", flush=True)
    sys.stdin.readline()
    exchange([f for s, t in flows for f in ((s, t, random.randbytes(5000)), (t, s, random.randbytes(7000)))])


def busy(ends):
    """N that never stop, and others that come meanwhile: these are served too, and all are fair."""
    n = int(sys.argv[4])
    pairs = [ends.pair() for _ in range(n)]
    sel = selectors.DefaultSelector()
    got = {}
    chunk = b"z" * (1 << 18)
    for s, t in pairs:
        s.setblocking(False)
        t.setblocking(False)
        sel.register(s, selectors.EVENT_WRITE)
        sel.register(t, selectors.EVENT_READ)
        got[t] = 0
    answered = 0
    new = None
    while answered < 20:
        if new is None:
            new = ends.connect()
            new.sendall(b"ping")
            sel.register(ends.server, selectors.EVENT_READ)
            sel.register(new, selectors.EVENT_READ)
        for key, events in sel.select(PATIENCE):
            f = key.fileobj
            if f is ends.server:
                t, _ = f.accept()
                assert read_exactly(t, 4) == b"ping"
                t.sendall(b"pong")
                t.shutdown(socket.SHUT_WR)
                sel.unregister(f)
            elif f is new:
                assert read_exactly(new, 4) == b"pong"
                sel.unregister(new)
                new.close()
                new = None
                answered += 1
            elif events & selectors.EVENT_WRITE:
                f.send(chunk)
            else:
                got[f] += len(f.recv(1 << 18))
    rates = list(got.values())
    assert min(rates) > 0, "one of them has starved"
    fair = sum(rates) ** 2 / len(rates) / sum(r * r for r in rates)
    print(f"fairness {fair:.2f}, {sum(rates) >> 20} MiB, least {min(rates) >> 10} KiB")


if __name__ == "__main__":
    scenario = globals()[sys.argv[1]]
    scenario(Ends(sys.argv[2], sys.argv[3]))
