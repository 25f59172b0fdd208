# SPDX-License-Identifier: GPL-2.0-or-later
"""Files, certificates and commands: what the program takes for a key, what it says of a full disk, what it hands on."""
import contextlib
import os
import resource
import signal
import struct
import tempfile

import frames
import tls
from attacks import attack
from frames import Peer
from program import Failed, Program, expect, listener, start_thread, transfer, wait_for

NOBODY = 65534


def genkey(path):
    with Program("genkey", path) as it:
        expect(it.wait() == 0, f"genkey {path} failed")
    return os.path.abspath(path)


def refuses(*words):
    """A listener with these options ends at once, for a set-up that is wrong."""
    with Program("-l", "-v", *words, "127.0.0.1", 0) as it:
        wait_for("it ends or listens", lambda: not it.alive() or "listening on" in it.said())
        expect(not it.alive(), f"it takes {' '.join(words)}")
        expect(it.wait() == 2, f"status {it.child.returncode} for {' '.join(words)}")


@attack("key-modes")
def key_modes(_):
    """A key that others may read is refused, and one that is no key."""
    key = genkey("key")
    os.chmod(key, 0o644)
    refuses("--key", key)
    os.chmod(key, 0o600)
    with open("short", "w") as f:
        f.write("c2hvcnQ=\n")
    os.chmod("short", 0o600)
    refuses("--key", "short")
    refuses("--key", "/dev/null")
    refuses("--key", "nothing")
    with listener("-k", "--key", key) as victim:
        expect(transfer(victim.port, b"x", "--key", key)[0] == 0, "a good key is refused")
        expect(transfer(victim.port, b"x", patient=False)[0] != 0, "a client without the key is served")


@attack("key-owners")
def key_owners(_):
    """A key that another user owns is refused, and a directory of keys that others may write to."""
    genkey("key")
    os.mkdir("keys", 0o700)
    genkey("keys/one")
    with listener("--key-dir", "keys"):
        pass
    os.chmod("keys", 0o777)
    refuses("--key-dir", "keys")
    os.chmod("keys", 0o700)
    if not owns_others():
        return "owners are not tried: that needs root"
    os.chown("key", NOBODY, NOBODY)
    refuses("--key", "key")
    os.chown("keys", NOBODY, NOBODY)
    refuses("--key-dir", "keys")


def owns_others():
    with tempfile.NamedTemporaryFile() as f, contextlib.suppress(OSError):
        os.chown(f.name, NOBODY, NOBODY)
        return True
    return False


@attack("key-credentials")
def key_credentials(_):
    """A service's credential, which its user reads by an ACL and whose mode shows group bits, is taken."""
    key = genkey("key")
    user_obj, user, group_obj, mask, other = 1, 2, 4, 16, 32
    entries = ((user_obj, 4, 0xffffffff), (user, 4, os.getuid()), (group_obj, 0, 0xffffffff), (mask, 4, 0xffffffff),
               (other, 0, 0xffffffff))
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(key, "system.posix_acl_access", acl)
    except OSError as why:
        return f"not tried: this file system has no ACLs ({why.strerror})"
    with Program("-l", "-v", "--key", key, "127.0.0.1", 0, env={"CREDENTIALS_DIRECTORY": os.getcwd()}) as it:
        it.wait_port()


@attack("key-fifo")
def key_fifo(_):
    """A FIFO without a writer in place of a key or a certificate: a signal ends the program all the same."""
    os.mkfifo("fifo", 0o600)
    for words in (("--key", "fifo"), ("--cert", "fifo", "--private-key", "fifo", "--ca", "fifo")):
        with Program("-l", "-v", *words, "127.0.0.1", 0) as it:
            with contextlib.suppress(Failed):
                it.wait(0.5)
            if it.alive():
                it.signal(signal.SIGTERM)
            status = it.wait(20)
            expect(status in (2, 128 + signal.SIGTERM, -signal.SIGTERM), f"status {status}: {it.last()}")


