#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP proxy that does to connections what networks do.

proxy.py PORT [--seed N | --flip WAY BYTE]

Passes connections to 127.0.0.1 PORT on, and says "port N" for where it listens. Commands come on
standard input, one a line:

cut SECONDS   resets all connections, and refuses new ones for so long
close SECONDS the same, but ends them in order
trap reset    resets each connection that there is with the next byte that comes on it
trap silent   the same, but they fall silent

With --seed most connections meet one fault, at a random byte of a random direction: they are reset,
ended in order (which cuts frames short), stalled for a while or for good, or a bit flips. Each
fault is a line of output. With --flip the only one is a bit of this byte of the first connection, from the
client to the listener (WAY 0) or back (1).
"""
import contextlib
import random
import selectors
import socket
import struct
import sys
import time

CHUNK = 1 << 16
FAULTS = ("reset", "truncate", "stall", "silent", "flip", "flip")


class Way:
    """The bytes from one socket to the other."""

    def __init__(self, source, sink):
        self.source, self.sink = source, sink
        self.waiting = b""
        self.passed = 0
        self.ended = False
        self.fault = None
        self.fault_at = 0
        self.stalled_until = 0.0


class Link:
    def __init__(self, number, client, server, rng, flip=None):
        self.number = number
        self.sockets = (client, server)
        self.ways = (Way(client, server), Way(server, client))
        if rng and rng.random() < 0.8:
            way = rng.choice(self.ways)
            way.fault = rng.choice(FAULTS)
            # As many strike within the first kilobyte as within the last megabytes.
            way.fault_at = int(2 ** rng.uniform(4, 24))
            way.flip_bit = rng.randrange(8)
            way.stall_s = rng.uniform(0.01, 3)
        if flip and not number:
            way = self.ways[flip[0]]
            way.fault, way.fault_at, way.flip_bit = "flip", flip[1], flip[1] % 8


class Proxy:
    def __init__(self, target, seed, flip):
        self.target = ("127.0.0.1", target)
        self.rng = random.Random(seed) if seed is not None else None
        self.flip = flip
        self.links = set()
        self.n_links = 0
        self.refuse_until = 0.0
        self.listener = None
        self.port = 0
        self.listen()

    def listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(300)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]

    def drop(self, link, reset):
        self.links.discard(link)
        for sock in link.sockets:
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                # If something came that was not read, a close alone would be a reset.
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
            sock.close()

    def accept(self):
        client, _ = self.listener.accept()
        server = socket.socket()
        try:
            server.connect(self.target)
        except OSError:
            client.close()
            server.close()
            return
        for sock in (client, server):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.links.add(Link(self.n_links, client, server, self.rng, self.flip))
        self.n_links += 1

    def strike(self, link, way, data):
        """The fault's byte is in data. Returns what is passed on, or None: the link is gone."""
        fault, at = way.fault, way.fault_at - way.passed
        way.fault = None
        print(f"fault {fault} link {link.number} way {link.ways.index(way)} at {way.fault_at}",
              flush=True)
        if fault == "flip":
            return data[:at] + bytes((data[at] ^ 1 << way.flip_bit,)) + data[at + 1:]
        if fault == "stall":
            way.stalled_until = time.monotonic() + way.stall_s
        elif fault == "silent":
            way.stalled_until = float("inf")
        else:
            self.drop(link, fault == "reset")
            return None
        return data

    def read(self, link, way):
        data = way.source.recv(CHUNK)
        if not data:
            way.ended = True
            if not way.waiting:
                way.sink.shutdown(socket.SHUT_WR)
            return
        if way.fault and way.passed + len(data) > way.fault_at:
            n = len(data)
            data = self.strike(link, way, data)
            if data is None:
                return
            way.passed += n
        else:
            way.passed += len(data)
        way.waiting = data

    def write(self, way):
        way.waiting = way.waiting[way.sink.send(way.waiting):]
        if way.ended and not way.waiting:
            way.sink.shutdown(socket.SHUT_WR)

    def command(self, line):
        word, seconds = line.split()
        if word == "trap":
            for link in self.links:
                for way in link.ways:
                    way.fault, way.fault_at = seconds, way.passed
            print("trapped", flush=True)
            return
        for link in list(self.links):
            self.drop(link, word == "cut")
        if self.listener:
            self.listener.close()
        self.listener = None
        self.refuse_until = time.monotonic() + float(seconds)

    def select(self):
        """Returns what can be done now: readable sockets, writable ones."""
        now = time.monotonic()
        timeout = None
        with selectors.PollSelector() as poll:
            poll.register(sys.stdin, selectors.EVENT_READ, ("stdin", None, None))
            if self.listener:
                poll.register(self.listener, selectors.EVENT_READ, ("accept", None, None))
            else:
                timeout = max(0.0, self.refuse_until - now)
            events = {}
            for link in self.links:
                for way in link.ways:
                    if way.stalled_until > now:
                        if way.stalled_until != float("inf"):
                            left = way.stalled_until - now
                            timeout = left if timeout is None else min(timeout, left)
                        continue
                    if way.waiting:
                        events.setdefault(way.sink, []).append(("write", link, way))
                    elif not way.ended:
                        events.setdefault(way.source, []).append(("read", link, way))
            for sock, todo in events.items():
                mask = 0
                for what, _, _ in todo:
                    mask |= selectors.EVENT_WRITE if what == "write" else selectors.EVENT_READ
                poll.register(sock, mask, todo)
            return [(key.data, mask) for key, mask in poll.select(timeout)]

    def handle(self, todo, mask):
        for what, link, way in todo:
            if link not in self.links:
                continue
            try:
                if what == "write" and mask & selectors.EVENT_WRITE:
                    self.write(way)
                elif what == "read" and mask & selectors.EVENT_READ:
                    self.read(link, way)
            except BlockingIOError:
                pass
            except OSError:
                self.drop(link, True)
        for link in [link for link in self.links if all(w.ended and not w.waiting
                                                        for w in link.ways)]:
            self.drop(link, False)

    def run(self):
        print(f"port {self.port}", flush=True)
        while True:
            for data, mask in self.select():
                if isinstance(data, list):
                    self.handle(data, mask)
                elif data[0] == "stdin":
                    line = sys.stdin.readline()
                    if not line:
                        return
                    self.command(line)
                elif self.listener:
                    self.accept()
            if not self.listener and time.monotonic() >= self.refuse_until:
                self.listen()


def main():
    port, option, *numbers = *map(int, sys.argv[1:2]), "".join(sys.argv[2:3]), *map(int, sys.argv[3:])
    seed = numbers[0] if option == "--seed" else None
    Proxy(port, seed, numbers if option == "--flip" else None).run()


main()
