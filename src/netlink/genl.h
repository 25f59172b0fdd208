/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * genl.h - requests to families of generic netlink, for the rest of topo
 */
#pragma once

#include <stdint.h>

#include "netlink/source.h"

#define GENL_REQUEST_LEN 128

/* Begins a request in buffer, which is to be aligned to 8 bytes. */
struct nlmsghdr *genl_start(char buffer[GENL_REQUEST_LEN], uint16_t type, uint8_t command);

/* The number of a family, for genl_start. Returns 0, -ENOENT if the kernel has none of that name,
 * or another -errno. */
int genl_family(struct topo_source *source, const char *name, uint16_t *out);
