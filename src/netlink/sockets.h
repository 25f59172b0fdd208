/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockets.h - the established TCP connections of this network namespace, through sock_diag
 */
#pragma once

#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct topo_socket {
	int family; /* AF_INET or AF_INET6; IPv4 over a socket of IPv6 is AF_INET */
	uint8_t src[16];
	uint8_t dst[16];
	uint16_t sport;
	uint16_t dport;
	uint32_t ifindex; /* SO_BINDTODEVICE, or the scope of link-local addresses; 0: none */
};

/* All of them, in the kernel's order. Needs no privilege. The caller frees *out. Returns 0, -errno,
 * or -ENOENT: the kernel lacks sock_diag for TCP (module tcp_diag). */
int topo_sockets(struct topo_socket **out, size_t *n_out);

/* Reads one message of the kernel's answer. Returns 0, or -EINVAL: it is none that we know. */
int topo_socket_parse(const struct nlmsghdr *message, struct topo_socket *out);
