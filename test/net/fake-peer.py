#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that are not mpnc, for the end-to-end tests.

fake-peer.py say TEXT        listen, print the port, send TEXT (backslash escapes) to whoever comes
fake-peer.py silent          the same, and never say anything
fake-peer.py close           the same, and close at once
fake-peer.py crowd PORT N [FILE]
                             make N connections to PORT, print "ready", say nothing until killed, or
                             first what FILE has
fake-peer.py hear            listen, print the port, write what the first client says to "heard"
fake-peer.py twice PORT FILE  say to PORT what FILE has, twice; print "closed" if that ends the connection,
                             "kept" if it stands 3 s later
fake-peer.py hostile PORT N FILE   make N connections to PORT, each of which does something else that
                             a peer does not: nothing, nonsense, the beginning of what is in FILE, all
                             of it, changes of it, floods behind it. Print "done".
"""

import random
import socket
import struct
import sys
import time


def serve(kind, text):
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    kept = []
    while True:
        conn, _ = listener.accept()
        if kind == "close":
            conn.close()
            continue
        conn.sendall(text)
        kept.append(conn)


def crowd(port, n, text):
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    conns = [socket.create_connection(("127.0.0.1", port)) for _ in range(n)]
    for conn in conns:
        try:
            conn.sendall(text)
        except OSError:
            pass  # it was dropped for those that came later
    print("ready", flush=True)
    while conns:
        time.sleep(1000)


def hear():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    conn, _ = listener.accept()
    time.sleep(0.5)
    with open("heard", "wb") as out:
        out.write(conn.recv(1 << 16))


def twice(port, hello):
    conn = socket.create_connection(("127.0.0.1", port), timeout=3)
    conn.sendall(hello + hello)
    try:
        while conn.recv(1 << 16):
            pass
        print("closed")
    except TimeoutError:
        print("kept")


def hostile(port, n, hello):
    rng = random.Random(1)
    held = []
    for i in range(n):
        conn = socket.socket()
        conn.settimeout(10)
        conn.connect(("127.0.0.1", port))
        kind = i % 8
        spoilt = bytearray(hello)
        spoilt[rng.randrange(len(hello))] ^= 1 << rng.randrange(8)
        said = (b"", rng.randbytes(rng.randrange(1, 3000)), hello[:rng.randrange(len(hello))],
                hello, bytes(spoilt), hello + rng.randbytes(5000), b"\x16\x03\x01" + bytes(400),
                hello[:8] + rng.randbytes(64))[kind]
        try:
            conn.sendall(said)
            if rng.random() < 0.3:
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        held.append(conn)
        # Some stay for a while, in any order.
        if len(held) > 400:
            held.pop(rng.randrange(len(held))).close()
    print("done", flush=True)


if sys.argv[1] == "crowd":
    said = open(sys.argv[4], "rb").read() if len(sys.argv) > 4 else b""
    crowd(int(sys.argv[2]), int(sys.argv[3]), said)
elif sys.argv[1] == "hear":
    hear()
elif sys.argv[1] == "twice":
    with open(sys.argv[3], "rb") as hello_file:
        twice(int(sys.argv[2]), hello_file.read())
elif sys.argv[1] == "hostile":
    with open(sys.argv[4], "rb") as hello_file:
        hostile(int(sys.argv[2]), int(sys.argv[3]), hello_file.read())
else:
    words = sys.argv[2] if sys.argv[1] == "say" else ""
    serve(sys.argv[1], words.encode().decode("unicode_escape").encode("latin-1"))
