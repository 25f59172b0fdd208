# SPDX-License-Identifier: GPL-2.0-or-later
"""The program under attack, and what can be seen of it from outside."""
import contextlib
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

PATIENCE = 60 * int(os.environ.get("MPNC_TEST_PATIENCE", "1"))
NEVER_SAID = re.compile(r"Sanitizer|runtime error|Assertion")


class Failed(Exception):
    """The program did what it must not."""


class Skipped(Exception):
    """This machine lacks what the attack needs."""


def expect(true, why):
    if not true:
        raise Failed(why)


def wait_for(what, true, seconds=PATIENCE):
    """Until true() is; returns what it is."""
    deadline = time.monotonic() + seconds
    while not (value := true()):
        expect(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.01)
    return value


def start_thread(work, *args):
    """It ends with the attack at the latest, or when its connection does."""

    def run():
        with contextlib.suppress(OSError, Failed):
            work(*args)

    threading.Thread(target=run, daemon=True).start()


class Program:
    """A running mpnc. said() is its standard error so far."""
    path = os.environ.get("MPNC", "")

    def __init__(self, *args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=None, inside=None, path=None):
        """inside: called in the child before the program begins, as to enter a network."""
        self.log = tempfile.TemporaryFile()
        self.child = subprocess.Popen([path or self.path, *map(str, args)], stdin=stdin, stdout=stdout,
                                      stderr=self.log, env={**os.environ, **(env or {})}, preexec_fn=inside)
        self.pid = self.child.pid
        self.port = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def said(self):
        return os.pread(self.log.fileno(), 1 << 20, 0).decode("latin-1")

    def last(self):
        return (self.said().splitlines() or ["nothing"])[-1]

    def alive(self):
        return self.child.poll() is None

    def wait(self, seconds=PATIENCE):
        """Its exit status; negative is a signal."""
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"runs still after {seconds} s; it said last: {self.last()}") from None

    def wait_port(self):
        found = wait_for("it listens", lambda: re.search(r"listening on .* port (\d+)", self.said()) or
                         not self.alive())
        expect(found is not True, f"it does not listen: {self.last()}")
        self.port = int(found[1])
        return self

    def signal(self, number):
        self.child.send_signal(number)

    def kill(self):
        if self.alive():
            self.child.kill()
        self.child.wait()

    def expect_sound(self):
        """Alive, and no sanitizer or assert has spoken."""
        self.expect_clean()
        expect(self.alive(), f"it ended with {self.child.returncode}: {self.last()}")

    def expect_clean(self):
        bad = [line for line in self.said().splitlines() if NEVER_SAID.search(line)]
        expect(not bad, bad[:3])
        expect(not self.child.poll() or self.child.returncode not in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS),
               f"signal {self.child.returncode}: {self.last()}")

    def cpu(self):
        """Seconds of processor time so far."""
        with open(f"/proc/{self.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, field="VmRSS"):
        """MiB in use; VmHWM: the most ever."""
        with open(f"/proc/{self.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith(field)) / 1024


def sanitized(path=None):
    with open(path or Program.path, "rb") as f:
        return b"__asan_init" in f.read()


def listener(*args, **how):
    return Program("-l", "-v", *args, "127.0.0.1", 0, **how).wait_port()


def relay(*args, **how):
    return Program("relay", "-v", "-l", "127.0.0.1", 0, *args, **how).wait_port()


def transfer(port, stream=b"x" * 100000, *args, host="127.0.0.1", patient=True, **how):
    """An honest client's: returns its status, and what it said. patient: it tries for a while to connect."""
    retry = ("--retry", "20") if patient else ()
    with tempfile.TemporaryFile() as source:
        source.write(stream)
        source.seek(0)
        with Program(*retry, *args, host, port, stdin=source, **how) as client:
            status = client.wait()
            client.expect_clean()
            return status, client.last()


def expect_served(port, *args, **how):
    status, said = transfer(port, b"x" * 100000, *args, **how)
    expect(status == 0, f"an honest client ended with {status}: {said}")


def server(host="127.0.0.1", backlog=512):
    """A listening socket of the attacker's, and its port."""
    sock = socket.create_server((host, 0), backlog=backlog)
    return sock, sock.getsockname()[1]


def free_port():
    """Nobody else is in the attack's network."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def is_listening(port):
    for family in ("tcp", "tcp6"):
        with open(f"/proc/net/{family}") as f:
            for line in f:
                fields = line.split()
                if fields[3] == "0A" and fields[1].endswith(f":{port:04X}"):
                    return True
    return False
