# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls and memory that fail at random: the program may give up, but never lies, hangs or crashes."""
import concurrent.futures
import os
import socket
from random import Random

from attacks import attack
from attacks.sessions import echo
from program import (Failed, Program, Skipped, expect, expect_served, free_port, is_listening, listener, sanitized, 
                     server, start_thread, transfer, wait_for)

CALLS = ("accept4 bind connect epoll_create1 epoll_ctl epoll_wait eventfd fcntl64 fdatasync fstat64 ftruncate64 "
         "getpeername getrandom getsockname getsockopt ioctl listen lseek64 memfd_create open64 openat64 pidfd_open "
         "pipe2 poll posix_spawnp pread64 pthread_create read recv recvmsg send sendmsg sendto setrlimit64 setsockopt "
         "shutdown signalfd socket stat64 uname waitid write").split()
LIMITS = ("--reconnect", "3", "--idle-timeout", "8")
HANGS_S = 60


def helper(name):
    """Where the build has put a library."""
    where = os.environ.get("HOSTILE_HELPERS", os.path.join(os.path.dirname(Program.path), "test/hostile"))
    path = os.path.join(os.path.abspath(where), name + ".so")
    if not os.path.exists(path):
        raise Skipped(f"there is no {path}")
    return path


def failing_calls(random):
    """An environment in which some calls fail."""
    some = ["all"] if random.random() < 0.3 else random.sample(CALLS, random.choice((1, 1, 1, 3)))
    return broken(" ".join(some), random.choice((3, 10, 30, 100)), random.getrandbits(32))


def broken(calls, one_in, seed):
    # Who gives up may leave it to the kernel to free what it had.
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"
    return {"LD_PRELOAD": helper("failing-calls"), "ASAN_OPTIONS": asan.strip(":"),
            "MPNC_FAIL": f"{seed} {one_in} {calls}"}


class Stage:
    """What the scenes share: some bytes, a key, files of their own, and which of two ends suffers."""

    def __init__(self, number, random, size=None):
        self.number, self.random = number, random
        self.stream = random.randbytes(random.choice((0, 1000, 300000, 2000000)) if size is None else size)
        self.hurt = [failing_calls(random), {}]
        random.shuffle(self.hurt)
        if random.random() < 0.2:
            self.hurt = [failing_calls(random), failing_calls(random)]
        with open(self.file("in"), "wb") as f:
            f.write(self.stream)

    def file(self, name):
        return os.path.abspath(f"{self.number}.{name}")

    def got(self, name):
        with open(self.file(name), "rb") as f:
            return f.read()

    def ended(self, program):
        """Its status, which is one of its own."""
        status = program.wait(HANGS_S)
        program.expect_clean()
        expect(0 <= status < 128, f"status {status}: {program.last()}")
        return status

    @staticmethod
    def listens(program, port):
        """Or did it give up before? What it says may be lost."""
        wait_for("it listens, or ends", lambda: is_listening(port) or not program.alive())
        return program.alive()

    def exchange(self, listens, connects, complete):
        """A listener and a client; complete(): is all there that a status of 0 vouches for?"""
        port, status = free_port(), []
        listens, connects = ([port if word == "PORT" else word for word in words] for words in (listens, connects))
        with open(self.file("in"), "rb") as source, open(self.file("out"), "wb") as sink, \
                Program(*listens, env=self.hurt[0], stdout=sink) as rx:
            if self.listens(rx, port):
                with Program(*connects, env=self.hurt[1], stdin=source) as tx:
                    status.append(self.ended(tx))
                if status[0] and rx.alive() and not self.served(rx):
                    rx.kill()
                    return status
            status.append(self.ended(rx))
        expect(all(status) or complete(), f"complete, it says, and it is not: {status}")
        return status

    @staticmethod
    def served(rx):
        """Has a listener had a session? If not it may wait for ever, and rightly."""
        return "subflow" in rx.said() or "offset" in rx.said()

    def same(self):
        return self.got("out") == self.stream


def scene_stream(stage, *security):
    subflows = stage.random.choice("124")
    return stage.exchange(("-l", "-v", *LIMITS, *security, "127.0.0.1", "PORT"),
                          ("-P", subflows, *LIMITS, *security, "127.0.0.1", "PORT"), stage.same)


def scene_key(stage):
    threads = stage.random.choice("02")
    return scene_stream(stage, "--key", KEY, "--threads", threads)


def scene_command(stage):
    out = stage.file("out2")
    # What is there must be all of it only if the ends say so, and the command was run at all.
    return stage.exchange(("-l", "-v", *LIMITS, "-c", f"cat >{out}", "127.0.0.1", "PORT"),
                          (*LIMITS, "-c", f"cat {stage.file('in')}", "127.0.0.1", "PORT"),
                          lambda: stage.got("out2") == stage.stream)


def scene_verbs(stage):
    out = stage.file("out2")
    return stage.exchange(("recv", "-l", "-v", *LIMITS, "127.0.0.1", "PORT", "--", "sh", "-c", f"cat >{out}"),
                          ("send", *LIMITS, "127.0.0.1", "PORT", "--", "cat", stage.file("in")),
                          lambda: stage.got("out2") == stage.stream)


def scene_bench(stage):
    return stage.exchange(("bench", "-l", "-1", "-v", "127.0.0.1", "PORT"),
                          ("bench", "-t", "300ms", "--reconnect", "3", "-w", "8", "127.0.0.1", "PORT"), lambda: True)


