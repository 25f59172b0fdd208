#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The gates themselves: each passes on a clean tree and fails once its rule is broken.
set -euo pipefail
tools=$(realpath "$(dirname "$0")")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
spdx='SPDX-License-Identifier: GPL-2.0-or-later'
status=0

# put FILE: standard input becomes the tree's FILE, under a licence line.
put() {
	mkdir -p "$(dirname "$tree/$1")"
	{
		echo "// $spdx"
		cat
	} >"$tree/$1"
}

# function_of N TEXT: a function with N times TEXT in it, & in TEXT being 1 to N.
function_of() {
	printf 'int f(int a)\n{\n'
	seq "$1" | sed "s/.*/$2/"
	printf '\treturn a;\n}\n'
}

# struct_of N [MEMBER]: a struct with N members and this one.
struct_of() {
	printf 'struct s {\n'
	seq "$1" | sed 's/.*/\tint a&;/'
	printf '\t%s\n};\n' "${2-}"
}

# passes GATE ARG...: the gate is content.
passes() {
	local said
	if ! said=$("$tools/$1" "${@:2}" 2>&1); then
		echo "$1 fails on a clean tree: $said"
		status=1
	fi
}

# fails TEXT GATE ARG...: the gate fails, and says TEXT; then the tree is clean again.
fails() {
	local said
	if said=$("$tools/$2" "${@:3}" 2>&1); then
		echo "$2 passes, but should say: $1"
		status=1
	elif [[ $said != *"$1"* ]]; then
		echo "$2 should say: $1; but says: $said"
		status=1
	fi
	clean
}

clean() {
	rm -rf "${tree:?}"/*
	mkdir -p "$tree/test"
	put src/main.c <<<'#include "cmd/netcat/cat.h"'
	put src/wire/frame.h <<<'#include <stdint.h>'
	put src/server/queue.c < <(printf '#include "wire/frame.h"\n#include <time.h>\n' && function_of 50 '')
	put test/unit/knot.c < <(function_of 24 '\tif (a == &)\n\t\treturn 1;')
	put src/server/head.c < <(printf '/*\n * one\n */\n' && yes '' | head -n 149)
	put src/util/plain.h < <(struct_of 26)
	put src/util/state.c < <(struct_of 25)
	put src/util/thirty.h < <(seq 30 | sed 's/.*/int g&(void);/')
	put src/util/six.h <<<'int f(int a, int b, int c, int d, int e, void (*g)(int, int));'
	put page.1 < <(printf '.Dd January 1, 2026\n.Dt P 1\n.Os\n.Sh NAME\n.Bl -tag\n.It Fl Fl one-two\n.El\n')
	printf '#!/bin/sh\n# %s\necho "  -o, --one-two  n"\n' "$spdx" >"$tree/prog.sh"
	chmod +x "$tree/prog.sh"
}

clean
passes check-includes.sh "$tree"
passes check-complexity.sh "$tree"
passes check-heads.sh "$tree"
passes check-spdx.sh "$tree"
passes check-words.sh "$tree"
passes check-manpage.sh "$tree/prog.sh" "$tree/page.1"

put src/wire/bad.c <<<'#include "io/loop.h"'
fails 'src/wire/bad.c:2: wire may not include io' check-includes.sh "$tree"

put src/main.c <<<'#  include "io/loop.h"'
fails 'src/main.c:2: main may not include io' check-includes.sh "$tree"

put src/io/bad.c <<<'#include "wire/frame.h"'
fails 'src/io/bad.c:2: io may not include wire' check-includes.sh "$tree"

put src/cmd/bench/bad.c <<<'#include "cmd/netcat/cat.h"'
fails 'src/cmd/bench/bad.c:2: cmd/bench may not include cmd/netcat' check-includes.sh "$tree"

put src/util/bad.h < <(printf '/*\n * good.h - something\n */\n')
fails 'src/util/bad.h:3: its head names good.h' check-includes.sh "$tree"

put src/util/bad.c <<<'#include "text.h"'
fails 'src/util/bad.c:2: "text.h" lacks its directory' check-includes.sh "$tree"

