#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that give up, for the end-to-end tests.

quitters.py abort PORT N [measure]  N sessions, one after another: each greets, and says ABORT at a random
                             moment. With "measure" they are those of a bench.
quitters.py kill N PROGRAM ARG...   run PROGRAM N times, with an input without end, and end each one by
                             SIGINT at a random moment; the number of each exit status follows
quitters.py reset PORT N     N plain connections: each sends some bytes, and is reset or closed at a random
                             moment
quitters.py echo             listen, print the port, send back what comes
quitters.py late PROGRAM ARG...     run PROGRAM, a listener with -k -v on 127.0.0.1 port 0; stop its threads but
                             the first one, and give its session up: it may serve the next peer
                             only once the threads go on. Print "served"; then end it while its threads are
                             stopped again.

The first three print how many there were. "gone" says that nobody listens any more: exit status 1.
"""

import collections
import ctypes
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

PREFACE = b"mpnc/1\r\n"
HELLO, WELCOME, REFUSE, DATA, ABORT = 1, 2, 3, 4, 9
NEW, MEASURE = 0, 3
BY_SIGNAL = 9
WINDOW = 1 << 20
PATIENCE = 30 * int(os.environ.get("MPNC_TEST_PATIENCE", "1"))

XXH = ctypes.CDLL("libxxhash.so.0")
XXH.XXH3_64bits_withSeed.restype = ctypes.c_uint64
XXH.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]


def frame(kind, value, body):
    head = struct.pack(">BBHIQ", kind, 0, 0, len(body), value)
    check = XXH.XXH3_64bits_withSeed(head, len(head), 0)
    check = XXH.XXH3_64bits_withSeed(body, len(body), check)
    return head + struct.pack(">Q", check) + body


def hello(kind):
    return frame(HELLO, 0, struct.pack(">HHIBBH", 1, 1, 0, kind, 0, 1) + os.urandom(16) + struct.pack(">Q", WINDOW))


class Client:
    """A connection that has said HELLO."""

    def __init__(self, port, kind=NEW):
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.sendall(PREFACE + hello(kind))

    def read(self, n):
        got = b""
        while len(got) < n:
            more = self.sock.recv(n - len(got))
            if not more:
                raise ConnectionError("closed")
            got += more
        return got

    def welcome(self):
        """Waits for the answer, while others are served: is it WELCOME?"""
        self.read(len(PREFACE))
        while True:
            head = self.read(24)
            self.read(struct.unpack(">I", head[4:8])[0])
            if head[0] in (WELCOME, REFUSE):
                return head[0] == WELCOME

    def abort(self):
        self.sock.sendall(frame(ABORT, 0, struct.pack(">HH", BY_SIGNAL, 0) + b"gives up"))

    def drain(self):
        while self.sock.recv(1 << 16):
            pass


def give_up(rng, port, kind):
    client = Client(port, kind)
    with client.sock:
        at = 0
        if rng.random() < 0.9:
            client.welcome()
        for _ in range(rng.randrange(3)):
            body = rng.randbytes(rng.randrange(1, 20000))
            client.sock.sendall(frame(DATA, at, body))
            at += len(body)
        if rng.random() < 0.5:
            time.sleep(rng.random() * 0.005)
        client.abort()
        # To close with bytes unread would reset the connection, and ABORT would be lost.
        client.sock.shutdown(socket.SHUT_WR)
        client.drain()


def abort(port, n, kind):
    rng = random.Random(os.environ.get("SEED", "1"))
    for i in range(n):
        try:
            give_up(rng, port, kind)
        except ConnectionRefusedError:
            sys.exit(f"gone after {i}")
        except OSError:
            pass  # it closed first
    print(n)


def kill(n, words):
    rng = random.Random(os.environ.get("SEED", "1"))
    seen = collections.Counter()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    for _ in range(n):
        with open("/dev/zero") as zero:
            program = subprocess.Popen(words, stdin=zero, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(rng.random() * 0.1)
        program.send_signal(signal.SIGINT)
        said = program.communicate()[1]
        seen[program.returncode] += 1
        if b"Connection refused" in said:
            sys.exit(f"gone after {sum(seen.values())}")
    print(n, dict(seen))


def reset(port, n):
    rng = random.Random(os.environ.get("SEED", "1"))
    for i in range(n):
        try:
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
                sock.sendall(rng.randbytes(rng.randrange(1, 200000)))
                if rng.random() < 0.5:
                    time.sleep(rng.random() * 0.005)
                if rng.random() < 0.7:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except ConnectionRefusedError:
            sys.exit(f"gone after {i}")
        except OSError:
            pass  # it was reset first
    print(n)


def echo():
    def serve(sock):
        try:
            while got := sock.recv(1 << 16):
                sock.sendall(got)
        except OSError:
            pass
        sock.close()

    listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
    print(listener.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=listener.accept()[:1], daemon=True).start()


# A thread that is late ----------------------------------------------------------------------------

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WALL = 0x40000000


def ptrace(what, thread):
    if LIBC.ptrace(what, thread, None, None):
        raise OSError(ctypes.get_errno(), f"ptrace {what:#x}")


def wait_for(what, test):
    limit = time.monotonic() + PATIENCE
    while not (value := test()):
        if time.monotonic() > limit:
            sys.exit(f"not within the time given: {what}")
        time.sleep(0.02)
    return value


def stop_threads(pid):
    others = wait_for("threads", lambda: [int(t) for t in os.listdir(f"/proc/{pid}/task") if int(t) != pid])
    for thread in others:
        ptrace(SEIZE, thread)
        ptrace(INTERRUPT, thread)
        os.waitpid(thread, WALL)
    return others


class Listener:
    """The program, whose threads this process may stop, as it is its parent."""

    def __init__(self, words):
        with open("late.err", "w") as log:
            self.program = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        self.threads = []

    def said(self, pattern):
        with open("late.err") as log:
            return re.search(pattern, log.read())

    def stop_threads(self):
        pid = self.program.pid
        self.threads = wait_for("threads", lambda: [int(t) for t in os.listdir(f"/proc/{pid}/task") if int(t) != pid])
        for thread in self.threads:
            ptrace(SEIZE, thread)
            ptrace(INTERRUPT, thread)
            os.waitpid(thread, WALL)

    def release_threads(self):
        while self.threads:
            ptrace(DETACH, self.threads.pop())

    def ended(self):
        # A thread that was stopped is gone only after waitpid.
        for thread in self.threads:
            try:
                os.waitpid(thread, WALL | os.WNOHANG)
            except ChildProcessError:
                pass
        return self.program.poll() is not None

    def waits(self):
        if self.ended():
            sys.exit(f"it has ended with status {self.program.returncode}")
        return self.said("hangs: the next (peer|client) waits")

    def serve_late(self, kind):
        port = int(wait_for("it listens", lambda: self.said(r"listening on .* port (\d+)"))[1])
        first = Client(port, kind)
        first.welcome()
        self.stop_threads()
        first.abort()
        wait_for("it says that it waits", self.waits)
        second = Client(port, kind)
        wait_for("the second one waits", lambda: self.said("waits for its turn"))
        self.release_threads()
        if not second.welcome():
            sys.exit("the next one is refused")
        print("served", flush=True)
        os.truncate("late.err", 0)
        self.stop_threads()
        second.abort()
        wait_for("it says that it waits", self.waits)
        self.program.send_signal(signal.SIGTERM)
        wait_for("it ends", self.ended)
        if self.program.returncode != 143:
            sys.exit(f"exit status {self.program.returncode} instead of 143")


def late(words, kind):
    listener = Listener(words)
    try:
        listener.serve_late(kind)
    finally:
        listener.program.kill()


mode, args = sys.argv[1], sys.argv[2:]
if mode == "abort":
    abort(int(args[0]), int(args[1]), MEASURE if "measure" in args else NEW)
elif mode == "kill":
    kill(int(args[0]), args[1:])
elif mode == "reset":
    reset(int(args[0]), int(args[1]))
elif mode == "echo":
    echo()
else:
    late(args, MEASURE if "bench" in args else NEW)
