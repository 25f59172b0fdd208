# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS that is spoilt: first messages, and records of sessions that stand."""
import contextlib
import os
import socket

import tls
from attacks import attack
from program import Program, expect, expect_served, listener, server, start_thread, transfer


def spoilt(said, random):
    """One change: bits, a cut, something in between, or lengths that lie."""
    said, at = bytearray(said), random.randrange(len(said))
    how = random.randrange(6)
    if how == 0:
        for _ in range(random.choice((1, 1, 3, 30))):
            said[random.randrange(len(said))] ^= 1 << random.randrange(8)
    elif how == 1:
        del said[at:]
    elif how == 2:
        said[at:at] = random.randbytes(random.randrange(1, 300))
    elif how == 3:
        del said[at:at + random.randrange(1, 40)]
    elif how == 4:
        said[at:at + 2] = random.choice((b"\0\0", b"\xff\xff", b"\0\1", b"\x40\1"))
    else:
        said += random.choice((bytes(said), tls.record(random.randrange(20, 25), random.randbytes(50)),
                               b"\x14\3\3\0\1\1", tls.record(23, bytes(17000))))
    return bytes(said)


def first_flight(*options):
    """What our client says first."""
    sock, port = server()
    with sock, Program("--reconnect", "0", *options, "127.0.0.1", port):
        conn, _ = sock.accept()
        with conn:
            conn.settimeout(20)
            return conn.recv(1 << 16)


@attack("spoilt-hellos", asan=True)
def spoilt_hellos(context):
    """First messages of TLS with something changed, against a listener with a key and one with a certificate."""
    n = context.times(400, 5000)
    with Program("genkey", "key") as it:
        expect(it.wait() == 0, "no key")
    authority = tls.Authority()
    client = (*authority.certificate("client"), "--name", "localhost")
    cases = ((("--key", os.path.abspath("key")), ("--key", os.path.abspath("key"))),
             (authority.certificate("server"), client))
    for theirs, ours in cases:
        first = [first_flight(*ours)] + [tls.client_hello(group) for group in ("X25519", "P-256", "ffdhe2048")]
        with listener("-k", *theirs) as victim:
            for i in range(n):
                with socket.create_connection(("127.0.0.1", victim.port), 10) as sock, contextlib.suppress(OSError):
                    sock.sendall(spoilt(context.random.choice(first), context.random))
                    if i % 4 == 0:
                        sock.settimeout(0.05)
                        sock.recv(4096)
                if i % 50 == 0:
                    victim.expect_sound()
            expect_served(victim.port, *ours)
            victim.expect_sound()
    return f"{n} against each of {len(cases)} listeners"


class Spoiler:
    """Passes one connection on; from a byte on, one way, what is carried is spoilt."""

    def __init__(self, port, random):
        self.port, self.random = port, random
        self.way, self.at = random.randrange(2), int(2 ** random.uniform(0, 19))
        self.sock, self.port_here = server()
        start_thread(self.accept)

    def accept(self):
        n = 0
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.sock.accept()
                there = socket.create_connection(("127.0.0.1", self.port))
                for way, pair in enumerate(((client, there), (there, client))):
                    start_thread(self.carry, *pair, self.at if way == self.way and n == 0 else None)
                n += 1

    def carry(self, source, sink, spoil_at):
        passed = 0
        with contextlib.suppress(OSError):
            while got := source.recv(1 << 14):
                if spoil_at is not None and passed + len(got) > spoil_at:
                    got, spoil_at = spoilt(got, self.random), None
                passed += len(got)
                sink.sendall(got)
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


@attack("spoilt-records", asan=True)
def spoilt_records(context):
    """Sessions within TLS that something changes on the way: complete and right, or failed."""
    n, whole = context.times(10, 120), 0
    with Program("genkey", "key") as it:
        expect(it.wait() == 0, "no key")
    for _ in range(n):
        stream = context.random.randbytes(context.random.choice((1000, 700000)))
        threads = context.random.choice("02")
        limits = ("--reconnect", "2", "--idle-timeout", "5", "--key", "key", "--threads", threads)
        with open("out", "wb") as out, listener(*limits, "-w", "10", stdout=out) as rx:
            spoiler = Spoiler(rx.port, context.random)
            sent, said = transfer(spoiler.port_here, stream, *limits)
            got = rx.wait()
            rx.expect_clean()
            spoiler.sock.close()
        with open("out", "rb") as f:
            same = f.read() == stream
        expect(same or 0 not in (sent, got), f"complete, they say ({sent}, {got}), but the bytes are others")
        expect(0 <= sent < 128 and 0 <= got < 128, f"statuses {sent} and {got}: {said}")
        whole += sent == got == 0
    return f"{n} sessions, {whole} complete in spite of it"