put src/misc/bad.c <<<''
fails 'src/misc/bad.c:1: src/misc is not a known module' check-includes.sh "$tree"

put src/session/bad.h <<<'#include <time.h>'
fails 'src/session/bad.h:2: session does no I/O and may not include <time.h>' \
	check-includes.sh "$tree"

put src/util/bad.c < <(function_of 60 '')
fails 'src/util/bad.c(2): f: 64 lines, at most 60' check-complexity.sh "$tree"

put test/bad.c < <(function_of 25 '\tif (a == &)\n\t\treturn 1;')
fails 'test/bad.c(2): f: complexity 26, at most 25' check-complexity.sh "$tree"

put src/util/bad.h < <(yes '' | head -n 800)
fails 'src/util/bad.h: 801 lines, at most 800' check-complexity.sh "$tree"

put src/util/bad.h <<<'int f(int a, int b, int c, int d, int e, void (*g)(int, int), int h);'
fails 'src/util/bad.h(2): f: 7 parameters, at most 6' check-complexity.sh "$tree"

put src/util/bad.c <<<'static int f(int a, int b, int c, int d, int e, int g, int h) { return 0; }'
fails 'src/util/bad.c(2): f: 7 parameters, at most 6' check-complexity.sh "$tree"

put src/util/bad.h < <(seq 31 | sed 's/.*/int f&(void);/')
fails 'src/util/bad.h: 31 prototypes, at most 30' check-complexity.sh "$tree"

put src/util/bad.c < <(struct_of 26)
fails 'src/util/bad.c: struct s: 26 fields, at most 25' check-complexity.sh "$tree"

put src/util/bad_internal.h < <(struct_of 26)
fails 'src/util/bad_internal.h: struct s: 26 fields, at most 25' check-complexity.sh "$tree"

put src/util/bad.h < <(struct_of 25 'struct loop_timer timer;')
fails 'src/util/bad.h: struct s: 26 fields, at most 25' check-complexity.sh "$tree"

put src/util/bad.c < <(struct_of 24 'struct { int x, y; } inner;')
fails 'src/util/bad.c: struct s: 27 fields, at most 25' check-complexity.sh "$tree"

for i in {1..15}; do put "src/util/bad$i.c" <<<''; done
fails 'src/util: 16 .c files, at most 15' check-complexity.sh "$tree"

put src/util/bad.c <<<'int f( {{'
fails 'src/util/bad.c' check-complexity.sh "$tree"

put src/util/bad.c < <(printf '/* one */\n#include <stdio.h>\n' && yes '' | head -n 149)
fails 'src/util/bad.c: 152 lines, and no head' check-heads.sh "$tree"

put src/util/bad.c < <(printf 'int a;\n/*\n * one\n */\n' && yes '' | head -n 149)
fails 'src/util/bad.c: 154 lines, and no head' check-heads.sh "$tree"

echo 'int a;' >"$tree/src/bad.c"
fails './src/bad.c: no SPDX-License-Identifier' check-spdx.sh "$tree"

# The words are put together here, so that the gate does not find them in this file.
printf 'It was sent %s often.\n' so >"$tree/README.md"
fails "README.md:1: so ""often" check-words.sh "$tree"

put src/util/bad.c < <(printf '/* The peer %s\n\t * told. */\n' is)
fails "src/util/bad.c:2: is ""told" check-words.sh "$tree"

put tool.sh < <(printf '# one\n# Who %s it?\n' has)
fails "tool.sh:3: who ""has" check-words.sh "$tree/tool.sh"

put test/bad.py < <(printf 'text = ("no "\n\t"%s")\n' mpnc)
fails "    1 in all" check-words.sh "$tree"

sed -i 's/one-two/one/' "$tree/prog.sh"
fails '--one is in --help, but not in' check-manpage.sh "$tree/prog.sh" "$tree/page.1"

sed -i 's/--/-/' "$tree/prog.sh"
fails 'names no long option' check-manpage.sh "$tree/prog.sh" "$tree/page.1"

exit $status
