# SPDX-License-Identifier: GPL-2.0-or-later
"""What an attack is. Those of a kind share a module here; each module is named in MODULES."""
import importlib
from dataclasses import dataclass
from random import Random
from typing import Callable

MODULES = ("sessions", "changed", "failing", "crowds", "relays", "files", "clients", "screens", "links",
           "records", "handshakes")


@dataclass
class Attack:
    name: str
    run: Callable
    quick: bool  # in make check; every attack is in make attack
    asan: bool  # worth a program with sanitizers
    limit_s: int  # when it has hung; ten times of that without --quick


@dataclass
class Context:
    """What an attack is given."""
    quick: bool
    random: Random

    def times(self, quick, full):
        return quick if self.quick else full


found = {}


def attack(name, quick=True, asan=False, limit_s=300):
    """Makes a function an attack. It returns figures, raises Failed when the program did not hold, or Skipped."""

    def add(run):
        found[name] = Attack(name, run, quick, asan, limit_s)
        return run

    return add


def every():
    for module in MODULES:
        importlib.import_module(f"attacks.{module}")
    return list(found.values())
