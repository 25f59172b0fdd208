#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Install the Debian packages that are missing: deps.sh build|all|lab|servers. Silent when nothing is missing.
set -euo pipefail

build=(meson ninja-build gcc pkg-config libc6-dev libxxhash-dev libjansson-dev libmnl-dev libssl-dev)
gates=(clang-14 clang-format-14 libclang-rt-14-dev llvm-14 libcmocka-dev pmccabe universal-ctags
	shellcheck pyflakes3 mandoc)
tests=(netcat-openbsd ncat socat mbuffer iproute2 procps time util-linux python3 zsh
	openssl tmux tshark valgrind)
lab=(qemu-system-x86 cpio ethtool kmod iproute2 util-linux diffutils iperf3 netcat-openbsd ncat socat mbuffer
	nuttcp mptcpize libteam-utils iputils-ping procps)
# Debian starts some of these when they are installed, so only continuous integration gets them unasked;
# without them, their tests are skipped.
servers=(rsync openssh-server openssh-client postgresql qemu-utils qemu-block-extra tgt)

case ${1-} in
build) wanted=("${build[@]}") ;;
all)
	wanted=("${build[@]}" "${gates[@]}" "${tests[@]}" "${lab[@]}")
	[[ ${CI-} != true ]] || wanted+=("${servers[@]}")
	;;
lab) wanted=("${build[@]}" "${lab[@]}") ;;
servers) wanted=("${servers[@]}") ;;
*)
	echo "usage: $0 build|all|lab|servers" >&2
	exit 2
	;;
esac

# Not Debian: the build itself says what it lacks.
command -v dpkg-query >/dev/null || exit 0

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
	sed -n 's/^installed //p') || true
mapfile -t missing < <(comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) <(sort -u <<<"$installed"))
((${#missing[@]})) || exit 0

fail() {
	echo "$0: $1. Install these packages, then try again:" >&2
	echo "  apt-get install ${missing[*]}" >&2
	exit 1
}

root=()
if ((EUID != 0)); then
	command -v sudo >/dev/null || fail "packages are missing, and there is neither root nor sudo"
	root=(sudo)
	[[ -t 0 ]] || root+=(-n)
fi

echo "installing: ${missing[*]}"
apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
"${apt[@]}" update || fail "apt-get update failed"
"${apt[@]}" install -y --no-install-recommends "${missing[@]}" || fail "apt-get install failed"
