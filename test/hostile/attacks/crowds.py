# SPDX-License-Identifier: GPL-2.0-or-later
"""Crowds of strangers: what they cost, and whether anybody else is served meanwhile."""
import contextlib
import os
import socket
import statistics
import subprocess
import tempfile
import time

import frames
import tls
from attacks import attack
from frames import WELCOME, Peer
from network import Network
from program import (Program, expect, expect_served, listener, start_thread, transfer, wait_for)

IPV6_FREEBIND = 78
ALLOWED_GROUPS = ("X25519", "P-256", "P-384")
QUESTION = frames.PREFACE + frames.hello(frames.QUERY)
ASKERS = 8  # at once
QUESTION_MS = 0.5  # of the processor, on a host with many interfaces
TURNS = 3  # with the crowd and without
RATE_LEFT = 0.9  # of a transfer's rate, beside any crowd


class Flood:
    """Connections at a rate; each says something, and the last `kept` stay open."""

    def __init__(self, address, rate, say=b"", kept=400, source=None, where=None, hear=False):
        self.address, self.rate, self.say, self.kept, self.source, self.hear = address, rate, say, kept, source, hear
        self.n, self.answered, self.stopped = 0, 0, False
        start_thread(self.work, where)

    def work(self, where):
        if where:
            where()
        begin, open_ones = time.monotonic(), []
        while not self.stopped:
            while self.n < (time.monotonic() - begin) * self.rate and not self.stopped:
                self.n += 1
                try:
                    open_ones.append(self.connect())
                except OSError:
                    continue
                if len(open_ones) > self.kept:
                    open_ones.pop(0).close()
            time.sleep(0.001)

    def connect(self):
        sock = socket.create_connection(self.address, 2, self.source and (self.source, 0))
        sock.sendall(self.say)
        if self.hear:
            self.answered += bool(sock.recv(4096))
        return sock

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped = True


def key_file():
    path = os.path.abspath("key")
    if not os.path.exists(path):
        with Program("genkey", path) as it:
            expect(it.wait() == 0, "no key")
    return path


@attack("crowding-out")
def crowding_out(_):
    """A thousand silent connections of one source push out nobody of another, with TLS or without."""
    for options in ((), ("--key", key_file())):
        with listener("-k", *options) as victim:
            early = [socket.create_connection(("127.0.0.1", victim.port), 10, ("127.0.0.2", 0)) for _ in range(3)]
            crowd = [socket.create_connection(("127.0.0.1", victim.port), 10) for _ in range(1000)]
            expect_served(victim.port, *options, "-s", "127.0.0.3")
            if not options:
                answer = Peer(sock=early[0]).open(frames.hello())
                expect(answer[0] == WELCOME, f"the answer is {answer[0]}")
            for sock in early[1:]:
                sock.setblocking(False)
                expect(not is_closed(sock), "a connection of another source was pushed out")
            for sock in crowd + early:
                sock.close()
    return "1000 connections; all of other sources kept their places"


@attack("crowding-out-ipv6")
def crowding_out_ipv6(context):
    """Connections from a thousand addresses of one network of 64 bits push out nobody of another."""
    for words in ("route add local fd00:1::/64 dev lo", "addr add fd00:2::1/128 dev lo nodad",
                  "addr add fd00:2::2/128 dev lo nodad"):
        subprocess.run(["ip", "-6", *words.split()], check=True)
    with Program("-l", "-v", "-k", "fd00:2::1", 0).wait_port() as victim:
        here = "fd00:2::1", victim.port
        early = [socket.create_connection(here, 10, ("fd00:2::2", 0)) for _ in range(3)]
        crowd = []
        for _ in range(1000):
            sock = socket.socket(socket.AF_INET6)
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)  # the host has these addresses by a route alone
            sock.bind((f"fd00:1:0:0:{context.random.randrange(1, 1 << 16):x}::{context.random.randrange(1 << 16):x}", 0))
            sock.connect(here)
            crowd.append(sock)
        expect(Peer(sock=early[0]).open(frames.hello())[0] == WELCOME, "an early connection is not served")
        for sock in early[1:]:
            sock.setblocking(False)
            expect(not is_closed(sock), "a connection of another network was pushed out")
    return f"{len(crowd)} connections; the other network kept its places"


def is_closed(sock):
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True


@attack("crowding-out-rates", quick=False)
def crowding_out_rates(_):
    """The same at rates, over a way of 100 ms: five clients with a key are served."""
    figures, key = [], key_file()
    for rate in (1000, 2500, 5000):
        with Network(1, delay=0.05) as net, \
                Program("-l", "-v", "-k", "--key", key, "0.0.0.0", 0, inside=net.enter(1)).wait_port() as victim, \
                Flood(("10.1.0.2", victim.port), rate, where=net.enter(1)) as flood:
            time.sleep(1)
            served = sum(transfer(victim.port, b"x" * 100000, "--key", key, "-w", "15", host="10.1.0.2", patient=False,
                                  inside=net.enter(0))[0] == 0 for _ in range(5))
            expect(served == 5, f"{served} of 5 clients served beside {rate} connections a second")
            figures.append(f"{rate}/s ({flood.n} made)")
    return "5 of 5 clients served at " + ", ".join(figures)


