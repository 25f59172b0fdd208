#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hold-memory.py sessions PORT N EARN WAY - N sessions that make a relay hold memory
hold-memory.py target WAY              - what they reach: listens, prints its port

WAY gap: each session first sends EARN bytes in order, so that its window grows, then leaves out one byte and
sends all that the relay allows beyond it. The target takes all that comes. WAY deaf: the target sends, and
each session acknowledges EARN bytes, then nothing more. WAY measure: as gap, at any listener, by measuring.
Otherwise the sessions keep the protocol.

Prints "holding" when no session can make the relay hold more for now, and "ended REASON TEXT" for each session
that the relay ends. It goes on until it is killed or all sessions are over.
"""
import os
import selectors
import socket
import struct
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hostile"))
from frames import (ABORT, ACK, DATA, HEAD_LEN, MEASURE, NEW, PING, PONG, PREFACE, REFUSE, WELCOME,  # noqa: E402
                    ack, data, frame, hello)

CHUNK = bytes(256 << 10)
FAR = 1 << 40  # an edge that is never reached


class Session:
    def __init__(self, port, earn, deaf, kind):
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.earn, self.deaf = earn, deaf
        self.received = b""
        self.greeted = False
        self.edge = self.next = 0
        self.gap = False
        self.heard = 0  # bytes of the target's stream
        self.out = PREFACE + hello(kind, edge=FAR if deaf else 1)

    def make_data(self):
        """The next chunk that the edge allows."""
        if self.deaf:
            return
        if self.next >= self.earn and not self.gap:
            self.gap = True
            self.next += 1
        limit = self.edge if self.gap else min(self.edge, self.earn)
        n = min(limit - self.next, len(CHUNK) - self.next % len(CHUNK))
        if n > 0:
            self.out += data(self.next, CHUNK[:n])
            self.next += n

    def take(self, kind, value, body):
        """Returns whether the session goes on."""
        if kind == WELCOME:
            self.edge = struct.unpack_from(">Q", body, 12)[0]
        elif kind == ACK:
            self.edge = max(self.edge, struct.unpack_from(">Q", body, 8)[0])
        elif kind == PING:
            self.out += frame(PONG, value)
        elif kind == DATA and self.deaf:
            self.heard = max(self.heard, value + len(body))
            if self.heard <= self.earn:
                self.out += ack(self.heard, self.heard, FAR)
        elif kind in (REFUSE, ABORT):
            print("ended", struct.unpack_from(">H", body)[0], body[4:].decode(), flush=True)
            return False
        return True

    def read(self):
        """Returns whether the session goes on."""
        try:
            got = self.sock.recv(1 << 20)
        except BlockingIOError:
            return True
        except ConnectionError:
            got = b""
        self.received += got
        if not self.greeted and len(self.received) >= len(PREFACE):
            self.greeted = True
            self.received = self.received[len(PREFACE):]
        while self.greeted and len(self.received) >= HEAD_LEN:
            kind, _, _, n, value, _ = struct.unpack_from(">BBHIQQ", self.received)
            if len(self.received) < HEAD_LEN + n:
                break
            body = self.received[HEAD_LEN:HEAD_LEN + n]
            self.received = self.received[HEAD_LEN + n:]
            if not self.take(kind, value, body):
                return False
        return bool(got)

    def write(self):
        """Returns whether anything was sent."""
        if not self.out:
            self.make_data()
        if not self.out:
            return False
        try:
            n = self.sock.send(self.out)
        except BlockingIOError:
            return False
        except ConnectionError:
            self.out = b""
            return False
        self.out = self.out[n:]
        return n > 0

    def has_earned(self):
        return self.heard >= self.earn if self.deaf else self.gap


def hold(port, n, earn, way):
    kind = MEASURE if way == "measure" else NEW
    sessions = {Session(port, earn, way == "deaf", kind) for _ in range(n)}
    selector = selectors.DefaultSelector()
    for session in sessions:
        selector.register(session.sock, selectors.EVENT_READ, session)
    said = False
    while sessions:
        moved = False
        for session in sessions:
            moved |= session.write()
        ready = selector.select(0 if moved else 0.5)
        for key, _ in ready:
            if not key.data.read():
                selector.unregister(key.fileobj)
                key.data.sock.close()
                sessions.discard(key.data)
        if not moved and not ready and not said and all(s.has_earned() for s in sessions):
            said = True
            print("holding", flush=True)


def serve(conn, pours):
    zeros = bytes(1 << 20)
    try:
        while pours or conn.recv(1 << 20):
            if pours:
                conn.sendall(zeros)
    except OSError:
        pass
    conn.close()


def target(pours):
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, pours), daemon=True).start()


if sys.argv[1] == "target":
    target(sys.argv[2] == "deaf")
else:
    hold(*(int(word) for word in sys.argv[2:5]), sys.argv[5])
