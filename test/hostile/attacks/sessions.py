# SPDX-License-Identifier: GPL-2.0-or-later
"""Peers that speak the protocol and mean harm: sessions given up, and frames in any order."""
import socket
import struct

import frames
from attacks import attack
from frames import ABORT, DATA, HELLO, NEW, PONG, REASON_SIGNAL, WELCOME, Closed, Peer
from program import Program, expect, expect_served, listener, relay, server, start_thread

EDGE_VALUES = (0, 1, 2, 255, 4095, 4096, 4097, 65535, 262143, 262144, 262145, (1 << 20) - 1, 1 << 20, (1 << 20) + 1,
               frames.EDGE, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, frames.U64_MAX - 1, frames.U64_MAX)


def give_up(port):
    """A session that is ended by its client as soon as it has begun."""
    try:
        peer = Peer(port)
        peer.open(frames.hello())
        peer.send(frames.notice(ABORT, REASON_SIGNAL, b"bye"))
        peer.listen_out(10)
        peer.close()
    except (Closed, OSError):
        pass


@attack("giving-up")
def giving_up(context):
    """A listener serves on, however many clients of a command have given up."""
    n = context.times(60, 1000)
    commands = (("-l", "-c", "cat"), ("-l", "-e", "cat"), ("recv", "-l", "--", "sh", "-c", "cat >/dev/null"))
    for command in commands:
        verb, rest = ((), command) if command[0] == "-l" else (command[:1], command[1:])
        cut = rest.index("--") if "--" in rest else len(rest)
        with Program(*verb, *rest[:cut], "-k", "-v", "127.0.0.1", 0, *rest[cut:]).wait_port() as victim:
            for i in range(n):
                give_up(victim.port)
                expect(victim.alive(), f"{' '.join(command)} ended after {i + 1} sessions: {victim.last()}")
            expect_served(victim.port)
            victim.expect_sound()
    return f"{n} sessions given up, with each of {len(commands)} commands"


# Frames in any order ----------------------------------------------------------------------------------------


def number(random):
    value = random.choice(EDGE_VALUES)
    return value if random.random() < 0.7 else random.randrange(1 << random.randrange(1, 64))


def any_ack(random):
    ranges, at = [], number(random) % (1 << 40)
    for _ in range(random.choice((0, 0, 1, 2, 128))):
        begin = at + random.randrange(3)
        at = begin + random.randrange(1 << random.randrange(1, 24))
        ranges.append((begin, at))
    return frames.ack(number(random), number(random), number(random), ranges)


def any_items(random):
    links = [(random.choice((0, 1, 1000, 2**32 - 1)), random.randbytes(random.randrange(16)))
             for _ in range(random.choice((0, 1, 2, 31, 32, 33, 255)))]
    return random.choice((b"", frames.item(1, random.randbytes(random.randrange(80))),
                          frames.item(2, random.randbytes(36)),
                          frames.facts(random.randrange(6), random.randrange(256), random.randrange(256),
                                       random.randrange(256), random.randrange(9), random.randrange(256), links),
                          frames.addresses(["10.0.0.1", "::1"] * random.randrange(5)), frames.target(b"x"),
                          frames.target(b""), frames.item(random.randrange(1 << 16), b"?"), b"\0\1\xff\xff"))


def any_frame(random):
    """A frame with a right check, and a header that is right mostly."""
    kind = random.randrange(17)
    if kind == HELLO:
        return frames.hello(random.randrange(6), random.randrange(9), random.choice((0, 1, 8, 256, 65535)),
                            edge=number(random), items=any_items(random),
                            versions=random.choice(((1, 1), (1, 9), (2, 1))))
    if kind == WELCOME:
        return frames.welcome(random.randrange(9), random.randrange(300), number(random), any_items(random),
                              random.choice((0, 1, 1, 2)))
    if kind == DATA:
        return frames.data(number(random), bytes(random.choice((1, 2, 1000, 65536, frames.DATA_MAX))))
    if kind == frames.ACK:
        return any_ack(random)
    body = random.choice((b"", random.randbytes(random.randrange(64)), random.randbytes(frames.BODY_MAX),
                          random.randbytes(frames.BODY_MAX + 1), any_items(random)))
    length = None if random.random() < 0.95 else random.choice(EDGE_VALUES) & (2**32 - 1)
    return frames.frame(random.choice((kind, kind, kind, random.randrange(256))), number(random), body[:5000], length)


