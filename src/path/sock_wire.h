/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sock_wire.h - socket addresses as the protocol has them, and back
 */
#pragma once

#include "io/sock.h"
#include "wire/facts.h"

/* An IPv4-mapped address becomes an IPv4 one. */
void sock_wire_addr(const union sock_addr *addr, struct wire_addr *out);

/* The other way round, with a port. */
void sock_wire_back(union sock_addr *out, const struct wire_addr *addr, uint16_t port);

/* The addresses of a connection's ends. *ifindex_out: the scope of a link-local address, else 0.
 * Returns 0 or -errno. */
int sock_wire_names(int fd, struct wire_names *out, uint32_t *ifindex_out);
