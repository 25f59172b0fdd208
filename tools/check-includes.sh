#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Includes point one way, the pure modules stay away from I/O and clocks, and the head of a file names no other:
# check-includes.sh [TREE]
set -euo pipefail
cd "${1-$(dirname "$0")/..}"

# shellcheck disable=SC2016 # awk's variables, not ours
find src -name '*.[ch]' -print0 | sort -z | xargs -0 -r awk '
	BEGIN {
		base = "util"
		core = "session wire " base
		may["util"] = base
		may["wire"] = "wire " base
		may["hash"] = "hash " base
		may["plan"] = "plan hash " base
		may["session"] = core
		may["netlink"] = "netlink " base
		may["topo"] = "topo netlink " base
		may["io"] = "io " base
		may["tls"] = "tls " base
		may["ui"] = "ui session " base
		may["path"] = "path io topo netlink plan hash " core
		may["endpoint"] = "endpoint io " core
		may["engine"] = "engine endpoint path tls io plan " core
		may["client"] = "client " may["engine"]
		may["server"] = "server path tls io " core
		may["relay"] = "relay server " may["client"]

		# A verb sees no other verb, but that doctor shows what status does.
		below = "relay server client engine endpoint path tls io ui topo netlink plan hash " core
		may["cmd/cli"] = "cmd/cli " below
		may["cmd/measure"] = "cmd/measure " may["cmd/cli"]
		verb = may["cmd/measure"]
		may["cmd"] = "cmd " verb
		may["cmd/bench"] = "cmd/bench " verb
		may["cmd/doctor"] = "cmd/doctor cmd/status " verb
		may["cmd/explain"] = "cmd/explain " verb
		may["cmd/netcat"] = "cmd/netcat " verb
		may["cmd/status"] = "cmd/status " verb
		may["main"] = "cmd cmd/cli cmd/bench cmd/doctor cmd/explain cmd/netcat cmd/status ui " base
		pure = "^(wire|session|hash|plan)$"
		io = "^(sys/socket|unistd|fcntl|poll|sys/epoll|time|sys/time|stdio|signal|pthread)\\.h$"
	}

	function complain(reason) {
		print FILENAME ":" FNR ": " reason
		bad = 1
	}

	# The folder below src.
	function folder(path) {
		sub(/\/[^\/]*$/, "", path)
		return path
	}

	FNR == 1 {
		module = FILENAME == "src/main.c" ? "main" : folder(substr(FILENAME, 5))
		if (!(module in may))
			complain("src/" module " is not a known module")
	}

	FNR == 3 && /^ \* [a-z_]+\.[ch] - / {
		name = FILENAME
		sub(/.*\//, "", name)
		if ($2 != name)
			complain("its head names " $2)
	}

	/^[ \t]*#[ \t]*include[ \t]*"/ {
		split($0, quoted, "\"")
		if (!index(quoted[2], "/"))
			complain("\"" quoted[2] "\" lacks its directory")
		else if (!index(" " may[module] " ", " " folder(quoted[2]) " "))
			complain(module " may not include " folder(quoted[2]))
	}

	/^[ \t]*#[ \t]*include[ \t]*</ && module ~ pure {
		split($0, angle, /[<>]/)
		if (angle[2] ~ io)
			complain(module " does no I/O and may not include <" angle[2] ">")
	}

	END { exit bad }'
