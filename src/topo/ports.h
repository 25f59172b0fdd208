/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ports.h - which local ports the kernel would choose from, and which it would leave alone
 *
 * Of the network namespace of the caller; IPv6 goes by the same two files
 * (Documentation/networking/ip-sysctl.rst).
 */
#pragma once

#include <stdint.h>

#include "netlink/source.h"

/* As many ranges of reserved ports as are heeded. They are a courtesy to others: what a machine
 * reserves beyond may be chosen. */
#define TOPO_RESERVED_MAX 256

struct topo_ports {
	uint16_t first;
	uint16_t last;
};

/* /proc/sys/net/ipv4/ip_local_port_range; the kernel's default if it cannot be read. */
struct topo_ports topo_local_ports(struct topo_source *source);

/* /proc/sys/net/ipv4/ip_local_reserved_ports: "8080,9148,10000-10100". Returns how many. */
unsigned topo_reserved_ports(struct topo_source *source, struct topo_ports out[TOPO_RESERVED_MAX]);
