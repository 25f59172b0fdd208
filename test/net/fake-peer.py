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
fake-peer.py pushed PORT N FROM TEXT FILE [CERT KEY CA]
                             connect to PORT from 127.0.0.2, with TLS if there is a certificate, and say the
                             first byte of FILE; then make N other connections and say TEXT on each: from
                             127.0.0.3 (FROM "one"), from N addresses ("many"), or from 127.0.0.2 ("same").
                             When the listener has dropped all of them but 257, say the rest of FILE on the
                             first one. Print "answered" or "dropped".
fake-peer.py reset PORT FILE  say what FILE has, and reset the connection
fake-peer.py hostile PORT N FILE   make N connections to PORT; each does something else that
                             a peer does not: nothing, nonsense, the beginning of what is in FILE, all
                             of it, changes of it, floods after it. Print "done".
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
    allow_descriptors()
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


def allow_descriptors():
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def with_tls(conn, cert, key, authority):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(authority)
    context.load_cert_chain(cert, key)
    return context.wrap_socket(conn)


def wait_dropped(conns, n):
    """Until the other side has closed n of them."""
    import select

    poll = select.poll()
    for conn in conns:
        poll.register(conn, select.POLLRDHUP | select.POLLHUP)
    deadline = time.monotonic() + 60
    while len(poll.poll(0)) < n:
        if time.monotonic() > deadline:
            sys.exit("too few connections were dropped")
        time.sleep(0.02)


def pushed(port, n, source, text, hello, files):
    sources = {
        "one": lambda i: "127.0.0.3",
        "many": lambda i: f"127.1.{i // 250}.{1 + i % 250}",
        "same": lambda i: "127.0.0.2",
    }[source]
    allow_descriptors()
    first = socket.create_connection(("127.0.0.1", port), 60, ("127.0.0.2", 0))
    if files:
        first = with_tls(first, *files)
    first.sendall(hello[:1])
    others = []
    for i in range(n):
        others.append(socket.create_connection(("127.0.0.1", port), 60, (sources(i), 0)))
        try:
            others[i].sendall(text)
        except OSError:
            pass  # it was dropped already
    # The first one may be among those that were dropped.
    wait_dropped(others, n - 257)
    try:
        first.sendall(hello[1:])
        answer = first.recv(8)
    except OSError:
        answer = b""
    print("answered" if answer == b"mpnc/1\r\n" else "dropped", flush=True)


def reset(port, hello):
    conn = socket.create_connection(("127.0.0.1", port))
    conn.sendall(hello)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()


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
elif sys.argv[1] == "pushed":
    with open(sys.argv[6], "rb") as hello_file:
        pushed(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5].encode(),
               hello_file.read(), sys.argv[7:])
elif sys.argv[1] == "reset":
    with open(sys.argv[3], "rb") as hello_file:
        reset(int(sys.argv[2]), hello_file.read())
elif sys.argv[1] == "hostile":
    with open(sys.argv[4], "rb") as hello_file:
        hostile(int(sys.argv[2]), int(sys.argv[3]), hello_file.read())
else:
    words = sys.argv[2] if sys.argv[1] == "say" else ""
    serve(sys.argv[1], words.encode().decode("unicode_escape").encode("latin-1"))
