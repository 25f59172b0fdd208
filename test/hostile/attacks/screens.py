# SPDX-License-Identifier: GPL-2.0-or-later
"""Text of a hostile peer that tries to reach the terminal of a user, by every verb."""
import json
import os
import subprocess
import tempfile

import frames
from attacks import attack
from attacks.clients import HostileServer
from frames import ABORT, NEW, QUERY, REFUSE, Closed, Peer
from program import Program, expect, listener, relay, server

# Colours, a title, C1's CSI, an override of direction, a return to the line's begin, quotes, a new line with JSON.
EVIL = (b"\x1b[31mred", b"\x1b]0;title\x07", b"\x9b2J", "\u202edesrever".encode(), b"\rmpnc: complete", b'","x":"',
        b"\n{\"type\":1}\n", b"\\u001b[2J", b"\x00\x7f\xff\x85", b"%s%n")
PRINTABLE = set(range(0x20, 0x7f)) | {0x0a}


def expect_printable(said, words):
    odd = sorted(set(said) - PRINTABLE)
    expect(not odd, f"{' '.join(map(str, words))} shows bytes {odd}: {said[:300]!r}")


def expect_json(text, words):
    for line in text.splitlines():
        try:
            json.loads(line)
        except ValueError:
            expect(False, f"{' '.join(map(str, words))}: this is no JSON: {line[:200]!r}")


def evil_facts(text):
    return frames.facts(name=text[:15], links=[(1000, text[:15]), (10000, text[-15:])])


def answers(text):
    """What a hostile listener says to a HELLO."""
    welcome = frames.PREFACE + frames.welcome(n=2, items=evil_facts(text))
    return (frames.PREFACE + frames.notice(REFUSE, 1, text), frames.PREFACE + frames.notice(REFUSE, 4711, text),
            welcome + frames.notice(ABORT, 7, text), welcome + frames.frame(frames.FACTS, 1, evil_facts(text)) +
            frames.notice(ABORT, 4711, text), text + b"\n" + text, frames.PREFACE + text)


VERBS = (("-v", ), ("-vv", "--json=out.json"), ("-z", "-v"), ("--plan", ), ("bench", "-t", "200ms"),
         ("bench", "-t", "200ms", "--json=out.json"), ("doctor", ), ("doctor", "--json"), ("doctor", "--report"))


def hear(words, answer):
    verb = words[:1] if words[0].isalpha() else ()
    options = words[len(verb):]
    with HostileServer(answer) as at, tempfile.TemporaryFile() as out:
        limits = ("-w", "2") if verb == ("doctor", ) else ("-w", "2", "--reconnect", "0")
        with Program(*verb, *options, *limits, "127.0.0.1", at.port, stdout=out) as it:
            status = it.wait()
            it.expect_clean()
            expect(0 <= status < 128, f"{' '.join(words)} ended with {status}")
            out.seek(0)
            shown = out.read()
            expect_printable(it.said().encode("latin-1"), words)
            expect_printable(shown, words)
    if "--json" in words:
        expect_json(shown.decode(), words)
    if "--json=out.json" in words and os.path.exists("out.json"):
        with open("out.json") as f:
            expect_json(f.read(), words)
        os.unlink("out.json")


@attack("escapes", asan=True)
def escapes(context):
    """Text of a hostile listener or client reaches nobody's terminal, and breaks no JSON."""
    texts = context.random.sample(EVIL, context.times(2, len(EVIL)))
    n = 0
    for text in texts:
        for answer in answers(text):
            for words in VERBS if not context.quick else context.random.sample(VERBS, 3):
                hear(words, answer)
                n += 1
    sock, at = server()
    for victim in (listener("-k", "-vv", "--json=served.json"), relay("-vv", "--to", f"127.0.0.1:{at}")):
        with victim:
            for text in EVIL:
                speak(victim.port, text)
                n += 1
            victim.expect_sound()
            expect_printable(victim.said().encode("latin-1"), ("listener", ))
    with open("served.json") as f:
        expect_json(f.read(), ("-l", "--json"))
    sock.close()
    return f"{n} runs"


def speak(port, text):
    """As a hostile client."""
    for kind in (NEW, QUERY):
        for items in (evil_facts(text), frames.target(text[:60])):
            try:
                peer = Peer(port, timeout=5)
                peer.open(frames.hello(kind, items=items))
                peer.send(frames.notice(ABORT, 7, text))
                peer.listen_out(0.1)
                peer.close()
            except (Closed, OSError):
                pass
    peer = Peer(port)
    peer.send(text)
    peer.close()


@attack("escapes-relay")
def escapes_relay(_):
    """The near side of a relay shows nothing of what a hostile far side says."""
    for text in EVIL:
        with HostileServer(answers(text)[0]) as at, \
                Program("relay", "-vv", "127.0.0.1:0", "127.0.0.1", at.port).wait_port() as near:
            for _ in range(2):
                subprocess.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{near.port}; timeout 1 cat <&3"],
                               capture_output=True)
            near.expect_sound()
            expect_printable(near.said().encode("latin-1"), ("relay", ))
