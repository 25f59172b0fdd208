#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Synchronous writes, as a mirrored disk has them: each block is answered by a byte before the next one.

writes.py serve ADDRESS PORT             answers until it is stopped
writes.py write ADDRESS PORT N [CONNECTIONS [MIB]]
                                         on each connection (1) at the same time: N writes of 4 KiB, and then MIB
                                         (0) without waiting for an answer; says what a write took, in us

A block is its length, 4 bytes, and as many others less these 4. The answer is one byte of the checksum; that
to a block of no others all four bytes of the checksum of all blocks.
"""
import random
import socket
import statistics
import struct
import sys
import threading
import time
import zlib

SMALL = 4096
LARGE = 1 << 17


def read_exactly(s, n):
    data = bytearray()
    while len(data) < n:
        b = s.recv(n - len(data))
        if not b:
            raise EOFError
        data += b
    return bytes(data)


def low_delay(s):
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def serve_one(s):
    total = 0
    try:
        while True:
            head = read_exactly(s, 4)
            body = read_exactly(s, struct.unpack("!I", head)[0] - 4)
            total = zlib.crc32(body, total)
            if body:
                s.sendall(zlib.crc32(body).to_bytes(4, "big")[3:])
            else:
                s.sendall(total.to_bytes(4, "big"))
    except (EOFError, ConnectionError):
        s.close()


def serve(address, port):
    listener = socket.create_server((address, int(port)))
    while True:
        s = low_delay(listener.accept()[0])
        threading.Thread(target=serve_one, args=(s,), daemon=True).start()


class Writer(threading.Thread):
    def __init__(self, address, port, n, mib):
        super().__init__()
        self.s = low_delay(socket.create_connection((address, port)))
        self.n, self.mib = n, mib
        self.total = 0
        self.took_us = []
        self.error = "it was not finished"

    def block(self, size):
        """A block, and its answer."""
        body = random.randbytes(size - 4)
        self.total = zlib.crc32(body, self.total)
        return struct.pack("!I", size) + body, zlib.crc32(body).to_bytes(4, "big")[3:]

    def exchange(self):
        for _ in range(self.n):
            block, answer = self.block(SMALL)
            begin = time.monotonic_ns()
            self.s.sendall(block)
            got = read_exactly(self.s, 1)
            self.took_us.append((time.monotonic_ns() - begin) / 1000)
            assert got == answer, "a write arrived differently"
        answers = b""
        for _ in range((self.mib << 20) // LARGE):
            block, answer = self.block(LARGE)
            self.s.sendall(block)
            answers += answer
        assert read_exactly(self.s, len(answers)) == answers, "what was not waited for arrived differently"
        self.s.sendall(struct.pack("!I", 4))
        assert read_exactly(self.s, 4) == self.total.to_bytes(4, "big"), "not everything arrived"
        self.s.close()

    def run(self):
        try:
            self.exchange()
            self.error = None
        except (AssertionError, EOFError, OSError) as e:
            self.error = repr(e)


def write(address, port, n, connections="1", mib="0"):
    writers = [Writer(address, int(port), int(n), int(mib)) for _ in range(int(connections))]
    for w in writers:
        w.start()
    for w in writers:
        w.join()
    for w in writers:
        if w.error:
            sys.exit(f"writes.py: {w.error}")
    took = [us for w in writers for us in w.took_us]
    print(f"{statistics.median(took):.0f}")


if __name__ == "__main__":
    {"serve": serve, "write": write}[sys.argv[1]](*sys.argv[2:])
