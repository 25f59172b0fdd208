# SPDX-License-Identifier: GPL-2.0-or-later
"""Relays: what one stranger can make them hold, tell, or do to others; and other keys of the same directory."""
import contextlib
import os
import re
import signal
import socket
import statistics
import struct
import time

import frames
import tls
from attacks import attack
from attacks.sessions import echo
from frames import ABORT, JOIN, MEASURE, NEW, PONG, REASON_NO_SESSION, REFUSE, WELCOME, Closed, Peer
from program import Program, expect, expect_served, listener, relay, server, start_thread, wait_for

WINDOW = 64 << 20


def pour_gaps(peer, n_bytes):
    """All of a window but its first byte: nothing of it can be passed on."""
    chunk, at = bytes(frames.DATA_MAX), 1
    while at < n_bytes and peer.send(frames.data(at, chunk[:n_bytes - at])):
        at += len(chunk)


def grow_and_gap(peer, grow_bytes):
    """Moves so much, which raises the edge; then fills all of it but one byte. Returns how much that is."""
    chunk, at, taken, edge = bytes(1 << 18), 0, 0, 1 << 18
    while taken < grow_bytes:
        while at < grow_bytes and at + len(chunk) <= edge:
            peer.send(frames.data(at, chunk))
            at += len(chunk)
        taken, edge = struct.unpack(">QQ", peer.until(frames.ACK)[2][:16])
    peer.send(*(frames.data(i, chunk[:edge - i]) for i in range(at + 1, edge, len(chunk))))
    return edge - at


@attack("relay-memory")
def relay_memory(context):
    """Sessions that have grown and leave a gap hold no more than a relay's budget; others are served meanwhile."""
    sink, at = server()
    start_thread(swallow, sink)
    n, budget_mib, slack_mib = context.times(40, 200), 256, 64
    with relay("--memory", f"{budget_mib}M", "--to", f"127.0.0.1:{at}") as victim, contextlib.ExitStack() as stack:
        gaps, refused, answer = 0, 0, b""
        for _ in range(n):
            peer = Peer(victim.port)
            stack.callback(peer.close)
            try:
                peer.open(frames.hello())
                gaps += grow_and_gap(peer, 4 << 20)
            except Closed:
                refused += 1
        near = stack.enter_context(Program("relay", "-v", "-s", "127.0.0.2", "127.0.0.1:0", "127.0.0.1",
                                           victim.port).wait_port())
        with socket.create_connection(("127.0.0.1", near.port), 60) as sock:
            sock.sendall(b"real")
            with contextlib.suppress(ConnectionError):
                answer = sock.recv(4)
        expect(answer == b"real", f"an honest connection is not served: {near.last()} | {victim.last()}")
        victim.expect_sound()
        most = victim.memory("VmHWM")
        expect(most < budget_mib + slack_mib, f"{n} sessions hold {most:.0f} MiB, more than {budget_mib + slack_mib}")
        return (f"{n} sessions, {refused} of them refused, {gaps >> 20} MiB beyond gaps: {most:.0f} MiB held, "
                f"budget {budget_mib}")


def swallow(sock):
    """A target that answers what is short and takes the rest."""
    while True:
        start_thread(swallow_one, sock.accept()[0])


def swallow_one(conn):
    with contextlib.suppress(OSError):
        while got := conn.recv(1 << 20):
            if len(got) < 10:
                conn.sendall(got)


@attack("relay-unlink")
def relay_unlink(_):
    """A relay that ends leaves the socket, or file, that has its name now."""
    path = os.path.abspath("socket")
    sink, at = server()
    start_thread(swallow, sink)
    with relay("--to", f"127.0.0.1:{at}") as far, \
            Program("relay", "-v", path, "127.0.0.1", far.port) as old, \
            socket.socket(socket.AF_UNIX) as sock:
        wait_for("it listens", lambda: os.path.exists(path) and "listening on" in old.said())
        sock.connect(path)
        sock.sendall(b"here")
        expect(sock.recv(4) == b"here", "it carries nothing")
        first = os.stat(path).st_ino
        old.signal(signal.SIGTERM)
        wait_for("it takes no more", lambda: not os.path.exists(path) or not connects(path))
        with Program("relay", "-v", path, "127.0.0.1", far.port) as new:
            wait_for("its successor listens", lambda: "listening on" in new.said() and os.stat(path).st_ino != first)
            sock.close()
            expect(old.wait() == 0, "the first relay ended with another status than 0")
            expect(connects(path), "its successor has lost its socket")
            new.expect_sound()
            new.signal(signal.SIGTERM)
            expect(new.wait() == 0 and not os.path.exists(path), "a relay has left its socket")


def connects(path):
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(path)
            return True
        except OSError:
            return False


@attack("relay-neighbour")
def relay_neighbour(context):
    """A peer that keeps a relay busy with frames of every kind does not stop another's round trips."""
    n, figures = context.times(100, 2000), []
    sink, at = server()
    start_thread(echo, sink)
    ranges = [(10 + 4 * i, 12 + 4 * i) for i in range(128)]
    noises = {"ACK": frames.ack(0, 0, frames.EDGE, ranges), "PING": frames.frame(frames.PING, 1),
              "FACTS": frames.frame(frames.FACTS, 1, frames.facts(links=[(1000, b"eth0")] * 32)),
              "LANE": frames.frame(frames.LANE, 0, bytes(12)), "LINKS": frames.frame(frames.LINKS, 1, bytes(8)),
              "DATA": frames.data(5, b"again")}
    with relay("--to", f"127.0.0.1:{at}") as far, \
            Program("relay", "-v", "127.0.0.1:0", "127.0.0.1", far.port).wait_port() as near:
        for name, noise in noises.items():
            abuser = Peer(far.port)
            abuser.open(frames.hello())
            start_thread(repeat, abuser, noise * 50)
            with socket.create_connection(("127.0.0.1", near.port), 60) as sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                times = []
                for _ in range(n):
                    begin = time.monotonic()
                    sock.sendall(b"?")
                    expect(sock.recv(1) == b"?", "no answer")
                    times.append((time.monotonic() - begin) * 1000)
            abuser.close()
            figures.append(f"{name} {statistics.median(times):.2f}")
            far.expect_sound()
    return f"median of {n} round trips in ms beside a flood of " + ", ".join(figures)


