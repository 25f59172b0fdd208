# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS from outside: certificates, first messages of a client by key exchange, and a tunnel for a peer with a key."""
import base64
import functools
import hashlib
import hmac
import os
import socket
import struct
import subprocess

from frames import Peer

# Key exchanges that OpenSSL offers, by their numbers in TLS.
GROUPS = {"P-256": 0x17, "P-384": 0x18, "P-521": 0x19, "X25519": 0x1d, "X448": 0x1e, "ffdhe2048": 0x100,
          "ffdhe3072": 0x101, "ffdhe4096": 0x102, "ffdhe6144": 0x103, "ffdhe8192": 0x104}
RETRY_REQUEST = hashlib.sha256(b"HelloRetryRequest").digest()
RECORD_ALERT, RECORD_HANDSHAKE = 21, 22


def openssl(*words, say=b""):
    return subprocess.run(["openssl", *map(str, words)], input=say, check=True, capture_output=True).stdout


@functools.cache
def share(group):
    """A public value. Of a finite field it is 4: a square, so that it is in the subgroup that OpenSSL checks for."""
    if group.startswith("ffdhe"):
        return (4).to_bytes(int(group[5:]) // 8, "big")
    if group.startswith("X"):
        return os.urandom(32 if group == "X25519" else 56)
    bits = int(group[2:])
    key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{group}")
    return openssl("pkey", "-pubout", "-outform", "DER", say=key)[-(2 * ((bits + 7) // 8) + 1):]


def counted(n, body):
    """A vector of TLS: its length in n bytes, and itself."""
    return len(body).to_bytes(n, "big") + body


def extension(number, body):
    return struct.pack(">H", number) + counted(2, body)


def record(kind, body):
    return struct.pack(">BH", kind, 0x0301) + counted(2, body)


def client_hello(group, extra=b""):
    """The first message of a client that has a share of this group and offers no other."""
    number = struct.pack(">H", GROUPS[group])
    schemes = b"".join(struct.pack(">H", s) for s in (0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501))
    extensions = (extension(0x0a, counted(2, number)) + extension(0x0d, counted(2, schemes)) +
                  extension(0x2b, counted(1, b"\3\4")) + extension(0x2d, counted(1, b"\1")) +
                  extension(0x33, counted(2, number + counted(2, share(group)))) + extra)
    body = (b"\3\3" + os.urandom(32) + counted(1, os.urandom(32)) + counted(2, b"\x13\1\x13\3") + counted(1, b"\0") +
            counted(2, extensions))
    return record(RECORD_HANDSHAKE, b"\1" + counted(3, body))


def exchanged(answer):
    """Has the listener gone so far as to exchange keys?"""
    return len(answer) > 43 and answer[0] == RECORD_HANDSHAKE and answer[5] == 2 and answer[11:43] != RETRY_REQUEST


class Authority:
    """Makes certificates; all files are in a directory."""

    def __init__(self, where="certs"):
        self.where = os.path.abspath(where)
        os.makedirs(self.where, exist_ok=True)
        self.request("ca", ("-x509", "-days", "10"))

    def path(self, name):
        return os.path.join(self.where, name)

    def request(self, name, words, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), subject=None):
        openssl("req", *words, "-newkey", *key, "-nodes", "-utf8", "-subj", subject or f"/CN={name}",
                "-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem"))
        os.chmod(self.path(name + ".key"), 0o600)

    def certificate(self, name, names="DNS:localhost,IP:127.0.0.1", **how):
        """names: the SAN; "" for none. Returns the options of the program that use the certificate."""
        self.request(name, (), **how)
        with open(self.path("extensions"), "w") as f:
            f.write(f"subjectAltName={names}\n" if names else "basicConstraints=CA:FALSE\n")
        path, ca = self.path(name + ".pem"), self.path("ca.pem")
        openssl("x509", "-req", "-in", path, "-CA", ca, "-CAkey", self.path("ca.key"), "-CAcreateserial", "-days", 10,
                "-extfile", self.path("extensions"), "-out", path)
        return ("--cert", path, "--private-key", self.path(name + ".key"), "--ca", ca)


def tunnel(key_file, port, timeout=10):
    """A Peer within TLS that has the key: python's ssl cannot do keys yet, so openssl carries the bytes."""
    with open(key_file) as f:
        key = base64.b64decode(f.read())
    extract = hmac.new(bytes(32), key, hashlib.sha256).digest()
    identity = "mpnc-" + hmac.new(extract, b"mpnc key id 1\1", hashlib.sha256).digest()[:16].hex()
    ours, theirs = socket.socketpair()
    with theirs:
        subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3", "-psk", key.hex(),
                          "-psk_identity", identity, "-quiet", "-nbio"], stdin=theirs, stdout=theirs,
                         stderr=subprocess.DEVNULL)
    return Peer(sock=ours, timeout=timeout)
