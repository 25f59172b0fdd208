# SPDX-License-Identifier: GPL-2.0-or-later
"""Bad links, and ends that stop or die: a transfer is exact with 0 at both ends, or has failed."""
import os
import signal
import time

from attacks import attack
from network import Network
from program import Program, expect, wait_for

KILLED = -signal.SIGKILL


def spoil(**how):
    """Both links are so from the beginning on."""

    def apply(net, *_):
        for link in net.links:
            for what, value in how.items():
                setattr(link, what, value)

    return apply


def one_down(net, *_):
    net.links[1].down = True


def all_down(net, *_):
    spoil(down=True)(net)
    time.sleep(4)
    spoil(down=False)(net)


def flapping(net, *_):
    for i in range(12):
        net.links[i % 2].down = True
        time.sleep(0.3)
        net.links[i % 2].down = False


def black_hole(net, *_):
    net.links[1].mtu = 600


def resets(net, *_):
    """As of a box between, whose table was emptied."""
    for _ in range(4):
        for side in (0, 1):
            net.ip(side, "ss", "-K", "dport", "gt", "1")
        time.sleep(0.3)


def stopped(which):

    def apply(_, *ends):
        ends[which].signal(signal.SIGSTOP)
        time.sleep(5)
        ends[which].signal(signal.SIGCONT)

    return apply


def killed(which):
    return lambda _, *ends: ends[which].signal(signal.SIGKILL)


# What happens, and whether the transfer must come through.
CASES = {"clean": (spoil(), True), "loss 3 %": (spoil(loss=0.03), True), "doubled 10 %": (spoil(double=0.1), True),
         "reordered 10 %": (spoil(reorder=0.1), True), "corrupt 0.1 %": (spoil(corrupt=0.001), True),
         "corrupt 2 %": (spoil(corrupt=0.02), False),
         "all of these": (spoil(loss=0.03, double=0.1, reorder=0.1, corrupt=0.001), True), "one down": (one_down, True),
         "all down": (all_down, True), "flapping": (flapping, True), "black hole": (black_hole, True),
         "resets": (resets, True), "sender stopped": (stopped(0), True), "receiver stopped": (stopped(1), True),
         "sender killed": (killed(0), False), "receiver killed": (killed(1), False)}
QUICK = ("clean", "corrupt 2 %", "one down")


def carry(case, size, options, rng):
    """Returns the statuses of both ends, and what befell the packets."""
    happens, comes_through = CASES[case]
    stream = rng.randbytes(size)
    with open("in", "wb") as f:
        f.write(stream)
    # Not before all connections stand does it happen, and then most of the stream is to come.
    with Network(2, rng=rng, delay=0.005, rate=size / 4) as net, open("in") as source, open("out", "wb") as sink, \
            Program("-l", "-v", "--reconnect", "6", "--multihome", *options, "0.0.0.0", 0, stdout=sink,
                    inside=net.enter(1)).wait_port() as rx, \
            Program("-v", "--reconnect", "6", "--retry", "5", *options, "10.1.0.2,10.1.1.2", rx.port, stdin=source,
                    inside=net.enter(0)) as tx:
        wait_for("bytes arrive", lambda: os.path.getsize("out") > 0 or not rx.alive())
        happens(net, tx, rx)
        status = [end.wait(120) for end in (tx, rx)]
        for end in (tx, rx):
            end.expect_clean()
        packets = sum(link.n for link in net.links), sum(link.n_corrupt for link in net.links)
        last = f"{tx.last()} | {rx.last()}"
    with open("out", "rb") as f:
        got = f.read()
    expect(0 not in status or got == stream, f"{case}: {status}, and the stream is not the same ({len(got)} bytes)")
    expect(stream.startswith(got), f"{case}: what arrived is not the beginning of the stream")
    expect(not comes_through or status == [0, 0], f"{case}: {status}: {last}")
    expect(all(s >= 0 or s == KILLED and "killed" in case for s in status), f"{case}: {status}")
    return status, packets


@attack("bad-links", asan=True)
def bad_links(context):
    """Transfers over two links that lose, double, reorder and corrupt, go down or have a black hole; with a key too."""
    said, key = [], os.path.abspath("key")
    with Program("genkey", key) as it:
        expect(it.wait() == 0, "no key")
    for case in QUICK if context.quick else CASES:
        for options in ((), ) if context.quick else ((), ("--key", key)):
            status, (n, n_corrupt) = carry(case, context.times(3, 12) << 20, options, context.random)
            said.append(f"{case}{' with a key' if options else ''}: {status[0]} {status[1]}, {n} packets" +
                        (f", {n_corrupt} corrupt" if n_corrupt else ""))
    return "; ".join(said)
