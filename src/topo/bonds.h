/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bonds.h - bonds and teams put together from netlink and files, for the rest of topo
 */
#pragma once

#include "topo/devs.h"

/* Adds to a bond or team of devs all that devs_load does not know: ports, their order, speeds, and
 * what is usable. Returns 0, or 1 if netlink and files do not speak of the same ports: something
 * changed in between. The bond is complete then too, but its order not known. */
int bonds_complete(struct topo_source *source, const struct devs *devs, struct topo_bond *bond);

/* All devices, with that bond or team complete; ifindex 0: with all of them. *devs is to be given
 * to devs_clear after use, after a failure too. Returns 0 or -errno. */
int bonds_load(struct topo_source *source, uint32_t ifindex, struct devs *devs);

/* in_sysfs, speed and duplex of a device. */
void bonds_speed(struct topo_source *source, struct topo_link *link);
