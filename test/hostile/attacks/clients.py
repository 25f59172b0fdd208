# SPDX-License-Identifier: GPL-2.0-or-later
"""Listeners that mean harm to clients."""
import contextlib
import socket

import frames
import network
from attacks import attack
from frames import DATA, PING, PONG, Closed, Peer
from program import Program, expect, server, start_thread, wait_for

PORT = 31337  # told addresses are all on the listener's own


class HostileServer:
    """Says the same to whoever comes, as soon as it has heard something, and closes when the other side does."""

    def __init__(self, answer):
        self.answer = answer
        self.sock, self.port = server()
        start_thread(self.accept)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                start_thread(self.serve, self.sock.accept()[0])

    def serve(self, conn):
        with contextlib.suppress(OSError), conn:
            conn.settimeout(10)
            conn.recv(1 << 16)
            conn.sendall(self.answer)
            while conn.recv(1 << 16):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()


def trap(net, seen):
    """A service on every address of the client's machine: where is it reached, and what is said there?"""
    network.enter(net.sides[0])
    sock = socket.create_server(("::", PORT), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        conn, _ = sock.accept()
        conn.settimeout(1)
        at = conn.getsockname()[0].removeprefix("::ffff:")
        said = b""
        with contextlib.suppress(OSError):
            said = conn.recv(4096)
        seen.setdefault(at, []).append(said)
        conn.close()


def lure(net, told, numbers, heard):
    """A listener on the other side that names these addresses as its own."""
    network.enter(net.sides[1])
    sock = socket.create_server(("10.1.0.2", PORT))
    while True:
        peer = Peer(sock=sock.accept()[0], timeout=60)
        start_thread(serve_lured, peer, told, numbers, heard)


def serve_lured(peer, told, numbers, heard):
    with contextlib.suppress(Closed, OSError):
        peer.send(frames.PREFACE, frames.welcome(n=20, items=frames.addresses(told)))
        peer.bytes(len(frames.PREFACE))
        said = peer.frame()
        numbers.add(said[2][12:28])
        while True:
            kind, value, body = peer.frame()
            if kind == DATA:
                heard[0] += len(body)
                peer.send(frames.ack(value + len(body), value + len(body), value + len(body) + frames.EDGE))
            if kind == PING:
                peer.send(frames.frame(PONG, value))


@attack("told-addresses")
def told_addresses(_):
    """With --multihome a client goes to no address of its own machine that a listener names."""
    own = ["10.1.0.1", "10.7.7.7", "2001:db8::7"]
    told = ["127.0.0.1", "::1", "0.0.0.0", "255.255.255.255", "::127.0.0.1", *own]
    seen, numbers, heard = {}, set(), [0]
    with network.Network(1) as net:
        for words in (("addr", "add", "10.7.7.7/32", "dev", "lo"),
                      ("-6", "addr", "add", "2001:db8::7/128", "dev", "lo", "nodad")):
            net.ip(0, "ip", *words)
        start_thread(trap, net, seen)
        start_thread(lure, net, told, numbers, heard)
        wait_for("the trap listens", lambda: f":{PORT} " in net.ip(0, "ss", "-Hltn").stdout)
        wait_for("the lure listens", lambda: f":{PORT} " in net.ip(1, "ss", "-Hltn").stdout)
        with open("/dev/zero") as zero, \
                Program("-v", "--rate", "1M", "--multihome", "10.1.0.2", PORT, stdin=zero, inside=net.enter(0)) as it:
            wait_for("the session goes on for a while", lambda: heard[0] > 8 << 20)
            expect(it.alive(), it.last())
    reached = {at: len(said) for at, said in seen.items()}
    expect(not reached, f"it connects to its own machine: {reached}")
    return f"{len(told)} addresses told, none reached"