def sane_frame(random, at):
    """What a peer might send in a session after its first `at` bytes."""
    body = bytes(random.randrange(1, 5000))
    return random.choice((frames.data(at, body), frames.data(at + len(body), body), frames.frame(PONG, number(random)),
                          frames.frame(frames.PING, number(random)), frames.ack(at, at, frames.EDGE),
                          frames.end(bytes(at)), frames.frame(frames.CONFIRM, 0), frames.frame(frames.DONE),
                          frames.frame(frames.STOP, at), frames.frame(frames.DRAIN),
                          frames.frame(frames.FACTS, number(random), any_items(random)),
                          frames.frame(frames.LANE, 0, random.randbytes(12)),
                          frames.frame(frames.LINKS, number(random), struct.pack(">II", 2, 0) + random.randbytes(32))))


def confuse(peer, random):
    """Up to 40 frames on a connection that stands; the peer may close it at any time."""
    for _ in range(random.randrange(1, 40)):
        said = sane_frame(random, random.choice((0, 1, 4096))) if random.random() < 0.6 else any_frame(random)
        if not peer.send(said):
            break
    if random.random() < 0.5:
        peer.listen_out(0.05)
    (peer.reset if random.random() < 0.5 else peer.close)()


def confuse_server(port, random):
    """One session, of one or more connections."""
    session = random.randbytes(16)
    for i in range(random.choice((1, 1, 1, 3))):
        try:
            peer = Peer(port, timeout=2)
            if random.random() < 0.9:
                kind = NEW if i == 0 else frames.JOIN
                peer.send(frames.PREFACE, frames.hello(kind, random.choice((0, 0, 1, 2, 4)), 8, session,
                                                       items=random.choice((b"", any_items(random)))))
            confuse(peer, random)
        except (OSError, Closed):
            pass


@attack("chaos-listener", asan=True)
def chaos_listener(context):
    """Frames in any order, with boundary values, against a listener; then it serves."""
    n = context.times(60, 1000)
    with listener("-k", "--reconnect", "0") as victim:
        for _ in range(n):
            confuse_server(victim.port, context.random)
            victim.expect_sound()
        expect_served(victim.port)
        victim.expect_sound()
        return f"{n} sessions, then a real one; {victim.memory('VmHWM'):.0f} MiB at most"


@attack("chaos-relay", asan=True)
def chaos_relay(context):
    """The same against the far side of a relay."""
    n = context.times(100, 1500)
    sink, at = server()
    start_thread(echo, sink)
    with relay("--to", f"127.0.0.1:{at}", "--reconnect", "0") as victim:
        for _ in range(n):
            confuse_server(victim.port, context.random)
            victim.expect_sound()
        with Program("relay", "-v", "127.0.0.1:0", "127.0.0.1", victim.port).wait_port() as near:
            with socket.create_connection(("127.0.0.1", near.port), 20) as sock:
                sock.sendall(b"real")
                expect(sock.recv(4) == b"real", "the relay does not carry a real connection afterwards")
        victim.expect_sound()
        return f"{n} sessions, then a real one; {victim.memory('VmHWM'):.0f} MiB at most"


def echo(sock):
    while True:
        conn, _ = sock.accept()
        start_thread(echo_one, conn)


def echo_one(conn):
    try:
        while got := conn.recv(1 << 16):
            conn.sendall(got)
    except OSError:
        pass
    conn.close()


@attack("chaos-client", asan=True)
def chaos_client(context):
    """The same against clients, which end with a documented status."""
    n, ends = context.times(12, 150), {}
    sock, port = server()
    for _ in range(n):
        options = context.random.choice(((), ("-P", "4"), ("--duplex", ), ("--multihome", )))
        with Program("--reconnect", "0", "-w", "5", *options, "127.0.0.1", port) as client:
            while client.alive():
                sock.settimeout(0.2)
                try:
                    peer = Peer(sock=sock.accept()[0], timeout=2)
                except TimeoutError:
                    continue
                if context.random.random() < 0.9:
                    peer.send(frames.PREFACE, frames.welcome(n=8, items=any_items(context.random)))
                confuse(peer, context.random)
            status = client.wait()
            client.expect_clean()
            expect(status in range(5), f"status {status}: {client.last()}")
            ends[status] = ends.get(status, 0) + 1
    return f"{n} clients, which ended with " + ", ".join(f"{s}: {k}" for s, k in sorted(ends.items()))