def repeat(peer, said):
    start_thread(peer.listen_out, 60)
    while peer.send(said):
        pass


@attack("other-key")
def other_key(_):
    """A peer with another key of the directory cannot join, begin anew or end a session whose number it knows."""
    os.mkdir("keys", 0o700)
    for name in ("mine", "other"):
        with Program("genkey", f"keys/{name}") as it:
            expect(it.wait() == 0, "no key")
    sink, at = server()
    start_thread(echo, sink)
    for victim in (listener("-k", "--key-dir", "keys"), relay("--key-dir", "keys", "--to", f"127.0.0.1:{at}")):
        with victim:
            number = os.urandom(16)
            mine = tls.tunnel("keys/mine", victim.port)
            expect(mine.open(frames.hello(n=8, session=number), frames.data(0, b"mine", sealed=True))[0] == WELCOME,
                   "the session does not begin")
            for kind in (JOIN, NEW, MEASURE):
                other = tls.tunnel("keys/other", victim.port)
                said = other.open(frames.hello(kind, session=number), frames.notice(ABORT, 9, b"end it"))
                if kind == JOIN:
                    expect(said[0] == REFUSE and frames.reason(said) == REASON_NO_SESSION,
                           f"a join by another key is answered by {said[0]}, reason {frames.reason(said)}")
                other.close()
            mine.send(frames.data(4, b"still", sealed=True))
            while True:
                kind, value, _ = mine.until(frames.ACK)
                if value == 9:
                    break
            victim.expect_sound()


@attack("leaks")
def leaks(_):
    """A stranger hears neither where a relay's target is nor which command a listener runs."""
    sink, dead = server()
    sink.close()
    heard = []
    with relay("--to", f"db=127.0.0.1:{dead}", "--to", "x=/run/secret/inside.sock") as victim:
        for name in (b"db", b"x"):
            peer = Peer(victim.port)
            said = peer.open(frames.hello(items=frames.target(name)))
            heard.append(said if said[0] == REFUSE else peer.until(ABORT))
            victim.expect_sound()
    with listener("-k", "-e", "/opt/secret/tool --password=x") as victim:
        peer = Peer(victim.port)
        said = peer.open(frames.hello())
        heard.append(said if said[0] == ABORT else peer.until(ABORT))
    told = [said[2][4:] for said in heard]
    for text in told:
        expect(not re.search(rb"secret|password|127\.0\.0\.1|%d" % dead, text), f"it tells a stranger: {text.decode()}")
    return f"it says: {told[0].decode()!r}, {told[-1].decode()!r}"


@attack("guessed-sessions")
def guessed_sessions(context):
    """Joins with guessed numbers are refused one by one, and the session is unharmed."""
    n = context.times(300, 5000)
    with listener("-k") as victim:
        mine = Peer(victim.port)
        mine.open(frames.hello(n=8))
        for _ in range(n):
            said = Peer(victim.port).open(frames.hello(JOIN))
            expect(said[0] == REFUSE and frames.reason(said) == REASON_NO_SESSION, "a guess is not refused")
        mine.send(frames.data(0, b"mine"))
        while mine.until(frames.ACK)[1] != 4:
            pass
        victim.expect_sound()
    return f"{n} guesses"


@attack("too-many-joins")
def too_many_joins(_):
    """A session has 256 connections and no more, and little memory for them."""
    number, peers, refused = os.urandom(16), [], 0
    with listener("-k") as victim:
        for i in range(300):
            peer = Peer(victim.port)
            said = peer.open(frames.hello(JOIN if i else NEW, n=256, session=number))
            refused += said[0] == REFUSE
            peers.append(peer)
        held = victim.memory()
        expect(refused >= 300 - 256, f"only {refused} of 300 are refused")
        for peer in peers:
            peer.close()
        victim.expect_sound()
    return f"{refused} of 300 refused, {held:.0f} MiB"


@attack("measured-memory")
def measured_memory(_):
    """A stranger that measures, and leaves a gap, makes a waiting listener hold little."""
    with listener("-k") as victim:
        idle, peer = victim.memory(), Peer(victim.port)
        expect(peer.open(frames.hello(MEASURE, side=frames.SEND_ONLY))[0] == WELCOME, "no measurement")
        pour_gaps(peer, WINDOW)
        held = victim.memory("VmHWM") - idle
        victim.expect_sound()
        peer.close()
        expect_served(victim.port)
    expect(held < 24, f"{held:.0f} MiB held")
    return f"{held:.0f} MiB held"


@attack("silent-holder")
def silent_holder(_):
    """Who answers PING and does nothing else loses the listener after --idle-timeout, and the next is served."""
    with listener("-k", "--idle-timeout", "2") as victim:
        holder = Peer(victim.port)
        holder.open(frames.hello())
        start_thread(answer_pings, holder)
        expect_served(victim.port, "-w", "30")
        victim.expect_sound()


def answer_pings(peer):
    with contextlib.suppress(Closed, OSError):
        while True:
            _, value, _ = peer.until(frames.PING)
            peer.send(frames.frame(PONG, value))
