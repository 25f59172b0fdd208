#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of the code in src: metrics.py [TREE] [--commits A..B] [--heads]

A struct is state by the rule of check-complexity.sh. Comment lines are lines that hold nothing but a
comment, of all that are not blank; the line of the licence does not count. A file has a head if a
comment of at least three lines stands by itself before its includes or right after them.
"""

import argparse
import collections
import os
import pathlib
import re
import statistics
import subprocess
import sys

LONG_FUNCTION = 60
MANY_PARAMETERS = 6
MANY_FIELDS = 25
HEAD_LINES = 3
HEAD_FROM = 150


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def share(values, part):
    """The smallest value that is not exceeded by this part of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0


def spread(values):
    return f"{statistics.median(values):.0f} / {share(values, 0.9)} / {max(values)}"


def comment_lines(text):
    """For each line: is it nothing but a comment?"""
    inside = False
    for line in text.splitlines():
        rest = line.strip()
        if inside:
            inside = "*/" not in rest
            yield True
        elif rest.startswith("/*"):
            inside = "*/" not in rest
            yield inside or rest.endswith("*/")
        else:
            yield rest.startswith("//")


def has_head(text):
    """A comment by itself, before the includes or after them and before all else."""
    n = 0
    for line, is_comment in list(zip(text.splitlines(), comment_lines(text)))[1:]:
        if is_comment:
            n += 1
        elif line.strip() and not line.startswith("#include"):
            return False
        elif n >= HEAD_LINES:
            return True
        else:
            n = 0
    return False


def functions(sources):
    """(complexity, lines) of each."""
    for line in run("pmccabe", *sources).splitlines():
        fields = line.split("\t")
        yield int(fields[0]), int(fields[4])


def n_parameters(signature):
    inner = signature.strip()[1:-1].strip()
    if inner in ("", "void"):
        return 0
    depth = n = 0
    for c in inner:
        depth += (c == "(") - (c == ")")
        n += c == "," and depth == 0
    return n + 1


class Tags:
    """What ctags finds: parameters of functions, prototypes of headers, fields of structs."""

    def __init__(self, files):
        self.parameters = []
        self.prototypes = collections.Counter()
        self.fields = collections.Counter()
        self.state = set()
        layout = "%K\t%F\t%N\t%s\t%t\t%S"
        out = run("ctags", "-x", "--languages=C", "--langmap=C:.c.h", "--c-kinds=fpm",
                  f"--_xformat={layout}", *files)
        for line in out.splitlines():
            kind, file, _, scope, kind_of, signature = line.split("\t")
            if kind == "function":
                self.parameters.append(n_parameters(signature))
            elif kind == "prototype" and file.endswith(".h"):
                self.prototypes[file] += 1
            elif kind == "member":
                self.member(file, scope.split("::")[0], kind_of)

    def member(self, file, struct, kind_of):
        self.fields[file, struct] += 1
        if re.search(r"(\.c|internal\.h)$", file) or \
                re.match(r"struct:loop_(io|task|timer)(\[\])?$", kind_of):
            self.state.add((file, struct))

    def large(self):
        return [key for key, n in self.fields.items() if n > MANY_FIELDS]


def comment_share(texts):
    flags = []
    for text in texts:
        pairs = list(zip(text.splitlines(), comment_lines(text)))[1:]
        flags += [is_comment for line, is_comment in pairs if line.strip()]
    return f"{100 * sum(flags) / max(1, len(flags)):.0f} %"


def asserts(texts):
    n = sum(len(re.findall(r"(?<![\w_])assert\(", text)) for text in texts)
    lines = sum(text.count("\n") for text in texts)
    return f"{1000 * n / max(1, lines):.1f}"


def row(name, value):
    print(f"{name:42} {value}")


def measure():
    text = {str(p): p.read_text() for p in sorted(pathlib.Path("src").rglob("*.[ch]"))}
    c = {p: t for p, t in text.items() if p.endswith(".c")}
    h = {p: t for p, t in text.items() if p.endswith(".h")}
    lines = {p: t.count("\n") for p, t in text.items()}
    code = list(functions(c))
    tags = Tags(list(text))
    folders = collections.Counter(os.path.dirname(p) for p in c)
    folder, n_folder = folders.most_common(1)[0]
    largest = max(c, key=lines.get)
    large = tags.large()
    (struct_file, struct), n_fields = tags.fields.most_common(1)[0]
    header, n_prototypes = tags.prototypes.most_common(1)[0]
    headless = [p for p in c if lines[p] > HEAD_FROM and not has_head(c[p])]

    row("files (.c+.h) / lines", f"{len(text)} / {sum(lines.values())}")
    row("functions", len(code))
    row("function length: median / p90 / max", spread([n for _, n in code]))
    row(f"functions over {LONG_FUNCTION} lines", sum(n > LONG_FUNCTION for _, n in code))
    row("complexity: p90 / max", f"{share([x for x, _ in code], 0.9)} / {max(code)[0]}")
    row("largest .c", f"{lines[largest]} ({largest})")
    row("folders with .c files", len(folders))
    row("most .c files in one folder", f"{n_folder} ({folder})")
    row("comment share: .c / .h", f"{comment_share(c.values())} / {comment_share(h.values())}")
    row(".h lines per .c line", f"{sum(map(lines.get, h)) / sum(map(lines.get, c)):.2f}")
    row("parameters: mean / p90 / max", f"{statistics.mean(tags.parameters):.1f} / "
        f"{share(tags.parameters, 0.9)} / {max(tags.parameters)}")
    row(f"functions over {MANY_PARAMETERS} parameters",
        sum(n > MANY_PARAMETERS for n in tags.parameters))
    row(f"structs / over {MANY_FIELDS} fields / of these state",
        f"{len(tags.fields)} / {len(large)} / {len(tags.state.intersection(large))}")
    for key in sorted(tags.state.intersection(large), key=tags.fields.get, reverse=True):
        row("  state", f"{key[1]} {tags.fields[key]} ({key[0]})")
    row("largest struct", f"{struct} {n_fields} ({struct_file})")
    row("prototypes in the largest header", f"{n_prototypes} ({header})")
    row("asserts per 1000 lines", asserts(text.values()))
    for name in sorted(folders):
        inside = [text[p] for p in text if os.path.dirname(p) == name]
        if asserts(inside) != "0.0":
            row(f"  {name}", asserts(inside))
    row(f".c over {HEAD_FROM} lines / without a head",
        f"{sum(lines[p] > HEAD_FROM for p in c)} / {len(headless)}")
    return headless


def measure_commits(span):
    sizes = []
    for commit in run("git", "log", "--no-merges", "--format=%x00", "--numstat", "-M",
                      span).split("\0")[1:]:
        numbers = re.findall(r"^(\d+)\t(\d+)\t", commit, re.M)
        sizes.append(sum(int(a) + int(b) for a, b in numbers))
    row(f"commits of {span}", len(sizes))
    if sizes:
        row("lines changed: median / p90 / max", spread(sizes))
        row("commits over 1000 lines", sum(n > 1000 for n in sizes))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", nargs="?", default=os.path.join(sys.path[0], ".."))
    parser.add_argument("--commits", metavar="A..B", help="the sizes of these commits too")
    parser.add_argument("--heads", action="store_true", help="name the files without a head")
    options = parser.parse_args()
    os.chdir(options.tree)
    headless = measure()
    if options.commits:
        measure_commits(options.commits)
    if options.heads:
        print(*headless, sep="\n")


main()