@attack("certificate-names")
def certificate_names(_):
    """Which names of a certificate a client takes: those of its SAN, and never the subject's."""
    authority = tls.Authority()
    client = authority.certificate("client")
    # name asked for, SAN, subject: is it taken?
    cases = (("host.test", "DNS:host.test", "/CN=x", True), ("host.test", "", "/CN=host.test", False),
             ("host.test", "email:a@host.test", "/CN=host.test", False),
             ("host.test", "DNS:other.test", "/CN=host.test", False),
             ("host.in.test", "DNS:*.in.test", "/CN=x", True), ("a.host.in.test", "DNS:*.in.test", "/CN=x", False),
             ("host.in.test", "DNS:h*.in.test", "/CN=x", False), ("127.0.0.1", "IP:127.0.0.1", "/CN=x", True),
             ("127.0.0.1", "DNS:127.0.0.1", "/CN=127.0.0.1", False))
    wrong = []
    for i, (name, san, subject, taken) in enumerate(cases):
        server_options = authority.certificate(f"case{i}", san, subject=subject)
        with listener("-k", *server_options) as victim:
            status, _ = transfer(victim.port, b"x", *client, "--name", name, patient=False)
            if (status == 0) != taken:
                wrong.append(f"{name} by {san or 'no SAN'}, {subject}: {'taken' if status == 0 else 'refused'}")
    expect(not wrong, "; ".join(wrong))
    return f"{len(cases)} names"


def reader_that_leaves():
    read, write = os.pipe()
    start_thread(lambda: (os.read(read, 1000), os.close(read)))
    return write


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


@attack("outputs")
def outputs(_):
    """Output that fails: both ends say so."""
    stream, ends = os.urandom(3 << 20), []
    cases = {"full device": (os.open("/dev/full", os.O_WRONLY), None),
             "reader leaves": (reader_that_leaves(), None),
             "file too large": (os.open("small", os.O_WRONLY | os.O_CREAT), small_files),
             "read-only": (os.open("/dev/null", os.O_RDONLY), None)}
    for what, (fd, inside) in cases.items():
        with listener("--reconnect", "1", stdout=fd, inside=inside) as rx:
            sent, said = transfer(rx.port, stream, "--reconnect", "1")
            got = rx.wait()
            expect(0 < sent < 128 and 0 < got < 128, f"{what}: the ends say {sent} and {got}: {said}")
            ends.append(f"{what} {sent} {got}")
    return ", ".join(ends)


@attack("command-surroundings")
def command_surroundings(_):
    """A command has three descriptors, the limit that its listener's parent had, and variables that nobody forges."""
    soft = 512
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    look = "ls /proc/self/fd; ulimit -n; env | grep ^MPNC_; grep -E '^(SigBlk|NoNewPrivs)' /proc/self/status"
    stray = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(stray, True)
    with open("said", "wb") as out, \
            listener("-c", look, "-k", env={"MPNC_PEER_NAME": "forged", "MPNC_SESSION": "forged"}) as victim:
        with Program("--retry", "20", "127.0.0.1", victim.port, stdout=out) as client:
            expect(client.wait() == 0, client.last())
        with open("said") as f:
            said = f.read().split("\n")
        fds = [line for line in said if line.isdigit() and int(line) < 100]
        expect(len(fds) <= 4, f"descriptors: {fds}")
        expect(str(soft) in said, f"the limit of descriptors is not {soft}: {said}")
        expect("forged" not in " ".join(said), "a variable is forged")
        wait_for("no child is left", lambda: not children(victim.pid))
        victim.expect_sound()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return f.read().split()


@attack("session-number")
def session_number(_):
    """What a command learns does not let its reader join the session."""
    number = os.urandom(16)
    with listener("-k", "-c", "echo $MPNC_SESSION; cat") as victim:
        peer = Peer(victim.port)
        peer.open(frames.hello(session=number))
        told = peer.until(frames.DATA)[2]
    expect(number.hex().encode() not in told, "a command learns the number of the session")


@attack("key-not-shown")
def key_not_shown(_):
    """A program that holds a key leaves no core, and names it neither in its words nor in its messages."""
    key = genkey("key")
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, ) * 2)
    with open(key) as f:
        secret = f.read().split()[0]
    with listener("-k", "--key", key) as victim:
        expect(transfer(victim.port, b"x", "--key", key)[0] == 0, "no transfer")
        with open(f"/proc/{victim.pid}/cmdline") as f:
            expect(secret not in f.read() + victim.said(), "the key is shown")
        victim.signal(signal.SIGQUIT)
        victim.wait()
        expect(not [name for name in os.listdir() if name.startswith("core")], "a core is left")
