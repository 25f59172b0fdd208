#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Includes point one way, and the pure modules stay away from I/O and clocks:
# check-includes.sh [TREE]
set -euo pipefail
cd "${1-$(dirname "$0")/..}"

# shellcheck disable=SC2016 # awk's variables, not ours
find src -name '*.[ch]' -print0 | sort -z | xargs -0 -r awk '
	BEGIN {
		may["main"] = "cmd ui util"
		may["cmd"] = "cmd ui net session plan hash topo wire util"
		may["ui"] = "ui session util"
		may["net"] = "net session plan hash topo wire util"
		may["session"] = "session wire util"
		may["wire"] = "wire util"
		may["plan"] = "plan hash util"
		may["hash"] = "hash util"
		may["topo"] = "topo util"
		may["util"] = "util"
		pure = "^(wire|session|hash|plan)$"
		io = "^(sys/socket|unistd|fcntl|poll|sys/epoll|time|sys/time|stdio|signal|pthread)\\.h$"
	}

	function complain(reason) {
		print FILENAME ":" FNR ": " reason
		bad = 1
	}

	FNR == 1 {
		split(FILENAME, part, "/")
		module = part[2] == "main.c" ? "main" : part[2]
		if (!(module in may))
			complain("src/" module " is not a known module")
	}

	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, quoted, "\"")
		if (split(quoted[2], path, "/") < 2)
			complain("\"" quoted[2] "\" lacks its directory")
		else if (!index(" " may[module] " ", " " path[1] " "))
			complain(module " may not include " path[1])
	}

	/^[ \t]*#[ \t]*include[ \t]*</ && module ~ pure {
		split($0, angle, /[<>]/)
		if (angle[2] ~ io)
			complain(module " does no I/O and may not include <" angle[2] ">")
	}

	END { exit bad }'
