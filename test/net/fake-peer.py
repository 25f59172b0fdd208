#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that are not mpnc, for the end-to-end tests.

fake-peer.py say TEXT        listen, print the port, send TEXT (backslash escapes) to whoever comes
fake-peer.py silent          the same, and never say anything
fake-peer.py close           the same, and close at once
fake-peer.py crowd PORT N [FILE]
                             make N connections to PORT, print "ready", say nothing until killed, or
                             first what FILE has
"""

import socket
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


if sys.argv[1] == "crowd":
    said = open(sys.argv[4], "rb").read() if len(sys.argv) > 4 else b""
    crowd(int(sys.argv[2]), int(sys.argv[3]), said)
else:
    words = sys.argv[2] if sys.argv[1] == "say" else ""
    serve(sys.argv[1], words.encode().decode("unicode_escape").encode("latin-1"))