def scene_genkey(stage):
    path = stage.file("key")
    with Program("genkey", path, env=stage.hurt[0]) as it:
        status = stage.ended(it)
    if status == 0:
        expect(len(stage.got("key").strip()) >= 43 and os.stat(path).st_mode & 0o777 == 0o600, "no key, yet status 0")
    return [status]


def scene_look(stage):
    """Verbs that only look."""
    ends = []
    with listener("-k") as it:
        for words in (("-z", "-v", "127.0.0.1"), ("--plan", "127.0.0.1"), ("doctor", "-w", "5", "127.0.0.1")):
            with Program(*words, it.port, env=failing_calls(stage.random)) as looks:
                ends.append(stage.ended(looks))
        it.expect_sound()
    for words in (("status", ), ("status", "--json"), ("explain", "10.0.0.1", "-p", "1")):
        with Program(*words, env=failing_calls(stage.random)) as looks:
            ends.append(stage.ended(looks))
    return ends


def scene_relay(stage):
    """A relay may fail a connection, but what it carries is what was sent."""
    sink, at = server()
    start_thread(echo, sink)
    ports = free_port(), free_port()
    far_words = ("-l", "-v", *LIMITS, "127.0.0.1", ports[0], "--to", f"127.0.0.1:{at}")
    near_words = ("-v", *LIMITS, f"127.0.0.1:{ports[1]}", "127.0.0.1", ports[0])
    with Program("relay", *far_words, env=stage.hurt[0]) as far, \
            Program("relay", *near_words, env=stage.hurt[1]) as near:
        if stage.listens(far, ports[0]) and stage.listens(near, ports[1]):
            for _ in range(3):
                carry_some(ports[1], stage.stream[:300000])
        for side in (near, far):
            side.expect_clean()
    sink.close()
    return []


def carry_some(port, stream):
    try:
        with socket.create_connection(("127.0.0.1", port), 15) as sock:
            sock.sendall(stream)
            sock.shutdown(socket.SHUT_WR)
            back = b""
            while got := sock.recv(1 << 16):
                back += got
            # It cannot say "incomplete" but by a reset, which a receiver that has left need not see.
            expect(stream.startswith(back), "the relay has changed what it carried")
    except TimeoutError:
        raise Failed("a connection of the relay hangs") from None
    except OSError:
        pass


@attack("blind-ends", asan=True)
def blind_ends(context):
    """No fstat: an input is not taken for empty. No open: a command hears the end of its input."""
    cases = ((scene_stream, {}, "fstat64"), (scene_command, {}, "fstat64"), (scene_command, "fstat64", {}),
             (scene_command, "open64", {}), (scene_verbs, "open64", {}), (scene_verbs, {}, "open64"))
    said = []
    for i, (scene, *hurt) in enumerate(cases):
        stage = Stage(i, context.random, size=300000)
        stage.hurt = [broken(call, 1, 0) if call else {} for call in hurt]
        said.append(str(scene(stage)))
    return " ".join(said)


KEY = "key"
SCENES = (scene_stream, scene_stream, scene_key, scene_command, scene_verbs, scene_bench, scene_genkey, scene_look,
          scene_relay)


def play(number, seed):
    random = Random(seed)
    scene = SCENES[number % len(SCENES)]
    stage = Stage(number, random)
    try:
        return scene(stage)
    except Failed as why:
        raise Failed(f"{scene.__name__}, seed {seed}, with {[h.get('MPNC_FAIL') for h in stage.hurt]}: {why}") from None


@attack("failing-calls", asan=True)
def attack_calls(context):
    """Every verb with system calls that fail."""
    helper("failing-calls")
    global KEY
    KEY = os.path.abspath("key")
    with Program("genkey", KEY) as it:
        expect(it.wait() == 0, "no key")
    n, ends, broken = context.times(36, 4500), {}, []
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for result in [pool.submit(play, i, context.random.getrandbits(32)) for i in range(n)]:
            try:
                for status in result.result():
                    ends[status] = ends.get(status, 0) + 1
            except Failed as why:
                broken.append(str(why))
    expect(not broken, f"{len(broken)} of {n}:\n  " + "\n  ".join(broken[:20]))
    return f"{n} scenes; programs ended with " + ", ".join(f"{s}: {k}" for s, k in sorted(ends.items()))


@attack("failing-memory")
def attack_memory(context):
    """A listener whose memory fails serves on; clients end with a documented status."""
    if sanitized():
        raise Skipped("the program has sanitizers, and with them another allocator")
    n, ends = context.times(25, 300), {}
    env = {"LD_PRELOAD": helper("failing-malloc"), "MPNC_FAIL_MALLOC": f"{context.random.getrandbits(32)} 12 150"}
    with listener("-k", "--reconnect", "1", env=env) as victim:
        for i in range(n):
            status, _ = transfer(victim.port, b"y" * 100000, "--reconnect", "1", "-w", "5")
            ends[status] = ends.get(status, 0) + 1
            victim.expect_sound()
    for i in range(n // 4):
        with listener("--reconnect", "1") as rx:
            env["MPNC_FAIL_MALLOC"] = f"{context.random.getrandbits(32)} 30 {context.random.randrange(60)}"
            status, said = transfer(rx.port, b"y" * 100000, "--reconnect", "1", "-w", "5", env=env)
            expect(0 <= status < 128, f"a client ended with {status}: {said}")
    with listener("-k") as calm:
        expect_served(calm.port)
    return f"{n} transfers, clients ended with " + ", ".join(f"{s}: {k}" for s, k in sorted(ends.items()))
