/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * own_addrs.h - at which addresses of this machine others can reach a socket that listens
 */
#pragma once

#include "io/sock.h"
#include "wire/facts.h"

/* Could it be another machine's? Not the address of a group, of a machine to itself, of one link
 * only, or none at all. */
bool own_addrs_reachable(const union sock_addr *addr);

/* Adds the addresses on which fd listens: for the wildcard those of all interfaces that are up.
 * What is not reachable or there already is left out, and all beyond WIRE_ADDRS_MAX. */
void own_addrs_of(int fd, struct wire_addrs *out);
