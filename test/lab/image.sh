#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the guest boots from, made of this machine's Debian packages: sourced by run.
#
#   lab_cache    where it is kept
#   lab_kernel   Debian's cloud kernel, downloaded and unpacked but not installed
#   lab_base     the archive of programs, their libraries and the kernel's modules
set -euo pipefail

lab_cache=${XDG_CACHE_HOME:-$HOME/.cache}/mpnc-lab

programs=(awk bash cat chmod cmp cp cut date dmesg env ethtool grep head ip iperf3 kill ln ls mbuffer mkdir
	modprobe mount mptcpize mv nc.openbsd ncat nuttcp od paste ping ps rm sed seq setpriv sleep
	socat sort ss stat stty sysctl tail tc teamd teamdctl teamnl tee timeout tr truncate uniq wc)
modules=(8021q act_mirred bonding bridge cls_flower cls_matchall cls_u32 dummy inet_diag macvlan
	sch_ingress sch_netem sch_tbf tcp_bbr tcp_diag team team_mode_loadbalance team_mode_roundrobin
	tls udp_diag veth)

# add_libraries ROOT FILE...: the libraries that these programs need. /lib is a link to usr/lib.
add_libraries() {
	local root=$1 library
	shift
	ldd "$@" 2>/dev/null | sed -nE 's/.*[[:space:]](\/[^ ]+) \(0x.*/\1/p' | sort -u |
		while IFS= read -r library; do
			install -D "$library" "$root/usr/${library#/usr/}"
		done
}

# archive ROOT FILE: an initramfs of everything below ROOT.
archive() {
	(cd "$1" && find . -print0 | sort -z | cpio --null --create --quiet --format=newc -R 0:0) >"$2.new"
	mv "$2.new" "$2"
}

# The newest that a pattern matches; without one, that of the distribution.
name_kernel() {
	if [[ ${LAB_KERNEL-} ]]; then
		apt-cache pkgnames linux-image- | grep -E "^linux-image-$LAB_KERNEL.*-cloud-amd64\$" | sort -V | tail -n 1
	else
		apt-cache depends linux-image-cloud-amd64 2>/dev/null |
			sed -nE 's/.*Depends: (linux-image-[0-9].*)/\1/p' | head -n 1
	fi
}

# Each package of a kernel gets a directory of its own, so an update is noticed by its name.
find_kernel() {
	package=$(name_kernel)
	dir=$lab_cache/$package
	lab_kernel=$dir/boot/vmlinuz-${package#linux-image-}
	[[ $package ]]
}

download_kernel() {
	[[ ! -f $lab_kernel ]] || return 0
	echo "lab: downloading $package" >&2
	rm -rf "$dir.new"
	mkdir -p "$dir.new"
	(cd "$dir.new" && apt-get -q -o APT::Sandbox::User=root download "$package" >/dev/null &&
		dpkg-deb -x ./*.deb . && rm ./*.deb) &&
		depmod -b "$dir.new" "${package#linux-image-}" &&
		mv "$dir.new" "$dir"
}

# A list of packages that is old may name a kernel that is no longer there.
fetch_kernel() {
	local package dir
	! find_kernel || ! download_kernel || return 0
	((EUID != 0)) || apt-get -q -o DPkg::Lock::Timeout=300 update >/dev/null || true
	! find_kernel || ! download_kernel || return 0
	echo "$0: no kernel to boot: apt-get cannot download ${package:-linux-image-cloud-amd64}"
	return 77
}

add_modules() {
	local root=$1 release=${lab_kernel##*/vmlinuz-} dir module
	dir=${lab_kernel%/boot/*}
	modprobe -d "$dir" -S "$release" -a --show-depends "${modules[@]}" |
		sed -nE 's/^insmod ([^ ]+).*/\1/p' | sort -u |
		while IFS= read -r module; do
			install -D -m 644 "$module" "$root/${module#"$dir"}"
		done
	cp "$dir/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$release"
	depmod -b "$root" "$release"
}

build_base() {
	local root program
	root=$(mktemp -d)
	mkdir -p "$root"/{dev,etc,lab,proc,root,run,sys,tmp,var} "$root"/usr/{bin,lib,lib64}
	ln -s usr/bin usr/lib usr/lib64 "$root"
	ln -s usr/bin "$root/sbin"
	ln -s bin "$root/usr/sbin"
	ln -s ../run "$root/var/run"
	for program in "${programs[@]}"; do
		cp -L "$(type -P "$program")" "$root/usr/bin/$program"
	done
	# These are opened by name, so ldd does not show them.
	install -D -t "$root/usr/lib/x86_64-linux-gnu" /usr/lib/x86_64-linux-gnu/libgcc_s.so.1
	install -D -t "$root/usr/lib/x86_64-linux-gnu/mptcpize" /usr/lib/x86_64-linux-gnu/mptcpize/*
	add_libraries "$root" "$root"/usr/bin/*
	ln -s bash "$root/usr/bin/sh"
	printf '%s\n' root:x:0:0::/root:/bin/bash nobody:x:65534:65534::/:/bin/false >"$root/etc/passwd"
	printf '%s\n' root:x:0: nogroup:x:65534: >"$root/etc/group"
	echo '127.0.0.1 localhost' >"$root/etc/hosts"
	add_modules "$root"
	archive "$root" "$lab_base"
	rm -rf "$root"
}

# The base is made again when anything that goes into it may have changed.
lab_image() {
	local key
	mkdir -p "$lab_cache"
	fetch_kernel || return
	key=$({
		echo "$lab_kernel"
		cat "${BASH_SOURCE[0]}" /var/lib/dpkg/status
	} | sha256sum | cut -c 1-16)
	lab_base=$lab_cache/base-$key.cpio
	[[ -f $lab_base ]] || {
		rm -f "$lab_cache"/base-*.cpio
		build_base
	}
}
