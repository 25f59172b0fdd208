# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS handshakes of strangers beside a transfer: what they may cost, and whose is next."""
import contextlib
import select
import socket
import ssl
import subprocess
import time

import tls
from attacks import attack
from attacks.crowds import Flood
from program import Program, expect, listener, wait_for

RATE = 200  # first messages a second
COUNTED = 40  # handshakes, to know what one costs
PEERS = 10

# The budget, as in src/server/tls_budget.h: a part of the time, and a burst.
PART, BURST_S = 0.05, 0.1


class Counted(Flood):
    """A flood that counts answers, and waits for none."""

    def __init__(self, *args, **how):
        self.poll, self.unanswered = select.epoll(), {}
        super().__init__(*args, **how)

    def connect(self):
        sock = super().connect()
        sock.setblocking(False)
        self.unanswered[sock.fileno()] = sock
        self.poll.register(sock, select.EPOLLIN)
        for fd, _ in self.poll.poll(0):
            with contextlib.suppress(OSError):
                self.poll.unregister(fd)
                self.answered += tls.exchanged(self.unanswered.pop(fd).recv(4096))
        return sock


def cost_of_one(port, victim, say):
    """Processor time of a handshake, in seconds, while the listener has nothing else to do."""
    begin = victim.cpu()
    for _ in range(COUNTED):
        with socket.create_connection(("127.0.0.1", port), 30) as sock:
            sock.sendall(say)
            expect(tls.exchanged(sock.recv(4096)), "an idle listener does not answer a stranger")
    return (victim.cpu() - begin) / COUNTED


def answered_in(port, context, source):
    """Seconds until a peer with a certificate has its answer: that it does not speak the protocol."""
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), 30, (source, 0)) as sock, \
            context.wrap_socket(sock) as peer:
        peer.sendall(b"this is no HELLO, but somebody who holds a certificate\n")
        expect(peer.recv(4096), "a peer of another source is not served")
    return time.monotonic() - begin


@attack("handshakes")
def handshakes(_):
    """Strangers beside a transfer cost a listener no more than their budget; peers of other sources are served."""
    authority = tls.Authority()
    server = authority.certificate("server", key=("rsa:4096", ))
    client = (*authority.certificate("client"), "--name", "localhost")
    context = ssl.create_default_context(cafile=authority.path("ca.pem"))
    context.check_hostname = False
    context.load_cert_chain(authority.path("client.pem"), authority.path("client.key"))
    say = tls.client_hello("X25519")
    with listener("-k", *server) as victim, contextlib.ExitStack() as ends:
        cost = cost_of_one(victim.port, victim, say)
        with open("/dev/zero", "rb") as zeros, \
                Program(*client, "127.0.0.1", victim.port, stdin=zeros, stdout=subprocess.DEVNULL) as sender:
            begun = victim.cpu()
            wait_for("the transfer runs", lambda: victim.cpu() > begun + 0.2)
            flood = ends.enter_context(Counted(("127.0.0.1", victim.port), RATE, say))
            begin = time.monotonic()
            waited = [answered_in(victim.port, context, "127.0.0.2") for _ in range(PEERS)]
            while time.monotonic() - begin < 5:
                time.sleep(0.1)
            flood.stopped = True
            took = time.monotonic() - begin
            expect(sender.alive(), f"the transfer ended: {sender.last()}")
        victim.expect_sound()
    spent, budget = flood.answered * cost, BURST_S + PART * took
    figures = (f"{flood.n} strangers in {took:.1f} s, {flood.answered} answered: {spent:.2f} s of {budget:.2f}; "
               f"a peer is served in {sorted(waited)[PEERS // 2] * 1000:.0f} ms, at most {max(waited) * 1000:.0f}")
    expect(spent < 2 * budget, figures)
    return figures
