#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""terminal.py - terminals, and programs that have mpnc as a pipe

terminal.py record FILE COLUMNS COMMAND ARG...
    Runs the command as the foreground job of a new terminal of this width, which is its standard error:
    all that is written to the terminal goes into FILE. Ends with the command's exit status.

terminal.py starter pipe|socket SIGNAL FILE COMMAND ARG...
    Starts the command as ssh starts its ProxyCommand: in its own process group, with pipes, or one end of
    a pair of sockets, as its standard input and output. Sends it FILE's bytes, a part in each tenth of a
    second, and expects them back. Then it sends the signal, with a + until the command ends, and prints the
    command's exit status.

terminal.py echo
    Prints the port on which it gives back to all that connect what they send.
"""

import fcntl
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

PARTS = 8


def record(path, columns, command):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(columns), 0, 0))

    def own_terminal():
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell has it ignored in what runs in the background
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    with open(path, "wb", buffering=0) as out:
        child = subprocess.Popen(command, stderr=slave, preexec_fn=own_terminal)
        os.close(slave)
        while True:
            try:
                out.write(os.read(master, 65536))
            except OSError:  # nobody has the terminal any more
                return child.wait()


def start(kind, command):
    """Returns the child, and two functions: one writes all of its argument, the other one reads."""
    if kind == "pipe":
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        return child, child.stdin.write, child.stdout.read
    ours, its = socket.socketpair()
    child = subprocess.Popen(command, stdin=its, stdout=its)
    its.close()
    return child, ours.sendall, ours.recv


def starter(kind, name, path, command):
    with open(path, "rb") as f:
        data = f.read()
    child, write, read = start(kind, command)
    size = -(-len(data) // PARTS)
    for i in range(0, len(data), size):
        part, back = data[i:i + size], b""
        writer = threading.Thread(target=write, args=(part,))
        writer.start()
        while len(back) < len(part):
            more = read(65536)
            if not more:
                sys.exit("the pipe has ended early")
            back += more
        writer.join()
        if back != part:
            sys.exit("other bytes came back")
        time.sleep(0.1)
    child.send_signal(getattr(signal, name.rstrip("+")))
    while name.endswith("+") and child.poll() is None:
        child.send_signal(getattr(signal, name.rstrip("+")))
    print(child.wait())


def serve(conn):
    try:
        while data := conn.recv(65536):
            conn.sendall(data)
    except ConnectionResetError:
        pass
    conn.close()


def echo():
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1], flush=True)
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


def main():
    verb, args = sys.argv[1], sys.argv[2:]
    if verb == "record":
        sys.exit(record(args[0], args[1], args[2:]))
    elif verb == "starter":
        starter(args[0], args[1], args[2], args[3:])
    else:
        echo()


main()