@attack("tls-groups")
def tls_groups(_):
    """A stranger chooses no key exchange that costs a listener more than a signature."""
    options = tls.Authority().certificate("server")
    costs, wrong = [], []
    for group in tls.GROUPS:
        with listener("-k", *options) as victim:
            begin, n = victim.cpu(), 10
            for _ in range(n):
                with socket.create_connection(("127.0.0.1", victim.port), 30) as sock:
                    sock.sendall(tls.client_hello(group))
                    answer = sock.recv(4096)
            costs.append(f"{group} {(victim.cpu() - begin) * 1000 / n:.1f}")
            if tls.exchanged(answer) != (group in ALLOWED_GROUPS):
                wrong.append(f"{'no keys' if group in ALLOWED_GROUPS else 'keys'} exchanged by {group}")
    expect(not wrong, f"{', '.join(wrong)}; ms each: {', '.join(costs)}")
    return "ms of processor each: " + ", ".join(costs)


def took_beside(say, rate, server_options, client_options, size_mib=200):
    """Seconds that a transfer at 100 MiB/s takes beside a flood."""
    with listener("--reconnect", "5", *server_options) as victim, tempfile.TemporaryFile() as stream:
        stream.truncate(size_mib << 20)
        with Program("--rate", "100M", *client_options, "127.0.0.1", victim.port, stdin=stream) as client, \
                Flood(("127.0.0.1", victim.port), rate, say, kept=100):
            begin = time.monotonic()
            status = client.wait(120)
            took = time.monotonic() - begin
            expect(status == 0, f"the transfer ended with {status}: {client.last()}")
            return took


@attack("tls-flood", quick=False)
def tls_flood(_):
    """First messages of TLS, sent again and again, leave a transfer nine tenths of its rate."""
    authority, figures, slow = tls.Authority(), [], []
    client = (*authority.certificate("client"), "--name", "localhost")
    kinds = (("EC", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), ("ffdhe8192", "P-384", "X25519"), (10, 500)),
             ("RSA-4096", ("rsa:4096", ), ("X25519", ), (200, )))
    for name, key, groups, rates in kinds:
        server = authority.certificate("server-" + name, key=key)
        for group in groups:
            for rate in rates:
                hello = tls.client_hello(group)
                left = statistics.median(took_beside(b"", 0, server, client) / took_beside(hello, rate, server, client)
                                         for _ in range(TURNS))
                figures.append(f"{name} {group} {rate}/s: {left:.2f}")
                slow += figures[-1:] if left < RATE_LEFT else []
    expect(not slow, "rate left: " + ", ".join(slow))
    return "rate left: " + ", ".join(figures)


@attack("busy-clock")
def busy_clock(_):
    """Time passes for a listener that strangers keep busy with exchanges of keys."""
    options = tls.Authority().certificate("server")
    with listener("-w", "3", *options) as victim, \
            Flood(("127.0.0.1", victim.port), 60, tls.client_hello("ffdhe8192"), kept=200):
        begin = time.monotonic()
        expect(victim.wait(60) == 1, f"status {victim.child.returncode}")
        return f"-w 3 ended it after {time.monotonic() - begin:.1f} s"


@attack("questions")
def questions(context):
    """Every question is answered, and a transfer goes on beside."""
    n = context.times(300, 3000)
    with listener("-k") as victim:
        for i in range(n):
            answer = Peer(victim.port).open(frames.hello(frames.QUERY))
            expect(answer[0] == WELCOME, f"the answer to question {i} is {answer[0]}")
        expect_served(victim.port)
        victim.expect_sound()
    return f"{n} answered"


@attack("questions-cost", quick=False)
def questions_cost(_):
    """On a host with 400 interfaces, those who ask at once share one look at them."""
    batch = "".join(f"link add a{i} type veth peer name b{i}\nlink set a{i} up\n" for i in range(200))
    seconds = 4
    with Network(1) as net:
        subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True, preexec_fn=net.enter(1))
        with Program("-l", "-v", "-k", "0.0.0.0", 0, inside=net.enter(1)).wait_port() as victim, \
                contextlib.ExitStack() as stack:
            floods = [stack.enter_context(Flood(("10.1.0.2", victim.port), 1000, QUESTION, kept=0, where=net.enter(0),
                                                hear=True)) for _ in range(ASKERS)]
            begin = victim.cpu()
            time.sleep(seconds)
            cost, n = victim.cpu() - begin, sum(flood.answered for flood in floods)
            victim.expect_sound()
    said = (f"{n / seconds:.0f} questions a second: {cost * 1000 / n:.2f} ms of processor each, "
            f"{cost / seconds:.0%} of one")
    expect(cost * 1000 / n < QUESTION_MS, said)
    return said


@attack("few-descriptors")
def few_descriptors(_):
    """With few descriptors and 200 silent connections, everybody is served."""
    for limit in (16, 24, 32, 64):
        words = f"ulimit -n {limit} && exec \"$0\" \"$@\""
        with Program("-c", words, Program.path, "-l", "-v", "-k", "127.0.0.1", 0, path="/bin/bash") as victim:
            victim.wait_port()
            crowd = [socket.create_connection(("127.0.0.1", victim.port), 10) for _ in range(200)]
            for _ in range(3):
                expect_served(victim.port, "-P", "2")
            victim.expect_sound()
            for sock in crowd:
                sock.close()
    return "limits of 16 to 64: all served"


@attack("trickle")
def trickle(_):
    """A stranger that says HELLO byte for byte loses its place after some seconds, and holds up nobody."""
    with listener("-k") as victim, socket.create_connection(("127.0.0.1", victim.port)) as sock:
        said = iter(frames.PREFACE + frames.hello())
        sock.setblocking(False)

        def dropped():
            try:
                sock.send(bytes([next(said, 0)]))
                time.sleep(0.2)
                return is_closed(sock)
            except OSError:
                return True

        expect_served(victim.port)
        wait_for("the stranger is dropped", dropped)
        victim.expect_sound()
