# SPDX-License-Identifier: GPL-2.0-or-later
"""Real sessions between real programs, whose frames are changed on the way."""
import concurrent.futures
import os
import socket
import struct
from random import Random

import frames
from attacks import attack
from attacks.sessions import any_frame, number
from frames import CONFIRM, DATA, HELLO, Closed, Peer
from program import Failed, Program, expect, listener, server, start_thread


class Changer:
    """Passes connections to a port on, and changes some of the frames, whose checks are right again then.

    It makes no CONFIRM, and leaves the kind of a HELLO alone: nobody without a key can tell a peer that lies about
    what it has from one that has it."""

    def __init__(self, port, random, n_changes):
        self.port, self.random, self.left = port, random, n_changes
        self.of_data = random.choice((0.02, 0.3))
        self.sock, self.at = server()
        start_thread(self.accept)

    def accept(self):
        while True:
            try:
                client, _ = self.sock.accept()
                there = socket.create_connection(("127.0.0.1", self.port))
            except OSError:
                return
            for way in ((client, there), (there, client)):
                start_thread(self.carry, *way)

    def carry(self, source, sink):
        peer = Peer(sock=source, timeout=120)
        try:
            sink.sendall(peer.bytes(len(frames.PREFACE)))
            while True:
                head = peer.bytes(frames.HEAD_LEN)
                kind, _, _, length, value, _ = struct.unpack(">BBHIQQ", head)
                body = peer.bytes(length)
                if self.left > 0 and self.random.random() < (self.of_data if kind == DATA else 0.2):
                    self.left -= 1
                    sink.sendall(self.changed(kind, value, body))
                else:
                    sink.sendall(head + body)
        except (OSError, Closed):
            for sock in (source, sink):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def changed(self, kind, value, body):
        random, same = self.random, frames.frame(kind, value, body)
        how = random.choice((*range(7), 3, 3, 3)) if kind == DATA else random.randrange(7)
        if how == 0:
            return b""
        if how == 1:
            return same + same
        if how == 2:
            flipped = value ^ 1 << random.randrange(64)
            return frames.frame(kind, random.choice((value + 1, value - 1, flipped, number(random))), body)
        if how == 3 and body:
            spoilt = bytearray(body)
            at = random.randrange(len(body))
            spoilt[at] ^= 1 << random.randrange(8)
            if kind == HELLO:
                spoilt[8] = body[8]
            return frames.frame(kind, value, bytes(spoilt))
        if how == 4:
            cut = random.randrange(len(body) + 1)
            return frames.frame(kind, value, body[:cut] if kind != HELLO else body)
        if how == 5:
            other = any_frame(random)
            return same + (other if other[0] not in (HELLO, CONFIRM) else b"")
        other = random.randrange(2, 20)
        return frames.frame(kind if CONFIRM in (kind, other) else other, value, body)


def changed_session(seed, random):
    """Returns whether both ends said 0; what they got must be right then. seed: makes file names."""
    streams = [random.randbytes(random.choice((0, 1000, 300000, 3000000, 3000000))) for _ in range(2)]
    for side, stream in zip("ab", streams):
        with open(f"{seed}.{side}", "wb") as f:
            f.write(stream)
    limits = ("--reconnect", "3", "--idle-timeout", "6")
    with open(f"{seed}.a") as a, open(f"{seed}.b") as b, open(f"{seed}.x", "wb") as x, open(f"{seed}.y", "wb") as y, \
            listener(*limits, "-w", "30", stdin=b, stdout=y) as rx:
        changer = Changer(rx.port, random, random.randrange(1, 9))
        with Program("-P", random.choice("124"), *limits, "127.0.0.1", changer.at, stdin=a, stdout=x) as tx:
            status = [tx.wait(), rx.wait()]
            tx.expect_clean()
            rx.expect_clean()
        changer.sock.close()
    got = []
    for side in "yx":
        with open(f"{seed}.{side}", "rb") as f:
            got.append(f.read())
        os.unlink(f"{seed}.{side}")
    for end, who in enumerate(("client", "listener")):
        expect(0 <= status[end] < 128, f"the {who} ended with {status[end]}")
        expect(status[end] != 0 or got == streams, f"the {who} said complete, but the bytes are others ({status})")
    return status == [0, 0]


@attack("changed-frames", asan=True)
def changed_frames(context):
    """Real sessions with frames changed on the way: whoever says that all is complete is right."""
    n = context.times(16, 400)
    seeds = [context.random.randrange(1 << 32) for _ in range(n)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = [pool.submit(changed_session, i, Random(seed)) for i, seed in enumerate(seeds)]
        whole = 0
        for seed, result in zip(seeds, results):
            try:
                whole += result.result()
            except Failed as why:
                raise Failed(f"{why} (session of seed {seed})") from None
    return f"{n} sessions, {whole} complete in spite of it"
