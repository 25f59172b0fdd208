# SPDX-License-Identifier: GPL-2.0-or-later
"""A bad network: two namespaces, and links between them. A link is two TUN devices, and a thread carries its packets.

    with Network(2, delay=0.025) as net:         addresses 10.1.LINK.1 on side 0, and 10.1.LINK.2 on side 1
        net.links[0].loss = 0.05
        Program(..., inside=net.enter(1))

Root, or a user namespace whose root may open /dev/net/tun. Without links it is a pair of namespaces.
"""
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import time

from program import Skipped, start_thread

libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
PROTOCOL_TCP = 6
BATCH = 64
REORDERED_S = 0.004


def namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY)


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def checksum(packet):
    if len(packet) & 1:
        packet += b"\0"
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def corrupt(packet, rng):
    """Flips a bit of what TCP carries in an IPv4 packet, and makes the checksum right again."""
    ip_len = (packet[0] & 15) * 4
    if packet[0] >> 4 != 4 or packet[9] != PROTOCOL_TCP:
        return packet
    body = ip_len + (packet[ip_len + 12] >> 4) * 4
    if len(packet) <= body:
        return packet
    packet = bytearray(packet)
    packet[rng.randrange(body, len(packet))] ^= 1 << rng.randrange(8)
    packet[ip_len + 16:ip_len + 18] = b"\0\0"
    pseudo = bytes(packet[12:20]) + struct.pack("!BBH", 0, PROTOCOL_TCP, len(packet) - ip_len)
    packet[ip_len + 16:ip_len + 18] = struct.pack("!H", checksum(pseudo + bytes(packet[ip_len:])))
    return bytes(packet)


class Link:
    """What befalls the packets both ways: parts of them (loss, double, reorder, corrupt), seconds, bytes a second."""

    def __init__(self, fds, delay=0.0, rate=0.0):
        self.fds, self.delay, self.rate = fds, delay, rate
        self.loss = self.double = self.reorder = self.corrupt = 0.0
        self.mtu, self.down = 65535, False
        self.n, self.n_corrupt = 0, 0
        self.free_at = [0.0, 0.0]


class Network:

    def __init__(self, n_links=1, mtu=1500, rng=None, **how):
        self.rng, self.stopped = rng or random.Random(1), False
        home, self.sides, fds = namespace(), [], []
        for side in (1, 2):
            if libc.unshare(CLONE_NEWNET):
                raise Skipped("this machine allows no namespaces")
            self.sides.append(namespace())
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            fds.append([self.device(i, side, mtu) for i in range(n_links)])
        enter(home)
        os.close(home)
        self.links = [Link(pair, **how) for pair in zip(*fds)]
        start_thread(self.carry)

    @staticmethod
    def device(i, side, mtu):
        try:
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        except OSError as why:
            raise Skipped(f"/dev/net/tun: {why.strerror}") from None
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", b"w%d" % i, IFF_TUN | IFF_NO_PI))
        batch = f"addr add 10.1.{i}.{side}/24 dev w{i}\nlink set w{i} mtu {mtu} txqueuelen 10000 up\n"
        subprocess.run(["ip", "-batch", "-"], input=batch, text=True, check=True)
        return fd

    def enter(self, side):
        return lambda: enter(self.sides[side])

    def ip(self, side, *words):
        return subprocess.run(words, preexec_fn=self.enter(side), capture_output=True, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped = True

    def carry(self):
        ways = {fd: (link, way) for link in self.links for way, fd in enumerate(link.fds)}
        poll, due, order = select.poll(), [], 0
        for fd in ways:
            poll.register(fd, select.POLLIN)
        while not self.stopped:
            now = time.monotonic()
            while due and due[0][0] <= now:
                _, _, fd, packet = heapq.heappop(due)
                self.put(fd, packet)
            wait_ms = min(50, max(0, (due[0][0] - now) * 1000)) if due else 50
            for fd, _ in poll.poll(wait_ms):
                link, way = ways[fd]
                for at, packet in self.take(fd, link, way):
                    order += 1
                    heapq.heappush(due, (at, order, link.fds[1 - way], packet))

    @staticmethod
    def put(fd, packet):
        try:
            os.write(fd, packet)
        except OSError:
            pass

    def take(self, fd, link, way):
        """Up to BATCH packets, with when they arrive; a lost one does not, and a doubled one does twice."""
        for _ in range(BATCH):
            try:
                packet = os.read(fd, 65536)
            except OSError:
                return
            link.n += 1
            if link.down or len(packet) > link.mtu or self.rng.random() < link.loss:
                continue
            if self.rng.random() < link.corrupt:
                packet = corrupt(packet, self.rng)
                link.n_corrupt += 1
            at = time.monotonic()
            if link.rate:
                link.free_at[way] = at = max(at, link.free_at[way]) + len(packet) / link.rate
            at += link.delay + (REORDERED_S if self.rng.random() < link.reorder else 0)
            yield at, packet
            if self.rng.random() < link.double:
                yield at, packet
